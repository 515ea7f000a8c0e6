"""How the run of every fold is trained: the same for all, but for labels and seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from examwise.core.errors import InputError
from examwise.core.progress import Progress
from examwise.core.randomness import derive_seed
from examwise.data.label_set import LabelSet, all_labels
from examwise.data.patient_overlap import require_no_overlap
from examwise.imaging.joined_stores import JoinedStores
from examwise.models.config import ModelConfig
from examwise.training.config import TrainingConfig
from examwise.training.find_learner import is_own, label_kind_of
from examwise.training.run_plan import RunPlan, plan_run
from examwise.training.trackers import make_trackers
from examwise.training.tracking_config import TrackingConfig
from examwise.training.train import train_run
from examwise.training.trainer_config import TrainerConfig

_SEED_LIMIT = 2**31


@dataclass(frozen=True)
class FoldTraining:
    """Options of the runs of all folds.

    Attributes:
        learner: A registered learner, or the path of a LightningModule.
        model: Architecture.
        training: Options; the seed of each fold's run is derived from theirs.
        trainer: Where and in what arithmetic; one process a run.
        tracking: What follows each of the runs.
        init: Directory of a finished run whose model every fold goes on with; none if empty.
        learner_options: Arguments of a class of the user's own.
        recipe: What the recipe says of itself that the options come from.
        features: Directory for a frozen encoder's features.

    Raises:
        InputError: If a run were to be trained by several processes.
    """

    learner: str
    model: ModelConfig
    training: TrainingConfig
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    init: str = ""
    learner_options: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    features: str | None = None

    def __post_init__(self) -> None:
        if self.trainer.n_processes > 1:
            raise InputError(
                where="trainer options of a cross-validation",
                expected="one device a run: folds are trained side by side (--workers)",
                got=f"{self.trainer.n_processes} processes",
                remedy="leave --trainer.devices and --trainer.num_nodes out",
            )

    @property
    def findings(self) -> tuple[str, ...]:
        """What is to be found, the most important first."""
        return self.model.findings

    @property
    def wants_device(self) -> bool:
        """Whether a run is for a GPU where there is one: a head on frozen features takes a core."""
        accelerator = self.trainer.accelerator
        on_features = self.features is not None and bool(self.model.weights or self.init)
        return accelerator != "cpu" and not (accelerator == "auto" and on_features)

    def labels(self, stored: JoinedStores, split: pl.DataFrame) -> LabelSet:
        """Return the labels of the training and validation parts of a fold's split."""
        return all_labels(stored, split, self.findings, label_kind_of(self.learner))

    def plan(self, stored: JoinedStores, split: pl.DataFrame) -> RunPlan:
        """Return a fold's run as it would be trained, looked up and checked.

        Raises:
            InputError: As :func:`~examwise.training.run_plan.plan_run`; or if a class of the
                user's own does not tell of exams.
        """
        if is_own(self.learner):
            from examwise.training.exam_learner import import_own_learner

            if not hasattr(import_own_learner(self.learner), "exam_output"):
                raise InputError(
                    where=f"learner {self.learner}",
                    expected="a method exam_output(batch), by which a held-out fold is predicted",
                    got="none",
                    remedy="add it, or train without cross-validation",
                )
        return plan_run(
            stored,
            self.labels(stored, split),
            learner=self.learner,
            model=self.model,
            training=self.training,
            trainer=self.trainer,
            init=self.init,
            learner_options=self.learner_options,
            recipe=self.recipe,
        )

    def train(
        self, stored: JoinedStores, split: pl.DataFrame, *, place: tuple[int, int], out: str
    ) -> None:
        """Train a fold's run.

        Args:
            stored: The stores.
            split: The fold's, from :func:`~examwise.data.folds.fold_split`.
            place: Repeat and fold.
            out: The run directory.

        Raises:
            InputError: As :func:`~examwise.training.train.train_run`.
        """
        seed = derive_seed(self.training.seed, "fold", *place) % _SEED_LIMIT
        train_run(
            stores=stored.urls,
            label_set=self.labels(stored, split),
            learner=self.learner,
            model=self.model,
            training=replace(self.training, seed=seed),
            trainer=self.trainer,
            init=self.init,
            learner_options=self.learner_options,
            recipe=self.recipe,
            trackers=make_trackers(self.tracking, folder=f"{out}-tracking"),
            features=self.features,
            out=out,
        )


def require_fresh_start(plan: RunPlan, exams: pl.DataFrame) -> None:
    """Raise if what runs begin from has learned from patients who are to be held out.

    Args:
        plan: A fold's run.
        exams: Column ``patient_key``: who is held out in one fold or another.

    Raises:
        InputError: Says how many patients they are.
    """
    require_no_overlap(
        plan.beginnings.learned["patient_key"],
        exams["patient_key"],
        where="what every fold's run begins from (--init, --model.weights)",
        remedy="begin from weights of other patients: every patient here is held out once",
    )


def prepare_features(plan: RunPlan, training: FoldTraining, progress: Progress) -> None:
    """Compute a frozen encoder's features before runs begin side by side, each of which would.

    An encoder with random weights is another one in every run, and its features are the run's own.

    Args:
        plan: A fold's run.
        training: Says where features are kept; without a place nothing is done.
        progress: Where to report to.

    Raises:
        InputError: As :func:`~examwise.training.stored_features.features_of`.
    """
    if training.features is None or not (training.model.weights or training.init):
        return
    from examwise.models.threads import cpu_threads
    from examwise.training.stored_features import features_of

    with cpu_threads(training.training.n_threads):
        features_of(plan, training.features, progress=progress)
