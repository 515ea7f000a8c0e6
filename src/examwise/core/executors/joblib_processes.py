"""Several processes on this machine, by joblib's reusable workers."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator

from examwise.core.executors.device_list import DeviceList, take_place
from examwise.core.executors.protocol import Executor, Item, Result
from examwise.core.executors.worker_processes import VISIBLE_DEVICES, map_in_processes


class JoblibExecutor:
    """Runs items on ``n_workers`` processes, each with one compute thread.

    Args:
        n_workers: Number of processes.
        devices: GPUs that are dealt out by :meth:`on_devices`; other items then see none. Without
            a list every item sees them all.

    Raises:
        ExamwiseError: While mapping, if a worker process was killed.
    """

    def __init__(self, n_workers: int, *, devices: DeviceList | None = None) -> None:
        self.n_workers = n_workers
        self._devices = devices

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yield results in the order in which they are finished."""
        environment = {} if self._devices is None else {VISIBLE_DEVICES: ""}
        return map_in_processes(function, items, n_workers=self.n_workers, environment=environment)

    def on_devices(self) -> Executor:
        """Return the executor of items that have a GPU each; itself without a list of GPUs."""
        return self if self._devices is None else DeviceExecutor(self._devices)


class DeviceExecutor:
    """Runs items on as many processes as devices have places; each process sees its device alone.

    Args:
        devices: The devices.

    Raises:
        ExamwiseError: While mapping, if a worker process was killed.
    """

    def __init__(self, devices: DeviceList) -> None:
        self.n_workers = len(devices.places)
        self._devices = devices

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yield results in the order in which they are finished."""
        with tempfile.TemporaryDirectory(prefix="examwise-devices-") as folder:
            # Idle processes would keep memory of the devices from others.
            yield from map_in_processes(
                function,
                items,
                n_workers=self.n_workers,
                environment={VISIBLE_DEVICES: ""},
                begin=take_place,
                arguments=(folder, self._devices.places),
                keep=False,
            )
