"""Everything in this process, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from examwise.core.executors.protocol import Item, Result


class SerialExecutor:
    """Runs items in this process.

    Args:
        n_workers: Must be 1; here so that all executors are made alike.

    Example:
        >>> list(SerialExecutor().map(abs, [-1, 2]))
        [1, 2]
    """

    def __init__(self, n_workers: int = 1) -> None:
        if n_workers != 1:
            raise ValueError("a serial executor has one worker")
        self.n_workers = 1

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yield results in the items' order."""
        return (function(item) for item in items)
