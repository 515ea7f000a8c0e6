"""The baseline without attention: exam labels, and the mean over slices."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from examwise.data.bags import BagBatch
from examwise.data.label_kind import LabelKind
from examwise.models.config import ModelConfig
from examwise.models.exam_classifier import ExamOutput
from examwise.training.learners.weak import WeakLearner
from examwise.training.losses import LossFunction, LossSum


class PooledLearner:
    """Learns as the weak learner does, with every slice of the same weight.

    What attention adds is what the weak learner has over this one.
    """

    label_kind: LabelKind = "exam"
    exam_rules = WeakLearner.exam_rules

    def __init__(self) -> None:
        self._weak = WeakLearner()

    def adapt(self, model: ModelConfig) -> ModelConfig:
        """Return the architecture with the mean for its pooling."""
        return replace(model, pooling="mean", normalizer="softmax", pooling_options={})

    def scores(self, output: ExamOutput, batch: BagBatch) -> tuple[Tensor, Tensor]:
        """Return exams' logits and labels."""
        return self._weak.scores(output, batch)

    def loss(
        self,
        output: ExamOutput,
        batch: BagBatch,
        *,
        loss: LossFunction,
        positive_weight: Tensor | None,
    ) -> LossSum:
        """Return the loss over exam labels."""
        return self._weak.loss(output, batch, loss=loss, positive_weight=positive_weight)
