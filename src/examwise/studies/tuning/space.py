"""The space of options that is searched, read from its YAML file; imports nothing heavy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

from examwise.core.checked_yaml import load_yaml
from examwise.core.digests import canonical_json
from examwise.core.errors import InputError

RangeKind = Literal["uniform", "log_uniform", "int"]

_LARGEST_FILE = 1 << 16
_EXAMPLE = (
    "such as {choice: [1, 2]}, {uniform: [0, 0.5]}, {log_uniform: [1e-5, 1e-2]} or {int: [8, 64]}"
)


@dataclass(frozen=True)
class Choice:
    """One of several values.

    Attributes:
        values: Plain values, each once.
    """

    values: tuple[Any, ...]

    @property
    def ends(self) -> tuple[Any, ...]:
        """Values by which it is known whether all of them fit."""
        return self.values

    @property
    def size(self) -> float:
        """Number of values."""
        return len(self.values)

    def plain(self) -> dict[str, list[Any]]:
        """Return it as in the file."""
        return {"choice": list(self.values)}


@dataclass(frozen=True)
class Range:
    """A number between two, both included.

    Attributes:
        kind: Even, even in the logarithm, or whole numbers.
        low: The lowest.
        high: The highest.
    """

    kind: RangeKind
    low: float
    high: float

    @property
    def ends(self) -> tuple[Any, ...]:
        """Values by which it is known whether all of them fit."""
        return (self.low, self.high)

    @property
    def size(self) -> float:
        """Number of values."""
        return self.high - self.low + 1 if self.kind == "int" else math.inf

    def plain(self) -> dict[str, list[Any]]:
        """Return it as in the file."""
        return {self.kind: [self.low, self.high]}


Dimension = Choice | Range


@dataclass(frozen=True)
class Space:
    """Options by their dotted names, and the values that each may take.

    Attributes:
        dimensions: In the order of the file.
        where: The file, for messages.

    Example:
        >>> Space({"model.width": Choice((8, 16)), "model.embedding": Range("int", 8, 9)}).size
        4
    """

    dimensions: Mapping[str, Dimension]
    where: str = "space"

    @property
    def size(self) -> float:
        """Number of combinations; infinite if numbers may lie anywhere between two."""
        return math.prod(dimension.size for dimension in self.dimensions.values())

    def plain(self) -> dict[str, dict[str, list[Any]]]:
        """Return the space as in a file."""
        return {name: dimension.plain() for name, dimension in self.dimensions.items()}


def read_space(path: Path) -> Space:
    """Read a space from its file; whether the options exist is not looked at yet.

    Raises:
        InputError: If there is no such file or it is none; the message names the place.
    """
    if not path.is_file():
        raise InputError(where=path, expected="a space file (YAML)", got="no such file")
    if path.stat().st_size > _LARGEST_FILE:
        raise InputError(where=path, expected="a short YAML file", got="a larger one")
    try:
        tree = load_yaml(path.read_text("utf-8-sig"))
    except (yaml.YAMLError, UnicodeError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        raise InputError(
            where=f"{path}, line {mark.line + 1}" if mark else path,
            expected="YAML",
            got=getattr(error, "problem", None) or type(error).__name__,
            remedy="correct the file",
        ) from None
    return make_space(tree, where=str(path))


def make_space(tree: Any, *, where: str = "space") -> Space:
    """Return a space from plain values.

    Args:
        tree: Dotted name to kind to values.
        where: What it is from, for messages.

    Raises:
        InputError: Names what is wrong.

    Example:
        >>> make_space({"model.dropout": {"uniform": [0, 0.5]}}).plain()
        {'model.dropout': {'uniform': [0.0, 0.5]}}
    """
    if not isinstance(tree, dict) or not tree or not all(isinstance(key, str) for key in tree):
        raise InputError(
            where=where,
            expected=f"options by their dotted names, each with its values, {_EXAMPLE}",
            got=tree if not isinstance(tree, dict) else "none" if not tree else "other names",
            remedy="correct the file",
        )
    for name in tree:
        above = [other for other in tree if name.startswith(f"{other}.")]
        if above:
            raise _refusal(where, name, "each option once", f"{above[0]} too, which holds it")
    return Space({name: _dimension(f"{where}, {name}", tree[name]) for name in tree}, where)


def _dimension(where: str, said: Any) -> Dimension:
    kinds = ("choice", *get_args(RangeKind))
    if not isinstance(said, dict) or len(said) != 1 or next(iter(said)) not in kinds:
        raise InputError(
            where=where,
            expected=f"one of {', '.join(kinds)} with its values, {_EXAMPLE}",
            got=said,
            remedy="correct the file",
        )
    ((kind, values),) = said.items()
    if not isinstance(values, list):
        raise _refusal(where, kind, "a list", values)
    if kind == "choice":
        try:
            different = {canonical_json(value) for value in values}
        except (TypeError, ValueError):
            raise _refusal(where, kind, "plain values", values) from None
        if len(values) < 2 or len(different) < len(values):
            raise _refusal(where, kind, "two values or more, each once", values)
        return Choice(tuple(values))
    numbers = [_number(value) for value in values]
    if len(numbers) != 2 or None in numbers or not numbers[0] < numbers[1]:
        raise _refusal(where, kind, "two numbers, the lower one first", values)
    low, high = numbers
    if kind == "int":
        if not all(type(value) is int for value in values):
            raise _refusal(where, kind, "two whole numbers", values)
        return Range(kind, *values)
    if kind == "log_uniform" and low <= 0:
        raise _refusal(where, kind, "numbers above 0", values)
    return Range(kind, low, high)


def _number(value: Any) -> Any:
    """Return a finite number, or None; YAML 1.1 takes 1e-4 for a word."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    with suppress(ValueError, OverflowError):
        if math.isfinite(number := float(value)):
            return number
    return None


def _refusal(where: str, name: str, expected: str, got: object) -> InputError:
    return InputError(
        where=f"{where}, {name}", expected=expected, got=got, remedy="correct the file"
    )
