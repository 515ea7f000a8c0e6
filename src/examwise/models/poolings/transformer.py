"""Attention-based pooling on slices that have seen each other."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from examwise.core.errors import InputError
from examwise.models.poolings import NORMALIZERS
from examwise.models.poolings.attention_score import AttentionScore
from examwise.models.poolings.protocol import PooledBags
from examwise.models.poolings.weighting import outside_autocast, weighted_bags
from examwise.models.seeded_dropout import SeededDropout
from examwise.models.segments import pad_segments, padding_mask, unpad_segments

_FREQUENCIES = 6
"""Of the position encoding, doubling: the shortest wave is a sixteenth of the exam."""


class TransformerPooling(nn.Module):
    """Attention pooling behind layers of self-attention among a bag's slices.

    A slice's place enters as smooth waves of its relative position, added to its embedding, so that
    the order of packing is of no account. Layers are normalised before each part (Xiong and others,
    On layer normalization in the transformer architecture, 2020) and what they give is added to the
    embeddings; there is no last normalisation, so that the pooled embedding stays of the kind that
    the classifier knows from slices.

    Args:
        embedding: Features of a slice.
        hidden: Hidden units of the attention network that pools.
        normalizer: One of :data:`examwise.models.poolings.NORMALIZERS`, for the weights of pooling;
            among slices it is softmax.
        dropout: Probability with which a hidden unit, or a feature that a layer adds, is dropped in
            training.
        layers: Self-attention layers.
        heads: Heads of each.

    Raises:
        InputError: If an option is out of range.
    """

    def __init__(
        self,
        *,
        embedding: int,
        hidden: int,
        normalizer: str = "softmax",
        dropout: float = 0.0,
        layers: int = 2,
        heads: int = 4,
    ) -> None:
        super().__init__()
        for name, got in (("layers", layers), ("heads", heads)):
            if not isinstance(got, int) or got < 1:
                raise InputError(
                    where=f"pooling option {name}", expected="a whole number, at least 1", got=got
                )
        self.position = nn.Linear(2 * _FREQUENCIES, embedding)
        self.layers = nn.ModuleList(
            _Layer(embedding=embedding, heads=heads, dropout=dropout, place=2 + 2 * number)
            for number in range(layers)
        )
        self.score = AttentionScore(embedding=embedding, hidden=hidden, dropout=dropout)
        self.normalize = NORMALIZERS.load(normalizer)

    def forward(
        self,
        embeddings: Tensor,
        bag_sizes: Tensor,
        *,
        relative_position: Tensor,
        slice_keys: Tensor | None = None,
    ) -> PooledBags:
        """Pool; as in :class:`~examwise.models.poolings.protocol.Pooling`."""
        with outside_autocast(embeddings):
            dtype = self.position.weight.dtype
            waves = position_waves(relative_position).to(dtype)
            values = embeddings.to(dtype) + self.position(waves)
            for layer in self.layers:
                values = layer(values, bag_sizes, slice_keys)
            logits = self.score(values, slice_keys)
            pooled = weighted_bags(values, logits, bag_sizes, self.normalize)
            return PooledBags(
                pooled.embeddings.to(embeddings.dtype),
                pooled.attention_logits,
                pooled.attention_weights,
            )


def position_waves(relative_position: Tensor) -> Tensor:
    """Return sines and cosines of relative positions, shape (N, 12).

    Example:
        >>> position_waves(torch.tensor([0.0, 1.0]))[:, 6].tolist()
        [1.0, -1.0]
    """
    frequencies = math.pi * 2.0 ** torch.arange(
        _FREQUENCIES, dtype=relative_position.dtype, device=relative_position.device
    )
    angles = relative_position.unsqueeze(1) * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=1)


class _Layer(nn.Module):
    def __init__(self, *, embedding: int, heads: int, dropout: float, place: int) -> None:
        super().__init__()
        self.heads = heads
        inner = heads * math.ceil(embedding / heads)
        self.attention_norm = nn.LayerNorm(embedding)
        self.queries_keys_values = nn.Linear(embedding, 3 * inner)
        self.attended = nn.Linear(inner, embedding)
        self.attention_drop = SeededDropout(dropout, place=place)
        self.units_norm = nn.LayerNorm(embedding)
        self.units = nn.Sequential(
            nn.Linear(embedding, 2 * embedding), nn.GELU(), nn.Linear(2 * embedding, embedding)
        )
        self.units_drop = SeededDropout(dropout, place=place + 1)

    def forward(self, values: Tensor, bag_sizes: Tensor, slice_keys: Tensor | None) -> Tensor:
        attended = self._attend(self.attention_norm(values), bag_sizes)
        values = values + self.attention_drop(attended, slice_keys)
        return values + self.units_drop(self.units(self.units_norm(values)), slice_keys)

    def _attend(self, values: Tensor, bag_sizes: Tensor) -> Tensor:
        packed = self.queries_keys_values(values).unflatten(1, (3, self.heads, -1))
        padded = pad_segments(packed, bag_sizes, fill=0.0)
        queries, keys, found = padded.permute(2, 0, 3, 1, 4)
        # Only a bag's own slices are seen; what padding itself attends to is left out afterwards.
        seen = padding_mask(bag_sizes)[:, None, None, :]
        mixed = F.scaled_dot_product_attention(queries, keys, found, attn_mask=seen)
        return self.attended(unpad_segments(mixed.transpose(1, 2).flatten(2), bag_sizes))
