"""Configuration of a label-budget study; light, so that ``--help`` stays fast."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field

from examwise.core.errors import InputError
from examwise.models.config import ModelConfig
from examwise.prediction.label_free import LABEL_FREE, PRETEXT
from examwise.studies.arm_config import ArmConfig, n_validation_labels
from examwise.studies.claims_config import ClaimsConfig
from examwise.studies.explain_config import ExplainConfig
from examwise.studies.fine_tuning_config import FineTuningConfig
from examwise.studies.grid_config import GridConfig
from examwise.studies.label_errors_config import LabelErrorsConfig
from examwise.studies.non_inferiority_config import NonInferiorityConfig
from examwise.studies.sampling_config import SamplingConfig
from examwise.training.config import TrainingConfig
from examwise.training.tracking_config import TrackingConfig
from examwise.training.trainer_config import TrainerConfig

STRONG, WEAK = "strong", "weak"
MAIN_LEARNERS = (STRONG, WEAK)
"""Learners of the arms that are compared; arms of others are references."""


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
                raise InputError(
                    where=f"study.costs.{name}", expected="0 or more seconds", got=f"{value:g}"
                )
        if not self.seconds_per_exam + self.seconds_per_slice + self.seconds_per_action:
            raise InputError(
                where="study.costs",
                expected="some seconds",
                got="all zero",
                remedy="leave costs out if you do not know them",
            )


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

    def __post_init__(self) -> None:
        right = all(0 <= share <= 1 for share in self.fractions) and self.train and self.test
        if not right or abs(sum(self.fractions) - 1) > 1e-6:
            raise InputError(
                where="study.split",
                expected="shares of train, validation and test that sum to 1, with patients in "
                "train and test",
                got=", ".join(f"{share:g}" for share in self.fractions),
            )


@dataclass(frozen=True)
class StudyConfig:
    """A label-budget study.

    Attributes:
        target_auc: Exam AUC at which the arms' needs are compared; set before any run.
        arms: The arms: ``strong`` ones and the ``weak`` one are compared, others are references.
        grid: Budgets and repeats that the study plans itself, as arms before the ones named.
        finding: What the exams are labelled for; the store must have labels of it.
        repeats: Drawings of an arm that does not say how many; budgets are nested within one.
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
        label_free: Scores without any label that stand beside the arms: names of
            :data:`~examwise.prediction.label_free.LABEL_FREE`.
        fine_tuning: How the encoder is trained on as well, for the full answer; not at all if
            None.
        non_inferiority: By how much exam labels may do worse than slice labels and still count as
            no worse; not tested if None.
        explain: Which explanations of the main runs are made; none if None.
        claims: Which ratios of labels are tested in fixed order; none if None.
        sampling: Whose labels are bought; patients at random if None.
        label_errors: How often exam labels that are bought are wrong; never if None.
        tracking: Where runs are followed; nowhere if None.
    """

    target_auc: float
    arms: tuple[ArmConfig, ...] = ()
    grid: GridConfig | None = None
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
    label_free: tuple[str, ...] = ()
    fine_tuning: FineTuningConfig | None = None
    non_inferiority: NonInferiorityConfig | None = None
    explain: ExplainConfig | None = None
    claims: ClaimsConfig | None = None
    sampling: SamplingConfig | None = None
    label_errors: LabelErrorsConfig | None = None
    tracking: TrackingConfig | None = None

    def __post_init__(self) -> None:
        checks = (
            ("arms", "at least one arm, or a grid", 0, bool(self.arms) or self.grid is not None),
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
        self._require_different_arms()
        for arm in self.arms:
            self._require_rising_training(arm)
            self._require_costs(arm)
        self._require_label_free()
        self._require_fine_tuning()
        self._require_both_learners()

    def n_repeats(self, arm: ArmConfig, place: int = 0) -> int:
        """Return how often one of an arm's budgets is drawn, the smallest by default."""
        if isinstance(arm.repeats, tuple):
            return arm.repeats[place if len(arm.repeats) > 1 else 0]
        return self.repeats if arm.repeats is None else arm.repeats

    @property
    def first_arms(self) -> tuple[ArmConfig, ...]:
        """The first arm of each main learner."""
        firsts = (
            next((arm for arm in self.arms if arm.learner == learner), None)
            for learner in MAIN_LEARNERS
        )
        return tuple(arm for arm in firsts if arm is not None)

    @property
    def fine_tuned_arms(self) -> tuple[ArmConfig, ...]:
        """The first arm of each main learner, where there is fine-tuning."""
        return () if self.fine_tuning is None else self.first_arms

    def n_validation(self, budget: int) -> int:
        """Return how many labels of a budget are for validation."""
        return n_validation_labels(
            budget, fraction=self.validation_fraction, smallest=self.validation_from
        )

    def _require_different_arms(self) -> None:
        names = Counter(arm.where for arm in self.arms)
        for name, number in names.items():
            if number > 1:
                raise InputError(
                    where=name, expected="each learner once for a way to draw", got=f"{number} arms"
                )

    def _require_label_free(self) -> None:
        names = self.label_free
        if isinstance(names, str) or len(set(names)) < len(names):
            raise InputError(where="study.label_free", expected="names, each once", got=names)
        for name in names:
            if name not in LABEL_FREE:
                known = ", ".join(LABEL_FREE)
                raise InputError(where="study.label_free", expected=f"one of {known}", got=name)
        if PRETEXT in names and not self.model.weights:
            raise InputError(
                where="study.label_free",
                expected=f"a pretrained encoder (study.model.weights) for {PRETEXT}",
                got="none",
                remedy="name one, or leave that row out",
            )

    def _require_fine_tuning(self) -> None:
        if self.fine_tuning is None:
            return
        if not self.model.weights:
            raise InputError(
                where="study.fine_tuning",
                expected="weights to begin from (study.model.weights)",
                got="none",
                remedy="name weights, or leave fine-tuning out",
            )
        if not self.fine_tuned_arms and self.grid is None:
            raise InputError(
                where="study.fine_tuning",
                expected="an arm of a learner " + " or ".join(MAIN_LEARNERS),
                got=", ".join(arm.learner for arm in self.arms),
            )

    def _require_both_learners(self) -> None:
        missing = set(MAIN_LEARNERS) - {arm.learner for arm in self.arms}
        asked = {"non_inferiority": self.non_inferiority, "claims": self.claims}
        for name, option in asked.items():
            if option is not None and missing and self.grid is None:
                raise InputError(
                    where=f"study.{name}",
                    expected="arms of both learners, " + " and ".join(MAIN_LEARNERS),
                    got=f"none of {' and '.join(sorted(missing))}",
                    remedy=f"add one, or leave {name} out",
                )

    def _require_rising_training(self, arm: ArmConfig) -> None:
        trained = [budget - self.n_validation(budget) for budget in arm.numbers]
        if any(later < earlier for earlier, later in itertools.pairwise(trained)):
            raise InputError(
                where=f"{arm.where}, budgets",
                expected="larger budgets to hold all training labels of the smaller ones",
                got=", ".join(
                    f"{labels} training labels of {budget}"
                    for budget, labels in zip(arm.numbers, trained, strict=True)
                ),
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
                where="study.costs",
                expected=f"some seconds for labels drawn by {arm.acquisition}",
                got="none",
                remedy="leave costs out if you do not know them",
            )
