"""YAML in which every key stands once; plain YAML loaders keep the last of several in silence."""

from __future__ import annotations

from typing import Any

import yaml


def load_yaml(text: str) -> Any:
    """Parse YAML text.

    Raises:
        yaml.YAMLError: If it is none, or a key stands twice in one mapping.

    Example:
        >>> load_yaml("{a: 1, b: [a, a]}")
        {'a': 1, 'b': ['a', 'a']}
    """
    tree = yaml.compose(text, Loader=yaml.SafeLoader)
    if tree is not None:
        _require_unlike(tree, set())
    return yaml.safe_load(text)


def _require_unlike(node: yaml.Node, seen: set[int]) -> None:
    if id(node) in seen:  # named by an alias
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _require_unlike(item, seen)
    elif isinstance(node, yaml.MappingNode):
        known = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if (key.tag, key.value) in known:
                    raise yaml.constructor.ConstructorError(
                        problem=f"the key {key.value} twice", problem_mark=key.start_mark
                    )
                known.add((key.tag, key.value))
            _require_unlike(key, seen)
            _require_unlike(value, seen)
