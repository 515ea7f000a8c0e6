"""A configuration as a table: every value that determined a study, by its dotted name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from examwise.reporting.contents import Table

_LOOKS_LIKE_PATH = re.compile(r"^(/|~|[A-Za-z]:[\\/]|\.{1,2}/)|://|\\")
LEFT_OUT = "(a path, left out)"


def setting(configuration: Mapping[str, Any], *names: str) -> Any:
    """Return a nested value, or None where there is none.

    Example:
        >>> setting({"study": {"costs": None}}, "study", "costs", "seconds_per_exam") is None
        True
    """
    value: Any = configuration
    for name in names:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def value_words(value: Any) -> str:
    """Write a plain value; what looks like a path is left out, since paths may hold names.

    Example:
        >>> value_words([30, 120]), value_words(True), value_words("/data/x") == LEFT_OUT
        ('30, 120', 'yes', True)
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == {}:
        return "none"
    if isinstance(value, list | tuple):
        return ", ".join(value_words(item) for item in value) or "none"
    if isinstance(value, float):
        return f"{value:g}"
    text = str(value)
    return LEFT_OUT if _LOOKS_LIKE_PATH.search(text) else text


def configuration_table(configuration: Mapping[str, Any], *, seed: int | None) -> Table:
    """Write out a configuration, one row a value."""
    rows = [(name, value_words(value)) for name, value in _flat(configuration)]
    return Table(
        id="table-configuration",
        caption="The whole configuration",
        columns=("Setting", "Value"),
        rows=(*rows, ("seed", value_words(seed))),
        source="manifest.json",
    )


def _flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key in sorted(value):
            yield from _flat(value[key], f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        for number, item in enumerate(value, start=1):
            yield from _flat(item, f"{prefix}.{number}")
    elif prefix:
        yield prefix, value
