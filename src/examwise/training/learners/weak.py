"""Weak supervision: labels of exams."""

from __future__ import annotations

from torch import Tensor

from examwise.data.bags import BagBatch
from examwise.data.label_set import LabelKind
from examwise.models.exam_classifier import POOLED, ExamOutput
from examwise.training.losses import LossSum, masked_cross_entropy


class WeakLearner:
    """Learns from exam labels through the pooled embedding of all slices."""

    label_kind: LabelKind = "exam"
    exam_rule = POOLED

    def scores(self, output: ExamOutput, batch: BagBatch) -> tuple[Tensor, Tensor]:
        """Return exams' logits and labels."""
        return output.exam_logits, batch.exam_labels

    def loss(
        self, output: ExamOutput, batch: BagBatch, *, positive_weight: Tensor | None
    ) -> LossSum:
        """Return the cross-entropy over exam labels."""
        return masked_cross_entropy(*self.scores(output, batch), positive_weight=positive_weight)
