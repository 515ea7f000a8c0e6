"""What a run costs in machine time and disk, by learner, mode and number of labels; light."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from examwise.data.label_kind import LabelKind
from examwise.training.config import TrainingConfig

BYTES_PER_SLICE = 12
"""A predicted slice on disk, compressed: its identity, two logits and an attention weight."""

_BYTES_PER_RUN = 60_000
_FLOAT_BYTES = 4


@dataclass(frozen=True)
class KindCost:
    """Runs of one learner and mode, measured.

    Attributes:
        fixed_s: A run without its steps, seconds.
        step_s: A full step.
        exam_s: An exam predicted, or validated.
        model_bytes: The model on disk.
        reads_pixels: Whether the encoder runs in every step, so that a step of fewer labels
            takes less.
    """

    fixed_s: float
    step_s: float
    exam_s: float
    model_bytes: int
    reads_pixels: bool


@dataclass(frozen=True)
class RunSize:
    """How much a run learns from and predicts.

    Attributes:
        n_training: Labels to train on.
        n_validation_exams: Exams of labels kept for validation.
        n_tested_exams: Test exams, of all archives.
        n_tested_slices: Their slices.
    """

    n_training: int
    n_validation_exams: int
    n_tested_exams: int
    n_tested_slices: int


@dataclass(frozen=True)
class RunCosts:
    """What runs cost on this machine, each in a process of its own.

    Attributes:
        kinds: Learner and mode to their cost.
        slice_s: A slice encoded, seconds; for features, and for scores without labels.
        n_features: Features of a slice that are kept; 0 where none are.
    """

    kinds: Mapping[tuple[str, str], KindCost]
    slice_s: float
    n_features: int

    def run_s(
        self,
        learner: str,
        mode: str,
        size: RunSize,
        *,
        training: TrainingConfig,
        label_kind: LabelKind,
    ) -> float:
        """Return the seconds that a run with labels takes.

        Example:
            >>> kind = KindCost(1.0, 0.01, 0.002, 4000, reads_pixels=False)
            >>> costs = RunCosts({("weak", "budgeted"): kind}, 0.001, 64)
            >>> size = RunSize(80, 20, 400, 9600)
            >>> training = TrainingConfig(steps=300, validate_every=100)
            >>> costs.run_s("weak", "budgeted", size, training=training, label_kind="exam")
            4.96
        """
        kind = self.kinds[learner, mode]
        counted = training.for_labels(size.n_training, label_kind)
        share = 1.0
        if kind.reads_pixels:
            share = min(1.0, size.n_training / training.labels_per_step(label_kind))
        validations = 1 + math.ceil(counted.steps / training.validate_every)
        judged = validations * size.n_validation_exams + size.n_tested_exams
        return kind.fixed_s + counted.steps * kind.step_s * share + judged * kind.exam_s

    def label_free_s(self, n_slices: int) -> float:
        """Return the seconds that a score without labels takes, over so many slices."""
        return n_slices * self.slice_s

    def features_s(self, n_slices: int) -> float:
        """Return the seconds that features of slices take, once for all runs."""
        return n_slices * self.slice_s if self.n_features else 0.0

    def features_bytes(self, n_slices: int) -> int:
        """Return what they take on disk."""
        return n_slices * self.n_features * _FLOAT_BYTES

    def run_bytes(self, learner: str, mode: str, size: RunSize) -> int:
        """Return what a run and its predictions take on disk; a score has no model."""
        kind = self.kinds.get((learner, mode))
        model = kind.model_bytes if kind else 0
        return model + _BYTES_PER_RUN + size.n_tested_slices * BYTES_PER_SLICE
