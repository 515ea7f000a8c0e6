"""Executors by name."""

from __future__ import annotations

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


def make_executor(n_workers: int) -> Executor:
    """Return the executor for a number of workers on this machine.

    Example:
        >>> make_executor(1).n_workers
        1
    """
    name = "serial" if n_workers == 1 else "joblib"
    return EXECUTORS.load(name)(n_workers)


def make_cluster_executor(address: str) -> Executor:
    """Return the executor of a Ray cluster.

    Args:
        address: ``auto``, ``local`` or ``host:port``.

    Raises:
        InputError: If Ray is not installed, or there is no such cluster.
    """
    executor: Executor = EXECUTORS.load("ray")(address=address)
    return executor
