"""A Ray cluster: many machines, some of which may be lost on the way."""

from __future__ import annotations

import logging
import os
import re
import secrets
import shutil
import socket
import sys
import tempfile
import time
import traceback
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from examwise import __version__
from examwise.core.errors import ExamwiseError, InputError
from examwise.core.executors.protocol import Executor, Item, Result
from examwise.core.executors.worker_processes import VISIBLE_DEVICES
from examwise.core.extras import require
from examwise.core.writer_lock import LEASE_S, BusyError

LOCAL = "local"
"""Start a cluster on this machine, for as long as the work takes."""

AUTO = "auto"
"""Take the cluster that this machine belongs to."""

_ADDRESS = re.compile(r"[A-Za-z0-9._\-]+:\d{1,5}|\[[0-9A-Fa-f:]+\]:\d{1,5}")
# How often an item is begun again after the node or the process that had it was lost.
_RETRIES = 3
# Enough that no processor waits for its next item, and few enough that memory stays flat.
_ITEMS_A_WORKER = 2
# Items and results are small: the default would reserve a third of the machine's memory.
_LOCAL_OBJECT_STORE_BYTES = 128 << 20
_SECONDS_TO_ANSWER = 10.0
# So long a lost node's lock on what it wrote may outlive it.
_PATIENCE_S = LEASE_S + 30.0
_SECONDS_BETWEEN_TRIES = 2.0
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # else counts of use are sent to Ray's makers
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # else a warning where there is no GPU
    "RAY_DEDUP_LOGS_SKIP_REGEX": "^",  # what nodes say would come on standard output
}


class _Raised(NamedTuple):
    """What a function raised, as a value: Ray would wrap it, and write it into its logs."""

    error: Exception


class _Origin(NamedTuple):
    """Where items come from."""

    version: str
    folder: str


class _OnDevices:
    """Items of a cluster that have a GPU each, or a share of one."""

    def __init__(self, n_workers: int, run: Callable[..., Iterator[Any]]) -> None:
        self.n_workers = n_workers
        self._run = run

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yield results in the order in which they are finished."""
        return self._run(function, items)


class RayExecutor:
    """Runs items as Ray tasks, each with one processor core and, where it wants one, a GPU.

    An item whose node or process is lost is begun again elsewhere; one that raises is not. The
    function must therefore stand being run twice on an item, even at once. Every node needs the
    same version of this package, and sees the same files under the same paths.

    Args:
        n_workers: Processes of a local cluster, one a core if None. A cluster that runs already
            says itself how many it has.
        address: :data:`LOCAL`, :data:`AUTO`, or ``host:port`` of a cluster of which this machine
            is a node.
        runs_per_device: Items that share a GPU.

    Raises:
        InputError: If Ray is not installed, there is no such cluster, or it cannot be used.
        ExamwiseError: While mapping, if an item was lost again and again.
    """

    n_workers: int
    """Processor cores of the cluster; never 1, since no item runs in this process."""

    def __init__(
        self, n_workers: int | None = None, *, address: str = LOCAL, runs_per_device: int = 1
    ) -> None:
        if address not in (LOCAL, AUTO) and not _ADDRESS.fullmatch(address):
            raise InputError(
                where="address of a Ray cluster",
                expected=f"{AUTO}, {LOCAL} or host:port",
                got=address,
                remedy="ray start --head prints the address of a cluster that it begins",
            )
        if runs_per_device < 1:
            raise InputError(where="runs per device", expected="1 or more", got=runs_per_device)
        if address != LOCAL and n_workers is not None:
            raise ValueError("a cluster that runs already has the workers that it has")
        self._address = address
        self._wanted = n_workers
        self._share = 1 / runs_per_device
        self._disconnect: weakref.finalize | None = None
        self._ray = import_ray(address)
        self._connect()
        self.n_workers = self._count_workers()

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yield results in the order in which they are finished; no item sees a GPU."""
        return self._map(function, items, share=0.0)

    def on_devices(self) -> Executor:
        """Return the executor of items that have a GPU, or a share of one; itself without any."""
        self._connect()
        n_workers = self._count_workers(self._share)
        return _OnDevices(n_workers, partial(self._map, share=self._share)) if n_workers else self

    def close(self) -> None:
        """Leave the cluster, and end it if it was started here; a later map connects again."""
        if self._disconnect is not None:
            self._disconnect()
            self._disconnect = None

    def _map(
        self, function: Callable[[Item], Result], items: Iterable[Item], *, share: float
    ) -> Iterator[Result]:
        ray = self._ray
        self._connect()
        attempt = ray.remote(num_gpus=share, max_retries=_RETRIES, scheduling_strategy="SPREAD")(
            _attempt
        )
        waiting = iter(items)
        running: list[Any] = []
        finished = False
        try:
            shared = ray.put(function)
            origin = _Origin(__version__, str(Path.cwd()))
            while True:
                # Nodes may join and leave.
                self.n_workers = self._count_workers()
                n_workers = min(self.n_workers, self._count_workers(share) or self.n_workers)
                free = _ITEMS_A_WORKER * n_workers - len(running)
                items_now = islice(waiting, max(free, 0))
                running += [attempt.remote(origin, shared, item, bool(share)) for item in items_now]
                if not running:
                    break
                ready, running = ray.wait(running)
                for result in ray.get(ready):
                    if isinstance(result, _Raised):
                        raise result.error
                    yield result
            finished = True
        except ray.exceptions.RayTaskError as error:
            raise InputError(
                where="Ray cluster",
                expected="nodes with the same version of Python and Examwise as here",
                got=f"one that cannot run it ({type(error.cause).__name__})",
                remedy="install Examwise and its extra 'ray' on every node",
            ) from None
        except ray.exceptions.RayError as error:
            raise ExamwiseError(
                f"an item was lost {_RETRIES + 1} times with the node or process that had it "
                f"({type(error).__name__}), most often because memory ran out; give the nodes "
                "more memory and run the same command again, it goes on where it was"
            ) from None
        finally:
            if not finished:
                # After an error or an interruption nobody waits for what the nodes still do.
                self.close()

    def _count_workers(self, share: float = 0.0) -> int:
        """Return how many items run at a time; with a share of a GPU each, if one is given."""
        resources = self._ray.cluster_resources()
        if share:
            return int(resources.get("GPU", 0)) * round(1 / share)
        return max(2, int(resources.get("CPU", 0)))

    def _connect(self) -> None:
        if self._ray.is_initialized():  # perhaps by a program that uses Ray itself
            return
        folder = None
        options: dict[str, Any] = {"address": self._address}
        if self._address == LOCAL:
            # Ray's own folder may be read by everybody, and stays. Paths of sockets may not be
            # long, and those of temporary folders sometimes are.
            short = "/tmp" if Path("/tmp").is_dir() else None
            folder = tempfile.mkdtemp(prefix="examwise-", dir=short)
            options |= {
                "num_cpus": self._wanted,
                "include_dashboard": False,
                "object_store_memory": _LOCAL_OBJECT_STORE_BYTES,
                "_temp_dir": f"{folder}/ray",  # which it opens to everybody
            }
        self._disconnect = weakref.finalize(self, _disconnect, self._ray, folder)
        try:
            if self._address not in (LOCAL, AUTO):
                _require_answer(self._address)
            self._ray.init(log_to_driver=False, logging_level=logging.CRITICAL, **options)
        except (ConnectionError, RuntimeError, ValueError, self._ray.exceptions.RayError) as error:
            self.close()
            raise InputError(
                where=f"Ray cluster {self._address}",
                expected="a cluster of which this machine is a node, of the same version of Ray "
                "and Python, with RAY_AUTH_TOKEN set where it asks for one",
                got=f"no connection ({type(error).__name__})",
                remedy="see ray status on this machine",
            ) from None


def import_ray(address: str) -> Any:
    """Import Ray, set to be quiet unless it was imported before.

    Args:
        address: What it is wanted for; a cluster of its own gets a token of its own.

    Raises:
        InputError: If Ray is not installed.
    """
    if "ray" not in sys.modules:
        # Ray reads these when it is imported.
        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)
        if address == LOCAL and "RAY_AUTH_MODE" not in os.environ:
            # It listens on every network interface: without a token whoever reaches one of them
            # could run anything here.
            os.environ["RAY_AUTH_MODE"] = "token"
            os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    return require("ray")


def _require_answer(address: str) -> None:
    """Find out within seconds whether anybody is there: Ray itself tries for minutes."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _SECONDS_TO_ANSWER):
            pass
    except (OSError, OverflowError, ValueError) as error:
        raise ConnectionError from error


def _disconnect(ray: Any, folder: str | None) -> None:
    ray.shutdown()
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


def _attempt(
    origin: _Origin, function: Callable[[Item], Result], item: Item, sees_device: bool
) -> Result | _Raised:
    """Run on a node."""
    try:
        if origin.version != __version__:
            raise InputError(
                where="Ray cluster",
                expected=f"version {origin.version} of Examwise on every node, as here",
                got=f"a node with version {__version__}",
                remedy="install the same version on all of them",
            )
        with suppress(OSError):  # relative paths mean the same as where they come from
            os.chdir(origin.folder)
        if not sees_device:
            os.environ[VISIBLE_DEVICES] = ""  # else all of a node's processes share its first GPU
        return _patiently(function, item)
    except Exception as error:
        # A traceback does not travel, and whoever looks for a fault wants to know its place.
        error.add_note(traceback.format_exc())
        return _Raised(error)


def _patiently(function: Callable[[Item], Result], item: Item) -> Result:
    """Wait for the locks of a lost process, which may not be quite gone."""
    end = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return function(item)
        except BusyError:
            if time.monotonic() > end:
                raise
            time.sleep(_SECONDS_BETWEEN_TRIES)
