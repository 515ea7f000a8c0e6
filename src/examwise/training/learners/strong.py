"""Strong supervision: labels of slices."""

from __future__ import annotations

from torch import Tensor

from examwise.data.bags import BagBatch
from examwise.data.label_kind import LabelKind
from examwise.models.config import ModelConfig
from examwise.models.exam_classifier import ExamOutput
from examwise.models.exam_rules import SLICE_RULES
from examwise.training.losses import LossFunction, LossSum


class StrongLearner:
    """Learns from slice labels; an exam's score comes from its slices'.

    The published strong learner takes the maximum over slices. Here validation chooses among
    several rules, so that the learner gets its best.
    """

    label_kind: LabelKind = "slice"
    exam_rules = SLICE_RULES

    def adapt(self, model: ModelConfig) -> ModelConfig:
        """Return the architecture as it is."""
        return model

    def scores(self, output: ExamOutput, batch: BagBatch) -> tuple[Tensor, Tensor]:
        """Return slices' logits and labels."""
        return output.slice_logits, batch.slice_labels

    def loss(
        self,
        output: ExamOutput,
        batch: BagBatch,
        *,
        loss: LossFunction,
        positive_weight: Tensor | None,
    ) -> LossSum:
        """Return the loss over slice labels."""
        return loss(*self.scores(output, batch), positive_weight=positive_weight)
