"""One architecture for all learners: window, encoder, pooling, linear classifier."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from examwise.core.errors import InputError
from examwise.models.config import ModelConfig
from examwise.models.encoders import ENCODERS
from examwise.models.poolings import POOLINGS
from examwise.models.segments import segment_max
from examwise.models.window import Window

POOLED = "pooled"
"""The exam's logits are those of its pooled embedding."""
MAXIMUM_OVER_SLICES = "maximum_over_slices"
"""The exam's logits are the largest of its slices'."""
EXAM_RULES = (POOLED, MAXIMUM_OVER_SLICES)


@dataclass(frozen=True)
class ExamOutput:
    """What a model says of B bags with N slices in all, for F findings.

    Attributes:
        exam_logits: Shape (B, F).
        slice_logits: The classifier on each slice's own embedding, shape (N, F).
        attention_logits: Shape (N,), or None where there is no attention.
        attention_weights: Shape (N,), summing to one over a bag; None without pooling.
    """

    exam_logits: Tensor
    slice_logits: Tensor
    attention_logits: Tensor | None
    attention_weights: Tensor | None


class ExamClassifier(nn.Module):
    """Classifies slices and exams.

    A model whose exam logits are the maximum over slices has no pooling and no parameters of one.
    With attention, an exam's logits are the attention-weighted mean of its slices', since the
    classifier is linear.

    Args:
        config: Architecture.
        exam_rule: One of :data:`EXAM_RULES`.
        seed: Seed of the initial weights; the global generator is left as it was.

    Raises:
        InputError: If encoder, pooling or rule have no such name.
    """

    def __init__(self, config: ModelConfig, *, exam_rule: str, seed: int = 0) -> None:
        super().__init__()
        if exam_rule not in EXAM_RULES:
            raise InputError(
                where="exam rule", expected="one of " + ", ".join(EXAM_RULES), got=exam_rule
            )
        self.config = config
        self.exam_rule = exam_rule
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.window = Window(config.window_center_hu, config.window_width_hu)
            self.encoder = ENCODERS.load(config.encoder)(width=config.width, in_channels=1)
            self.embedding = nn.Sequential(
                nn.Linear(self.encoder.n_features, config.embedding),
                # Not cut off at zero: on few labels all units may turn negative for every slice,
                # which would end all learning.
                nn.LeakyReLU(0.1),
                nn.Dropout(config.dropout),
            )
            self.classifier = nn.Linear(config.embedding, len(config.findings))
            self.pooling = (
                POOLINGS.load(config.pooling)(
                    embedding=config.embedding, hidden=config.attention_hidden
                )
                if exam_rule == POOLED
                else None
            )

    def embed(
        self, pixels_hu: Tensor, *, augment: Callable[[Tensor], Tensor] | None = None
    ) -> Tensor:
        """Return embeddings of slices, float32, shape (N, embedding).

        Args:
            pixels_hu: HU, int16, shape (N, rows, columns).
            augment: Applied to the windowed images, shape (N, 1, rows, columns).
        """
        images = self.window(pixels_hu)
        if augment is not None:
            images = augment(images)
        size = self.config.chunk_slices
        if len(images) <= size:
            return self.embedding(self.encoder(images))
        chunks = images.split(size)
        if torch.is_grad_enabled() and self.training:
            features = [checkpoint(self.encoder, chunk, use_reentrant=False) for chunk in chunks]
        else:
            features = [self.encoder(chunk) for chunk in chunks]
        return self.embedding(torch.cat(features))

    def forward(
        self,
        pixels_hu: Tensor,
        bag_sizes: Tensor,
        *,
        augment: Callable[[Tensor], Tensor] | None = None,
    ) -> ExamOutput:
        """Classify packed bags.

        Args:
            pixels_hu: HU, int16, shape (N, rows, columns), bag after bag.
            bag_sizes: Slices in each bag, int64, shape (B,).
            augment: As in :meth:`embed`.
        """
        embeddings = self.embed(pixels_hu, augment=augment)
        slice_logits = self.classifier(embeddings)
        if self.pooling is None:
            return ExamOutput(segment_max(slice_logits, bag_sizes), slice_logits, None, None)
        pooled = self.pooling(embeddings, bag_sizes)
        return ExamOutput(
            self.classifier(pooled.embeddings),
            slice_logits,
            pooled.attention_logits,
            pooled.attention_weights,
        )
