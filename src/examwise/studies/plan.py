"""The runs of a study, known before the first one starts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from examwise.core.randomness import derive_seed
from examwise.core.schemas.study import BUDGETED, FINE_TUNED, LABEL_FREE, NOTHING
from examwise.studies.acquisition_names import ACQUISITION_KINDS
from examwise.studies.arm_config import ArmConfig
from examwise.studies.config import StudyConfig

_SEED_LIMIT = 2**31


@dataclass(frozen=True)
class PlannedRun:
    """One run: a learner trained on one draw of labels, or a score without any label.

    Attributes:
        run_id: Readable and unique within the study.
        learner: Learner's name, or the score's.
        mode: One of :data:`~examwise.core.schemas.study.MODES`.
        acquisition: How its labels are drawn.
        budget: Number of labels m.
        repeat: Number of the repeat.
        seed: Seed of its training.
    """

    run_id: str
    learner: str
    mode: str
    acquisition: str
    budget: int
    repeat: int
    seed: int

    @property
    def label_kind(self) -> str:
        """What is bought: ``slice``, ``exam`` or ``none``."""
        return NOTHING if self.mode == LABEL_FREE else ACQUISITION_KINDS[self.acquisition]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def plan_runs(config: StudyConfig) -> list[PlannedRun]:
    """List a study's runs in the order of doing, those of the first answer before the full one's.

    Runs without labels come first, which read every pixel; then those on a frozen encoder, then
    those that train it, each longest first so that workers finish together: exam labels before
    slice labels, and large budgets before small ones.

    Args:
        config: The study, every budget in numbers.

    Example:
        >>> from examwise.studies.config import ArmConfig
        >>> config = StudyConfig(arms=(ArmConfig("weak", "exam", (10, 30)),), target_auc=0.8,
        ...                      repeats=1)
        >>> [run.run_id for run in plan_runs(config)]
        ['weak-exam-m000030-r00', 'weak-exam-m000010-r00']
    """
    if any(arm.takes_all for arm in config.arms):
        raise ValueError("expected budgets in numbers: see examwise.studies.budgets")
    labelled = [
        _of_labels(config, arm, mode=BUDGETED, budget=budget, repeat=repeat)
        for arm in config.arms
        for place, budget in enumerate(arm.numbers)
        for repeat in range(config.n_repeats(arm, place))
    ]
    fine_tuned = [
        _of_labels(config, arm, mode=FINE_TUNED, budget=budget, repeat=repeat)
        for arm in config.fine_tuned_arms
        for place, budget in enumerate(arm.numbers)
        if config.fine_tuning and budget in config.fine_tuning.of(arm.numbers)
        for repeat in range(min(config.fine_tuning.repeats, config.n_repeats(arm, place)))
    ]
    label_free = [
        PlannedRun(f"{name}-m{0:06d}", name, LABEL_FREE, NOTHING, budget=0, repeat=0, seed=0)
        for name in config.label_free
    ]
    return [*label_free, *sorted(labelled, key=_longest), *sorted(fine_tuned, key=_longest)]


def _longest(run: PlannedRun) -> tuple[bool, int, int]:
    return run.label_kind != "exam", -run.budget, run.repeat


def _of_labels(
    config: StudyConfig, arm: ArmConfig, *, mode: str, budget: int, repeat: int
) -> PlannedRun:
    ending = "-fine-tuned" if mode == FINE_TUNED else ""
    return PlannedRun(
        run_id=f"{arm.learner}-{arm.acquisition}-m{budget:06d}-r{repeat:02d}{ending}",
        learner=arm.learner,
        mode=mode,
        acquisition=arm.acquisition,
        budget=budget,
        repeat=repeat,
        seed=derive_seed(config.seed, "training", repeat) % _SEED_LIMIT,
    )
