"""How every trial's run is trained: the same for all, but for the options that are searched."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import yaml

from examwise.core.errors import InputError
from examwise.core.progress import Progress
from examwise.data.joined_splits import read_joined_splits
from examwise.data.label_set import LabelSet, all_labels
from examwise.imaging.joined_stores import JoinedStores
from examwise.models.config import ModelConfig
from examwise.training.config import TrainingConfig
from examwise.training.find_learner import is_own, label_kind_of, reads_features
from examwise.training.run_plan import RunPlan, plan_run, require_labels
from examwise.training.run_summary import RunSummary
from examwise.training.trackers.isolation import Trackers
from examwise.training.tracking_config import TrackingConfig
from examwise.training.train import train_run
from examwise.training.trainer_config import TrainerConfig


@dataclass(frozen=True)
class TrialTraining:
    """Options of a run, as ``train`` takes them.

    Attributes:
        learner: A registered learner, or the path of a LightningModule.
        model: Architecture.
        training: Options.
        trainer: Where and in what arithmetic; one process a run.
        tracking: What follows each of the runs.
        init: Directory of a finished run whose model is gone on with; none if empty.
        learner_options: Arguments of a class of the user's own.
        recipe_name: Name or file of the recipe that the options come from; none if empty.
        recipe: What that recipe says of itself.
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
    recipe_name: str = ""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    features: str | None = None

    def __post_init__(self) -> None:
        if self.trainer.n_processes > 1:
            raise InputError(
                where="trainer options of a tuning",
                expected="one device a run: trials are trained side by side (--workers)",
                got=f"{self.trainer.n_processes} processes",
                remedy="leave --trainer.devices and --trainer.num_nodes out",
            )

    @property
    def is_own(self) -> bool:
        """Whether the learner is a class of the user's own."""
        return is_own(self.learner)

    def labels(self, stored: JoinedStores) -> LabelSet:
        """Return all labels of the training and validation parts, as ``train`` takes them."""
        kind = label_kind_of(self.learner)
        require_labels(stored, self.model.findings, kind)
        splits = read_joined_splits(stored.urls)
        return all_labels(stored, splits, self.model.findings, kind=kind)

    def plan(self, stored: JoinedStores) -> RunPlan:
        """Return the run as it would be trained, looked up and checked.

        Raises:
            InputError: As :func:`~examwise.training.run_plan.plan_run`.
        """
        return plan_run(
            stored,
            self.labels(stored),
            learner=self.learner,
            model=self.model,
            training=self.training,
            trainer=self.trainer,
            init=self.init,
            learner_options=self.learner_options,
            recipe=self.recipe,
        )

    def train(
        self, stored: JoinedStores, *, out: str, trackers: Trackers, progress: Progress
    ) -> RunSummary:
        """Train the run, or go on with it.

        Args:
            stored: The stores.
            out: The run directory.
            trackers: Is told of everything.
            progress: Where to report to.

        Raises:
            InputError: As :func:`~examwise.training.train.train_run`.
        """
        reads = reads_features(self.learner, self.model, self.training)
        return train_run(
            stores=stored.urls,
            label_set=self.labels(stored),
            learner=self.learner,
            model=self.model,
            training=self.training,
            trainer=self.trainer,
            init=self.init,
            learner_options=self.learner_options,
            recipe=self.recipe,
            trackers=trackers,
            features=self.features if reads else None,
            out=out,
            progress=progress,
        )

    def as_config(self, *, tracked: bool = False) -> str:
        """Return a file that ``train --config`` takes.

        Args:
            tracked: Whether the trackers are named too.
        """
        options: dict[str, Any] = {"learner": self.learner}
        options |= {"learner_options": dict(self.learner_options)} if self.is_own else {}
        options |= {"recipe": self.recipe_name} if self.recipe_name else {}
        options |= {"init": self.init} if self.init else {}
        if self.features and reads_features(self.learner, self.model, self.training):
            options["features"] = self.features
        for name in ("model", "training", "trainer", *(["tracking"] if tracked else [])):
            options[name] = asdict(getattr(self, name))
        # Through JSON: tuples become lists, and whatever is no plain value is found out here.
        plain = json.loads(json.dumps(options, allow_nan=False))
        return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)
