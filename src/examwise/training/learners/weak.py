"""Weak supervision: labels of exams."""

from __future__ import annotations

from torch import Tensor

from examwise.data.bags import BagBatch
from examwise.data.label_kind import LabelKind
from examwise.models.config import ModelConfig
from examwise.models.exam_classifier import POOLED, ExamOutput
from examwise.training.losses import LossFunction, LossSum


class WeakLearner:
    """Learns from exam labels through the pooled embedding of all slices."""

    label_kind: LabelKind = "exam"
    exam_rules: tuple[str, ...] = (POOLED,)

    def adapt(self, model: ModelConfig) -> ModelConfig:
        """Return the architecture as it is."""
        return model

    def scores(self, output: ExamOutput, batch: BagBatch) -> tuple[Tensor, Tensor]:
        """Return exams' logits and labels."""
        return output.exam_logits, batch.exam_labels

    def loss(
        self,
        output: ExamOutput,
        batch: BagBatch,
        *,
        loss: LossFunction,
        positive_weight: Tensor | None,
    ) -> LossSum:
        """Return the loss over exam labels."""
        return loss(*self.scores(output, batch), positive_weight=positive_weight)
