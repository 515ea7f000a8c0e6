"""The baseline that sees no pixel: slice labels, and where the slice lies."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from examwise.data.bags import BagBatch
from examwise.data.label_kind import LabelKind
from examwise.models.config import ModelConfig
from examwise.models.exam_classifier import ExamOutput
from examwise.training.learners.strong import StrongLearner
from examwise.training.losses import LossFunction, LossSum


class PositionLearner:
    """Learns as the strong learner does, from each slice's relative position alone.

    Slice scores that do not beat it say where findings usually are, and nothing of the images.
    """

    label_kind: LabelKind = "slice"
    exam_rules = StrongLearner.exam_rules

    def __init__(self) -> None:
        self._strong = StrongLearner()

    def adapt(self, model: ModelConfig) -> ModelConfig:
        """Return the architecture with an encoder of positions."""
        return replace(
            model,
            encoder="examwise.models.position_encoder:PositionEncoder",
            encoder_options={},
            norm="group",
            weights="",
            frozen=(),
        )

    def scores(self, output: ExamOutput, batch: BagBatch) -> tuple[Tensor, Tensor]:
        """Return slices' logits and labels."""
        return self._strong.scores(output, batch)

    def loss(
        self,
        output: ExamOutput,
        batch: BagBatch,
        *,
        loss: LossFunction,
        positive_weight: Tensor | None,
    ) -> LossSum:
        """Return the loss over slice labels."""
        return self._strong.loss(output, batch, loss=loss, positive_weight=positive_weight)
