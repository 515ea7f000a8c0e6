"""Configuration of a label-budget study; light, so that ``--help`` stays fast."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from examwise.core.errors import InputError
from examwise.models.config import ModelConfig
from examwise.studies.acquisition_names import ACQUISITION_KINDS
from examwise.training.config import TrainingConfig
from examwise.training.trainer_config import TrainerConfig


@dataclass(frozen=True)
class ReaderCosts:
    """What labelling costs in time; ask your readers, or time a pilot.

    Attributes:
        seconds_per_exam: To open an exam and read all of it.
        seconds_per_slice: To look at one slice shown alone.
        seconds_per_action: To enter one answer.
    """

    seconds_per_exam: float
    seconds_per_slice: float
    seconds_per_action: float

    def __post_init__(self) -> None:
        for name in ("seconds_per_exam", "seconds_per_slice", "seconds_per_action"):
            value = getattr(self, name)
            if not value >= 0:
                raise InputError(where=f"costs.{name}", expected="0 or more seconds", got=value)
        if not self.seconds_per_exam + self.seconds_per_slice + self.seconds_per_action:
            raise InputError(
                where="costs",
                expected="some seconds",
                got="all zero",
                remedy="leave costs out if you do not know them",
            )


@dataclass(frozen=True)
class ArmConfig:
    """One arm: a learner, how its labels are drawn, and how many are bought.

    Attributes:
        learner: A name of the learners' registry.
        acquisition: ``exam``, ``spread`` (single slices over all exams) or ``whole_exam``.
        budgets: Numbers of labels m, ascending, validation included.
    """

    learner: str
    acquisition: str
    budgets: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.acquisition not in ACQUISITION_KINDS:
            raise InputError(
                where="arm.acquisition",
                expected="one of " + ", ".join(ACQUISITION_KINDS),
                got=self.acquisition,
            )
        ascending = all(low < high for low, high in itertools.pairwise(self.budgets))
        if not self.budgets or min(self.budgets) < 1 or not ascending:
            raise InputError(
                where="arm.budgets", expected="ascending numbers of labels", got=self.budgets
            )


def n_validation_labels(budget: int, *, fraction: float, smallest: int) -> int:
    """Return how many labels of a budget are for validation: none below ``smallest``.

    Example:
        >>> [n_validation_labels(m, fraction=0.2, smallest=100) for m in (50, 100, 900)]
        [0, 20, 180]
    """
    return round(fraction * budget) if budget >= smallest else 0


@dataclass(frozen=True)
class SplitConfig:
    """Fractions of the patients.

    Attributes:
        train: For training.
        validation: For choosing weights and thresholds.
        test: For the answer alone.
    """

    train: float = 0.6
    validation: float = 0.15
    test: float = 0.25

    @property
    def fractions(self) -> tuple[float, float, float]:
        """Train, validation, test."""
        return self.train, self.validation, self.test


@dataclass(frozen=True)
class StudyConfig:
    """A label-budget study.

    Attributes:
        arms: The arms that are compared.
        target_auc: Exam AUC at which the arms' needs are compared; set before any run.
        finding: What the exams are labelled for; the store must have labels of it.
        repeats: Drawings of each arm; budgets are nested within a repeat.
        seed: Seed of everything random.
        validation_fraction: Part of every budget that is bought from the validation patients.
        validation_from: Budgets below this buy no validation labels: their runs take a fixed
            number of steps and the threshold 0.5.
        bootstrap_replicates: Replicates behind every interval.
        costs: What a label costs in time; hours are left out if None.
        split: Fractions of the patients; None takes the splits that a given store has.
        model: The model, the same in all arms.
        training: Its training, the same in all arms.
        trainer: Where and in what arithmetic.
    """

    arms: tuple[ArmConfig, ...]
    target_auc: float
    finding: str = "any"
    repeats: int = 3
    seed: int = 0
    validation_fraction: float = 0.2
    validation_from: int = 100
    bootstrap_replicates: int = 1000
    costs: ReaderCosts | None = None
    split: SplitConfig | None = field(default_factory=SplitConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)

    def __post_init__(self) -> None:
        checks = (
            ("arms", "at least one arm", len(self.arms), len(self.arms) > 0),
            ("target_auc", "between 0.5 and 1", self.target_auc, 0.5 < self.target_auc < 1),
            ("finding", "the name of a finding", repr(self.finding), bool(self.finding.strip())),
            ("repeats", "1 or more", self.repeats, self.repeats >= 1),
            (
                "validation_fraction",
                "at least 0 and below 1",
                self.validation_fraction,
                0 <= self.validation_fraction < 1,
            ),
            (
                "bootstrap_replicates",
                "100 or more",
                self.bootstrap_replicates,
                self.bootstrap_replicates >= 100,
            ),
            (
                "model.findings",
                # Labels of other findings would be seen, and not be counted.
                f"the study's finding alone ({self.finding})",
                ", ".join(self.model.findings),
                self.model.findings == (self.finding,),
            ),
        )
        for name, expected, got, right in checks:
            if not right:
                raise InputError(where=f"study.{name}", expected=expected, got=got)
        names = [arm.learner for arm in self.arms]
        if len(set(names)) < len(names):
            raise InputError(where="study.arms", expected="each learner once", got=names)
        for arm in self.arms:
            self._require_rising_training(arm)
            self._require_costs(arm)

    def _require_rising_training(self, arm: ArmConfig) -> None:
        trained = [
            budget
            - n_validation_labels(
                budget, fraction=self.validation_fraction, smallest=self.validation_from
            )
            for budget in arm.budgets
        ]
        if any(later < earlier for earlier, later in itertools.pairwise(trained)):
            raise InputError(
                where=f"study.arms, budgets of {arm.learner}",
                expected="larger budgets to hold all training labels of the smaller ones",
                got=f"budgets {arm.budgets} with {tuple(trained)} training labels",
                remedy=f"leave a gap between budgets below and from {self.validation_from}, where "
                "a part of the labels begins to go to validation",
            )

    def _require_costs(self, arm: ArmConfig) -> None:
        costs = self.costs
        if costs is None:
            return
        unit = costs.seconds_per_slice if arm.acquisition == "spread" else costs.seconds_per_exam
        if not unit + costs.seconds_per_action:
            raise InputError(
                where="costs",
                expected=f"some seconds for labels drawn by {arm.acquisition}",
                got="none",
                remedy="leave costs out if you do not know them",
            )
