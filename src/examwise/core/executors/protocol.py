"""The executor protocol: one function over many items, wherever they run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar, runtime_checkable

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


@runtime_checkable
class HasDevices(Protocol):
    """An executor that deals GPUs out; what it maps itself takes a core an item, and sees none."""

    def on_devices(self) -> Executor:
        """Return the executor of items that want a GPU each, or a share of one."""
        ...


def on_devices(executor: Executor) -> Executor:
    """Return the executor for items that want a GPU, where there are GPUs to be dealt out.

    Args:
        executor: Any; one that deals no GPUs out is returned as it is.

    Example:
        >>> from examwise.core.executors.serial import SerialExecutor
        >>> on_devices(SerialExecutor()).n_workers
        1
    """
    return executor.on_devices() if isinstance(executor, HasDevices) else executor
