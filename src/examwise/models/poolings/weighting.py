"""From attention logits to pooled bags, and from weights to the logits they stand for."""

from __future__ import annotations

import torch
from torch import Tensor

from examwise.models.normalizers import Normalizer
from examwise.models.poolings.protocol import PooledBags
from examwise.models.segments import at_least_single, segment_sum

_SMALLEST_WEIGHT = 1e-30


def outside_autocast(values: Tensor) -> torch.autocast:
    """Return a context in which a pooling computes in its parameters' own precision.

    A pooling costs next to nothing beside its encoder, while logits of eight bits would tie slices
    that differ.
    """
    return torch.autocast(values.device.type, enabled=False)


def weighted_bags(
    embeddings: Tensor, logits: Tensor, bag_sizes: Tensor, normalize: Normalizer
) -> PooledBags:
    """Average each bag's embeddings by the weights that come of normalising its logits.

    Args:
        embeddings: Shape (N, embedding).
        logits: Shape (N,).
        bag_sizes: int64, shape (B,).
        normalize: From logits to weights.
    """
    logits = at_least_single(logits)
    weights = normalize(logits, bag_sizes)
    pooled = segment_sum(weights.unsqueeze(1) * at_least_single(embeddings), bag_sizes)
    return PooledBags(pooled.to(embeddings.dtype), logits, weights)


def log_weights(weights: Tensor) -> Tensor:
    """Return logits whose softmax over a bag gives its weights; a weight of zero stays finite.

    Example:
        >>> log_weights(torch.tensor([1.0, 0.0]))
        tensor([  0.0000, -69.0776])
    """
    return weights.clamp(min=_SMALLEST_WEIGHT).log()
