"""The runs of a study, known before the first one starts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from examwise.core.randomness import derive_seed
from examwise.studies.acquisition_names import ACQUISITION_KINDS
from examwise.studies.config import StudyConfig

_SEED_LIMIT = 2**31


@dataclass(frozen=True)
class PlannedRun:
    """One run: a learner trained on one draw of labels.

    Attributes:
        run_id: Readable and unique within the study.
        learner: Learner's name.
        acquisition: How its labels are drawn.
        budget: Number of labels m.
        repeat: Number of the repeat.
        seed: Seed of its training.
    """

    run_id: str
    learner: str
    acquisition: str
    budget: int
    repeat: int
    seed: int

    @property
    def label_kind(self) -> str:
        """What is bought: ``slice`` or ``exam``."""
        return ACQUISITION_KINDS[self.acquisition]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def plan_runs(config: StudyConfig) -> list[PlannedRun]:
    """List a study's runs, longest first so that workers finish together.

    Example:
        >>> from examwise.studies.config import ArmConfig
        >>> config = StudyConfig(arms=(ArmConfig("weak", "exam", (10, 30)),), target_auc=0.8,
        ...                      repeats=1)
        >>> [run.run_id for run in plan_runs(config)]
        ['weak-exam-m000030-r00', 'weak-exam-m000010-r00']
    """
    runs = [
        PlannedRun(
            run_id=f"{arm.learner}-{arm.acquisition}-m{budget:06d}-r{repeat:02d}",
            learner=arm.learner,
            acquisition=arm.acquisition,
            budget=budget,
            repeat=repeat,
            seed=derive_seed(config.seed, "training", repeat) % _SEED_LIMIT,
        )
        for arm in config.arms
        for budget in arm.budgets
        for repeat in range(config.repeats)
    ]
    exam_first = {"exam": 0, "slice": 1}
    return sorted(runs, key=lambda run: (exam_first[run.label_kind], -run.budget, run.repeat))
