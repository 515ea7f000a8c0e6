"""Several processes on this machine, by joblib's reusable workers."""

from __future__ import annotations

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
        from joblib.externals.loky.process_executor import TerminatedWorkerError

        with joblib.parallel_config("loky", inner_max_num_threads=1):
            parallel = joblib.Parallel(n_jobs=self.n_workers, return_as="generator_unordered")
            results = parallel(joblib.delayed(function)(item) for item in items)
        try:
            yield from results
        except TerminatedWorkerError as error:
            raise ExamwiseError(
                "a worker process ended without an answer, most often because memory ran out; "
                "use fewer workers and run the same command again, it goes on where it was"
            ) from error
