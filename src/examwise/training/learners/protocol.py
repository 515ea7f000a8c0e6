"""What a learner is: which labels it buys, what it makes of them, how it judges an exam."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from examwise.data.bags import BagBatch
from examwise.data.label_set import LabelKind
from examwise.models.exam_classifier import ExamOutput
from examwise.training.losses import LossSum


class ExamLearner(Protocol):
    """A way to learn from labels.

    Attributes:
        label_kind: What its labels are of.
        exam_rule: How its model comes to an exam's logits, one of
            :data:`examwise.models.exam_classifier.EXAM_RULES`.
    """

    label_kind: LabelKind
    exam_rule: str

    def scores(self, output: ExamOutput, batch: BagBatch) -> tuple[Tensor, Tensor]:
        """Return the logits that its labels judge, and these labels, both (labels, findings)."""
        ...

    def loss(
        self, output: ExamOutput, batch: BagBatch, *, positive_weight: Tensor | None
    ) -> LossSum:
        """Return the loss over the batch's labels.

        Args:
            output: What the model says.
            batch: What it was shown.
            positive_weight: How much a positive label counts, shape (F,); 1 if None.
        """
        ...
