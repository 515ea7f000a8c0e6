"""Worker processes of this machine, kept from one map to the next, that end with their parent."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from itertools import islice

from examwise.core.errors import ExamwiseError
from examwise.core.executors.protocol import Item, Result

VISIBLE_DEVICES = "CUDA_VISIBLE_DEVICES"
"""Environment variable that says which GPUs a process sees; read when it first looks for one."""

_ONE_THREAD = {
    f"{library}_NUM_THREADS": "1"
    for library in ("OMP", "OPENBLAS", "MKL", "BLIS", "VECLIB", "NUMBA", "NUMEXPR")
}
# Enough that no worker waits for its next item, and few enough that memory stays flat.
_ITEMS_A_WORKER = 2
# Workers have imported what they need: worth keeping while the main process does something else.
_IDLE_S = 300
_SECONDS_BETWEEN_LOOKS = 0.5
_LOST = 1


def map_in_processes(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    n_workers: int,
    environment: Mapping[str, str] | None = None,
    begin: Callable[..., None] | None = None,
    arguments: tuple[object, ...] = (),
    keep: bool = True,
) -> Iterator[Result]:
    """Yield results in the order in which they are finished, each computed with one thread.

    Processes of an earlier map are used again if they were begun alike. They end when they have
    been idle for some minutes, and with the process that began them, however that ends.

    Args:
        function: Importable.
        items: Taken as they are needed.
        n_workers: Number of processes.
        environment: Variables that every process begins with.
        begin: Called in every process before its first item.
        arguments: Of ``begin``.
        keep: Whether processes wait for another map; else they end with this one.

    Raises:
        ExamwiseError: If a process was killed.
    """
    from joblib.externals.loky import get_reusable_executor
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    # A worker that is killed leaves semaphores, which its resource tracker removes, and says so
    # on a terminal where the user has just been told that all is well.
    os.environ.setdefault("PYTHONWARNINGS", "ignore:resource_tracker")
    workers = get_reusable_executor(
        max_workers=n_workers,
        timeout=_IDLE_S,
        env={**_ONE_THREAD, **(environment or {})},
        initializer=_begin_worker,
        initargs=(os.getpid(), begin, arguments),
    )
    finished = False
    try:
        waiting = iter(items)
        running: set[Future[Result]] = set()
        while True:
            free = _ITEMS_A_WORKER * n_workers - len(running)
            running |= {workers.submit(function, item) for item in islice(waiting, free)}
            if not running:
                break
            ready, running = wait(running, return_when=FIRST_COMPLETED)
            for future in ready:
                yield future.result()
        finished = True
    except TerminatedWorkerError as error:
        raise ExamwiseError(
            "a worker process ended without an answer, most often because memory ran out; "
            "use fewer workers and run the same command again, it goes on where it was"
        ) from error
    finally:
        if not finished:
            # After an error or an interruption nobody waits for what the workers still do.
            workers.shutdown(wait=True, kill_workers=True)
        elif not keep:
            workers.shutdown(wait=True)


def _begin_worker(
    parent: int, begin: Callable[..., None] | None, arguments: tuple[object, ...]
) -> None:
    if threading.current_thread() is threading.main_thread():
        # A terminal interrupts all processes at once: the main one says so, and ends the others.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), name="parent watch", daemon=True).start()
    if begin is not None:
        begin(*arguments)


def _end_with(parent: int) -> None:
    """End this process, whatever it is doing, when the one that began it is gone."""
    while os.getppid() == parent:
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    os._exit(_LOST)
