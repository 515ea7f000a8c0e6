"""Several processes on this machine, by joblib's reusable workers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator

from examwise.core.errors import ExamwiseError
from examwise.core.executors.protocol import Item, Result


class JoblibExecutor:
    """Runs items on ``n_workers`` processes, each with one compute thread.

    Args:
        n_workers: Number of processes.

    Raises:
        ExamwiseError: While mapping, if a worker process was killed.
    """

    def __init__(self, n_workers: int) -> None:
        self.n_workers = n_workers

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yield results in the order in which they are finished."""
        import joblib
        from joblib.externals.loky import get_reusable_executor
        from joblib.externals.loky.process_executor import TerminatedWorkerError

        # A worker that is killed leaves semaphores, which its resource tracker removes, and says so
        # on a terminal where the user has just been told that all is well.
        os.environ.setdefault("PYTHONWARNINGS", "ignore:resource_tracker")
        finished = False
        try:
            with joblib.parallel_config("loky", inner_max_num_threads=1):
                parallel = joblib.Parallel(n_jobs=self.n_workers, return_as="generator_unordered")
                results = parallel(joblib.delayed(function)(item) for item in items)
            yield from results
            finished = True
        except TerminatedWorkerError as error:
            raise ExamwiseError(
                "a worker process ended without an answer, most often because memory ran out; "
                "use fewer workers and run the same command again, it goes on where it was"
            ) from error
        finally:
            if not finished:
                # After an error or an interruption nobody waits for what the workers still do.
                get_reusable_executor(reuse=True).shutdown(wait=True, kill_workers=True)
