"""Pooling by the maximum."""

from __future__ import annotations

from torch import Tensor, nn

from examwise.models.poolings.protocol import PooledBags
from examwise.models.segments import segment_index, segment_max, segment_sum


class MaximumPooling(nn.Module):
    """Each feature's maximum over slices; a slice's weight is the share of features it gave.

    A feature that several slices attain counts for them in equal parts.

    Args:
        embedding: Without effect; poolings are made alike.
        hidden: Without effect.
    """

    def __init__(self, *, embedding: int, hidden: int) -> None:
        super().__init__()
        del embedding, hidden

    def forward(self, embeddings: Tensor, bag_sizes: Tensor) -> PooledBags:
        """Pool; shapes as in :class:`~examwise.models.poolings.protocol.Pooling`."""
        pooled = segment_max(embeddings, bag_sizes)
        index = segment_index(bag_sizes)
        attained = (embeddings.detach() == pooled.detach()[index]).float()
        shares = attained / segment_sum(attained, bag_sizes)[index]
        return PooledBags(pooled, None, shares.mean(1))
