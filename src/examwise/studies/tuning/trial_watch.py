"""Following a trial's run: its curve is kept, and a hopeless one is ended."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import polars as pl

from examwise.core.tracking import TrackedRun
from examwise.studies.tuning.records import TrialRecords
from examwise.studies.tuning.suggestions import KnownTrial, is_hopeless


class StoppedError(Exception):
    """Ends a run that is worse than others.

    Attributes:
        step: The step at which that was seen.
    """

    def __init__(self, step: int) -> None:
        super().__init__()
        self.step = step


class TrialWatch:
    """Follows a run as one of its trackers, and ends it as its progress.

    A run is ended at the step after the one at which it was hopeless: one that was over by then
    is done, whether or not it was interrupted between the two.

    Args:
        number: The trial's number.
        records: Where its curve is kept.
        others: The trials that it is compared with; with none, it is never ended.
    """

    def __init__(
        self, number: int, records: TrialRecords, *, others: Sequence[KnownTrial] = ()
    ) -> None:
        self._number = number
        self._records = records
        self._others = others
        self._hopeless_at = math.inf
        so_far: dict[int, float] = {}
        for step, loss in sorted(records.curve(number).items()):
            so_far[step] = loss
            self._judge(so_far)

    def begin(self, run: TrackedRun) -> None:
        """Nothing needs to be known of the run."""

    def log_metrics(self, metrics: Mapping[str, float], *, step: int) -> None:
        """Keep the validation loss."""
        loss = metrics.get("validation_loss")
        if loss is None or not math.isfinite(loss):
            return
        self._records.add_to_curve(self._number, step, loss)
        self._judge(self._records.curve(self._number))

    def log_table(self, name: str, frame: pl.DataFrame) -> None:
        """Leave it to the run's own trackers."""

    def log_picture(self, name: str, png: bytes, *, caption: str = "") -> None:
        """Leave it to the run's own trackers."""

    def log_files(self, name: str, files: Mapping[str, bytes], *, kind: str) -> None:
        """Leave it to the run's own trackers."""

    def finish(self, *, failed: bool) -> None:
        """Everything is kept already."""

    def say(self, text: str) -> None:
        """Drop the line: runs side by side would talk at once."""

    @contextmanager
    def track(self, title: str, total: int) -> Iterator[Callable[[], None]]:
        """Count steps, and end the run after one at which it was hopeless.

        Raises:
            StoppedError: From what is yielded.
        """
        del title, total
        done = 0

        def advance() -> None:
            nonlocal done
            done += 1
            if done > self._hopeless_at:
                raise StoppedError(int(self._hopeless_at))

        yield advance

    def _judge(self, curve: Mapping[int, float]) -> None:
        if self._others and math.isinf(self._hopeless_at) and is_hopeless(curve, self._others):
            self._hopeless_at = max(curve)
