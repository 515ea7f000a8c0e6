"""How much a study's runs predict, and how many of them go on side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from examwise.core.executors.protocol import Executor, on_devices
from examwise.data.splits import read_splits
from examwise.imaging.stored_exams import StoredExams
from examwise.studies.config import StudyConfig
from examwise.studies.plan import PlannedRun
from examwise.studies.run_engines import wants_device
from examwise.studies.sites import TestedStore


@dataclass(frozen=True)
class PredictedAmount:
    """What every run predicts, of all archives together.

    Attributes:
        n_exams: Exams.
        n_slices: Their slices.
    """

    n_exams: int
    n_slices: int


@dataclass(frozen=True)
class Engine:
    """How many runs go on side by side.

    Attributes:
        n_cores: Of those that take a processor core each.
        n_devices: Of those that train an encoder, on GPUs where there are some.
    """

    n_cores: int
    n_devices: int

    @classmethod
    def of(cls, executor: Executor) -> Engine:
        """Return what an executor has."""
        return cls(executor.n_workers, on_devices(executor).n_workers)

    def side_by_side(self, run: PlannedRun, config: StudyConfig) -> int:
        """Return how many runs like this one go on at a time."""
        return max(1, self.n_devices if wants_device(run, config) else self.n_cores)


def predicted_amount(sites: Sequence[TestedStore]) -> PredictedAmount:
    """Return what every run predicts.

    Args:
        sites: Where runs are tested.
    """
    n_exams = n_slices = 0
    for site in sites:
        exams = StoredExams(site.store).exams
        if site.split is not None:
            parts = read_splits(site.store, whole=True)
            exams = exams.join(parts.filter(split=site.split), on="exam_id", how="semi")
        n_exams += exams.height
        n_slices += int(exams["n_slices"].sum())
    return PredictedAmount(n_exams, n_slices)
