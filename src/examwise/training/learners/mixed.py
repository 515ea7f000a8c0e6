"""Mixed supervision: labels of exams, and labels of slices where there are some."""

from __future__ import annotations

import torch
from torch import Tensor

from examwise.data.bags import BagBatch
from examwise.data.label_kind import LabelKind
from examwise.models.config import ModelConfig
from examwise.models.exam_classifier import POOLED, ExamOutput
from examwise.models.segments import segment_index, segment_sum
from examwise.training.losses import LossFunction, LossSum


class MixedLearner:
    """Learns from exam labels through the pooling, and from slice labels through the classifier.

    An exam's slice labels count one together, as its own label does.
    """

    label_kind: LabelKind = "mixed"
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
        """Return the sum of both losses."""
        of_exams = loss(output.exam_logits, batch.exam_labels, positive_weight=positive_weight)
        present = (~torch.isnan(batch.slice_labels)).float()
        labelled = segment_sum(present, batch.bag_sizes)[segment_index(batch.bag_sizes)]
        of_slices = loss(
            output.slice_logits,
            batch.slice_labels,
            positive_weight=positive_weight,
            weights=1 / labelled.clamp(min=1),
        )
        return LossSum(
            of_exams.total + of_slices.total,
            of_exams.n_labels.float() + of_slices.n_labels.float(),
        )
