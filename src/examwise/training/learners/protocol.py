"""What a learner is: which labels it buys, what it makes of them, how it judges an exam."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from examwise.data.bags import BagBatch
from examwise.data.label_kind import LabelKind
from examwise.models.config import ModelConfig
from examwise.models.exam_classifier import ExamOutput
from examwise.training.losses import LossFunction, LossSum


class Learner(Protocol):
    """A way to learn from labels.

    Attributes:
        label_kind: What its labels are of.
        exam_rules: How its model may come to an exam's logits, of
            :data:`examwise.models.exam_classifier.EXAM_RULES`. Training takes the first; the
            best is chosen on validation labels.
    """

    label_kind: LabelKind
    exam_rules: tuple[str, ...]

    def adapt(self, model: ModelConfig) -> ModelConfig:
        """Return the architecture that it trains, given the one that was asked for."""
        ...

    def scores(self, output: ExamOutput, batch: BagBatch) -> tuple[Tensor, Tensor]:
        """Return the logits that its labels judge, and these labels, both (labels, findings)."""
        ...

    def loss(
        self,
        output: ExamOutput,
        batch: BagBatch,
        *,
        loss: LossFunction,
        positive_weight: Tensor | None,
    ) -> LossSum:
        """Return the loss over the batch's labels.

        Args:
            output: What the model says.
            batch: What it was shown.
            loss: The loss of logits given labels.
            positive_weight: How much a positive label counts, shape (F,); 1 if None.
        """
        ...
