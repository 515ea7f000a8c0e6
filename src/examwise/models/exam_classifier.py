"""One architecture for all learners: window, encoder, pooling, linear classifier."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from examwise.core.errors import InputError
from examwise.models.config import ModelConfig
from examwise.models.encoders.build import build_encoder, named_part
from examwise.models.exam_rules import SLICE_RULES, exam_logits
from examwise.models.freezing import freeze, keep_frozen_in_eval
from examwise.models.host_memory import give_back_free_memory
from examwise.models.poolings.build import build_pooling
from examwise.models.position_encoder import PositionEncoder
from examwise.models.seeded_dropout import SeededDropout
from examwise.models.segments import even_positions
from examwise.models.window import InputScale, Window

POOLED = "pooled"
"""The exam's logits are those of its pooled embedding."""
EXAM_RULES = (POOLED, *SLICE_RULES)
"""How an exam's logits come about: through the pooling, or from its slices' logits."""

_PIXELS_PER_CHUNK = 2**23
"""The published network keeps some 250 bytes a pixel for the backward pass, in half precision."""
_PIXELS_IN_CACHE = 2**19
"""On a processor larger chunks take longer: their maps fit no cache, and fresh pages each time."""

_ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = {
    "leaky_relu": partial(nn.LeakyReLU, 0.1),
    "relu": nn.ReLU,
    "none": nn.Identity,
}


class ImageTransform(Protocol):
    """Changes images of some of a batch's slices."""

    def __call__(self, images: Tensor, rows: slice) -> Tensor:
        """Return the images of these rows, -1 … 1, shape (n, windows, rows, columns), changed."""
        ...


@dataclass(frozen=True)
class ExamOutput:
    """What a model says of B bags with N slices in all, for F findings.

    Attributes:
        exam_logits: Shape (B, F).
        slice_logits: The classifier on each slice's own embedding, shape (N, F).
        attention_logits: Shape (N,), or None without pooling.
        attention_weights: Shape (N,), summing to one over a bag; None without pooling.
    """

    exam_logits: Tensor
    slice_logits: Tensor
    attention_logits: Tensor | None = None
    attention_weights: Tensor | None = None


class ExamClassifier(nn.Module):
    """Classifies slices and exams.

    A model whose exam logits come from its slices' has no pooling and no parameters of one.
    With attention, an exam's logits are the attention-weighted mean of its slices', since the
    classifier is linear; a transformer's are of slices that have seen each other.

    Args:
        config: Architecture.
        exam_rule: One of :data:`EXAM_RULES`.
        seed: Seed of the initial weights; the global generator is left as it was.

    Raises:
        InputError: If encoder, pooling or rule have no such name, or what is to be frozen is no
            part of the encoder.
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
            self.window = Window(config.windows)
            self.input_scale = InputScale(config.input_scale, n_channels=config.n_channels)
            self.encoder = build_encoder(
                config.encoder,
                width=config.width,
                in_channels=config.n_channels,
                norm=config.norm,
                options=config.encoder_options,
            )
            self.embedding = nn.Sequential(
                nn.Linear(self.encoder.n_features, config.embedding),
                # A unit cut off at zero for every slice would learn no more: on few labels that
                # may happen to all of them.
                _ACTIVATIONS[config.activation](),
            )
            self.drop = SeededDropout(config.dropout)
            self.classifier = nn.Linear(config.embedding, len(config.findings))
            self.pooling = (
                build_pooling(
                    config.pooling,
                    embedding=config.embedding,
                    hidden=config.attention_hidden,
                    normalizer=config.normalizer,
                    dropout=config.attention_dropout,
                    options=config.pooling_options,
                )
                if exam_rule == POOLED
                else None
            )
        freeze(self.encoder, config.frozen)
        if config.channels_last:
            self.encoder.to(memory_format=torch.channels_last)

    def train(self, mode: bool = True) -> ExamClassifier:
        """Set the mode of all parts but the frozen ones, which stay in evaluation mode."""
        super().train(mode)
        keep_frozen_in_eval(self.encoder)
        return self

    def encode(self, pixels_hu: Tensor, *, augment: ImageTransform | None = None) -> Tensor:
        """Return the encoder's features of slices, float32, shape (N, n_features).

        Args:
            pixels_hu: HU, int16 or float32, shape (N, rows, columns).
            augment: Applied to the windowed images.
        """
        n_slices, n_rows, n_columns = pixels_hu.shape
        # Outside of training gradients are somebody's wish; a frozen encoder's step needs none.
        wants_gradients = torch.is_grad_enabled() and not (self.training and self.config.is_frozen)
        in_cache = pixels_hu.device.type == "cpu" and not wants_gradients
        n_pixels = _PIXELS_IN_CACHE if in_cache else _PIXELS_PER_CHUNK
        size = self.config.chunk_slices or max(1, n_pixels // (n_rows * n_columns))
        chunks = [slice(start, min(start + size, n_slices)) for start in range(0, n_slices, size)]
        if wants_gradients and self.training and len(chunks) > 1:
            features = [
                checkpoint(self._encode_chunk, pixels_hu, rows, augment, use_reentrant=False)
                for rows in chunks
            ]
        else:
            with torch.set_grad_enabled(wants_gradients):
                features = [self._encode(pixels_hu, rows, augment) for rows in chunks]
        return torch.cat(features)

    def _encode_chunk(
        self, pixels_hu: Tensor, rows: slice, augment: ImageTransform | None
    ) -> Tensor:
        if pixels_hu.device.type == "cpu":
            give_back_free_memory()
        return self._encode(pixels_hu, rows, augment)

    def _encode(self, pixels_hu: Tensor, rows: slice, augment: ImageTransform | None) -> Tensor:
        images = self.window(pixels_hu[rows])
        if augment is not None:
            images = augment(images, rows)
        images = self.input_scale(images)
        if self.config.channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        return self.encoder(images).float()

    def classify(
        self,
        features: Tensor,
        bag_sizes: Tensor,
        *,
        relative_position: Tensor | None = None,
        slice_keys: Tensor | None = None,
    ) -> ExamOutput:
        """Classify packed bags by their slices' features.

        Args:
            features: From :meth:`encode`, shape (N, n_features), bag after bag.
            bag_sizes: Slices in each bag, int64, shape (B,).
            relative_position: 0 lowest to 1 highest, shape (N,); evenly spaced if None.
            slice_keys: What is dropped in training is a function of these, int64, shape (N,);
                nothing is if None.
        """
        embeddings = self.drop(self.embedding(features), slice_keys)
        slice_logits = self.classifier(embeddings)
        if self.pooling is None:
            return ExamOutput(exam_logits(self.exam_rule, slice_logits, bag_sizes), slice_logits)
        if relative_position is None:
            relative_position = even_positions(bag_sizes)
        pooled = self.pooling(
            embeddings, bag_sizes, relative_position=relative_position, slice_keys=slice_keys
        )
        return ExamOutput(
            self.classifier(pooled.embeddings),
            slice_logits,
            pooled.attention_logits,
            pooled.attention_weights,
        )

    def forward(
        self,
        pixels_hu: Tensor,
        bag_sizes: Tensor,
        *,
        relative_position: Tensor | None = None,
        slice_keys: Tensor | None = None,
        augment: ImageTransform | None = None,
    ) -> ExamOutput:
        """Classify packed bags; arguments as in :meth:`encode` and :meth:`classify`."""
        if relative_position is None:
            relative_position = even_positions(bag_sizes)
        encoder = named_part(self.encoder)
        if isinstance(encoder, PositionEncoder):
            features = encoder.of_positions(relative_position)
        else:
            features = self.encode(pixels_hu, augment=augment)
        return self.classify(
            features,
            bag_sizes,
            relative_position=relative_position,
            slice_keys=slice_keys,
        )
