"""Pooling by the mean."""

from __future__ import annotations

from torch import Tensor, nn

from examwise.models.poolings.protocol import PooledBags
from examwise.models.segments import segment_index, segment_mean


class MeanPooling(nn.Module):
    """The mean over slices; every slice of a bag has the same weight.

    Args:
        embedding: Without effect; poolings are made alike.
        hidden: Without effect.
    """

    def __init__(self, *, embedding: int, hidden: int) -> None:
        super().__init__()
        del embedding, hidden

    def forward(self, embeddings: Tensor, bag_sizes: Tensor) -> PooledBags:
        """Pool; shapes as in :class:`~examwise.models.poolings.protocol.Pooling`."""
        weights = (1 / bag_sizes.float())[segment_index(bag_sizes)]
        return PooledBags(segment_mean(embeddings, bag_sizes), None, weights)
