"""Strong supervision: labels of slices."""

from __future__ import annotations

from torch import Tensor

from examwise.data.bags import BagBatch
from examwise.data.label_set import LabelKind
from examwise.models.exam_classifier import MAXIMUM_OVER_SLICES, ExamOutput
from examwise.training.losses import LossSum, masked_cross_entropy


class StrongLearner:
    """Learns from slice labels; an exam is as positive as its most positive slice."""

    label_kind: LabelKind = "slice"
    exam_rule = MAXIMUM_OVER_SLICES

    def scores(self, output: ExamOutput, batch: BagBatch) -> tuple[Tensor, Tensor]:
        """Return slices' logits and labels."""
        return output.slice_logits, batch.slice_labels

    def loss(
        self, output: ExamOutput, batch: BagBatch, *, positive_weight: Tensor | None
    ) -> LossSum:
        """Return the cross-entropy over slice labels."""
        return masked_cross_entropy(*self.scores(output, batch), positive_weight=positive_weight)
