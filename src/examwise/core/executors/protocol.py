"""The executor protocol: one function over many items, wherever they run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Executor(Protocol):
    """Runs a function on items, serially, on several processes, or on a cluster.

    The function is importable (defined at a module's top level, perhaps bound by
    :func:`functools.partial`), and what it returns names the item it is about: results come in
    the order in which they are finished. A function that raises ends the whole map.
    """

    n_workers: int

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yield results as they are finished."""
        ...
