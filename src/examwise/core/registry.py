"""Registries: names that a user may write, and where the code behind each lives.

An entry is an import path, so that listing names imports nothing heavy and a new encoder,
pooling or learner is one new file and one line.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

from examwise.core.errors import InputError


class Registry(Mapping[str, str]):
    """An ordered, read-only mapping from name to ``module:attribute``.

    Args:
        kind: What the entries are, in the singular, for messages.
        entries: Name to ``"package.module:attribute"``.

    Example:
        >>> functions = Registry("function", {"root": "math:sqrt"})
        >>> functions.load("root")(9)
        3.0
        >>> functions.load("cube")
        Traceback (most recent call last):
        examwise.core.errors.InputError: function: expected one of root, got cube
    """

    def __init__(self, kind: str, entries: Mapping[str, str]) -> None:
        self.kind = kind
        self._entries = dict(entries)

    def __getitem__(self, name: str) -> str:
        try:
            return self._entries[name]
        except KeyError:
            names = ", ".join(self._entries)
            raise InputError(where=self.kind, expected=f"one of {names}", got=name) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def load(self, name: str) -> Any:
        """Import and return the object behind a name.

        Raises:
            InputError: If the name is not registered.
        """
        module, _, attribute = self[name].partition(":")
        return getattr(importlib.import_module(module), attribute)
