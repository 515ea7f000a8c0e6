"""Attention-based pooling whose logits are smooth along the exam."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from examwise.core.errors import InputError
from examwise.models.poolings import NORMALIZERS
from examwise.models.poolings.attention_score import AttentionScore
from examwise.models.poolings.protocol import PooledBags
from examwise.models.poolings.weighting import outside_autocast, weighted_bags
from examwise.models.segments import (
    at_least_single,
    pad_segments,
    padding_mask,
    unpad_segments,
)


class SmoothAttentionPooling(nn.Module):
    """Attention whose logits are drawn towards those of neighbouring slices.

    A bleed lies on slices that follow each other. With ``f`` from the attention network, the logits
    ``g`` minimise ``smoothing · Σ w (g - g')² + (1 - smoothing) · Σ d (g - f)²``, the first sum, a
    Dirichlet energy, over pairs of slices, ``d`` the sum of a slice's ``w``; a fixed number of
    iterations comes close. Castro-Macías and others, Sm: enhanced localization in multiple instance
    learning for medical imaging classification, 2024, in the form that smooths attention values.
    Where this differs: ``w`` is a Gaussian of the distance in positions, so that gaps and equal
    positions count as what they are; ``d`` normalises the graph by rows, so that equal logits stay
    as they are and none leaves its bag's range; the strength is a setting, where theirs may be
    learned; and their spectral normalisation of the network is left out.

    Args:
        embedding: Features of a slice.
        hidden: Hidden units.
        normalizer: One of :data:`examwise.models.poolings.NORMALIZERS`.
        dropout: Probability with which a hidden unit is dropped in training.
        smoothing: 0 leaves logits alone; towards 1 they are the same all over a bag.
        reach: Standard deviation of the Gaussian, in mean distances of the bag's slices.
        iterations: How often neighbours are averaged.

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
        smoothing: float = 0.5,
        reach: float = 1.0,
        iterations: int = 10,
    ) -> None:
        super().__init__()
        for name, right, expected, got in (
            ("smoothing", 0 <= smoothing < 1, "a number from 0 to below 1", smoothing),
            ("reach", reach > 0, "a number above 0", reach),
            ("iterations", iterations >= 1, "a whole number, at least 1", iterations),
        ):
            if not right:
                raise InputError(where=f"pooling option {name}", expected=expected, got=got)
        self.score = AttentionScore(embedding=embedding, hidden=hidden, dropout=dropout)
        self.normalize = NORMALIZERS.load(normalizer)
        self.smoothing = smoothing
        self.reach = reach
        self.iterations = iterations

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
            logits = at_least_single(self.score(embeddings, slice_keys))
            walk = neighbour_weights(
                relative_position.to(logits.dtype), bag_sizes, reach=self.reach
            )
            own = pad_segments(logits, bag_sizes, fill=0.0).unsqueeze(2)
            smooth = own
            for _ in range(self.iterations):
                smooth = self.smoothing * (walk @ smooth) + (1 - self.smoothing) * own
            logits = unpad_segments(smooth.squeeze(2), bag_sizes)
            return weighted_bags(embeddings, logits, bag_sizes, self.normalize)


def neighbour_weights(relative_position: Tensor, bag_sizes: Tensor, *, reach: float) -> Tensor:
    """Weigh every slice's neighbours by their distance, so that the weights of a slice sum to one.

    A slice with no other within reach has itself for a neighbour.

    Args:
        relative_position: 0 lowest to 1 highest, shape (N,).
        bag_sizes: int64, shape (B,).
        reach: Standard deviation of the Gaussian, in mean distances of the bag's slices.

    Returns:
        Shape (B, longest, longest); padding neither gives nor takes.

    Example:
        >>> neighbour_weights(torch.tensor([0.0, 1.0, 0.5]), torch.tensor([2, 1]), reach=1.0)
        tensor([[[0., 1.],
                 [1., 0.]],
        <BLANKLINE>
                [[1., 0.],
                 [0., 1.]]])
    """
    position = pad_segments(relative_position, bag_sizes, fill=0.0)
    real = padding_mask(bag_sizes)
    lowest = position.masked_fill(~real, float("inf")).amin(1)
    highest = position.masked_fill(~real, float("-inf")).amax(1)
    spacing = (highest - lowest) / (bag_sizes - 1).clamp(min=1)
    # Slices that all lie in one place are as near to each other as can be, in whatever unit.
    unit = reach * torch.where(spacing > 0, spacing, torch.ones_like(spacing)).view(-1, 1, 1)
    distance = (position.unsqueeze(2) - position.unsqueeze(1)) / unit
    both = real.unsqueeze(2) & real.unsqueeze(1)
    itself = torch.eye(position.shape[1], dtype=torch.bool, device=position.device)
    affinity = torch.exp(-0.5 * distance**2).masked_fill(~both | itself, 0.0)
    total = affinity.sum(2, keepdim=True)
    alone = (total <= 0) & itself
    return torch.where(alone, torch.ones_like(affinity), affinity / total.clamp(min=1e-30))
