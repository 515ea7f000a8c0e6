"""Executors by name."""

from __future__ import annotations

from examwise.core.executors.device_list import DeviceList
from examwise.core.executors.protocol import Executor
from examwise.core.registry import Registry

EXECUTORS = Registry(
    "executor",
    {
        "serial": "examwise.core.executors.serial:SerialExecutor",
        "joblib": "examwise.core.executors.joblib_processes:JoblibExecutor",
        "ray": "examwise.core.executors.ray_cluster:RayExecutor",
    },
)


def make_executor(n_workers: int, *, devices: DeviceList | None = None) -> Executor:
    """Return the executor for a number of workers on this machine.

    Args:
        n_workers: Processes.
        devices: GPUs that are dealt out to items that want one; without, items see all.

    Example:
        >>> make_executor(1).n_workers
        1
    """
    if n_workers == 1 and devices is None:
        return EXECUTORS.load("serial")(1)
    return EXECUTORS.load("joblib")(n_workers, devices=devices)


def make_cluster_executor(address: str, *, runs_per_device: int = 1) -> Executor:
    """Return the executor of a Ray cluster.

    Args:
        address: ``auto``, ``local`` or ``host:port``.
        runs_per_device: Items that share a GPU, of those that want one.

    Raises:
        InputError: If Ray is not installed, or there is no such cluster.
    """
    executor: Executor = EXECUTORS.load("ray")(address=address, runs_per_device=runs_per_device)
    return executor
