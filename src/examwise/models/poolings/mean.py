"""Pooling by the mean."""

from __future__ import annotations

from torch import Tensor, nn

from examwise.models.poolings.protocol import PooledBags
from examwise.models.poolings.weighting import log_weights, outside_autocast
from examwise.models.segments import at_least_single, segment_index, segment_mean


class MeanPooling(nn.Module):
    """The mean over slices; every slice of a bag has the same weight.

    Args:
        embedding: Without effect; poolings are made alike.
        hidden: Without effect.
        normalizer: Without effect.
        dropout: Without effect.
    """

    def __init__(
        self, *, embedding: int, hidden: int, normalizer: str = "softmax", dropout: float = 0.0
    ) -> None:
        super().__init__()
        del embedding, hidden, normalizer, dropout

    def forward(
        self,
        embeddings: Tensor,
        bag_sizes: Tensor,
        *,
        relative_position: Tensor,
        slice_keys: Tensor | None = None,
    ) -> PooledBags:
        """Pool; as in :class:`~examwise.models.poolings.protocol.Pooling`, without position."""
        del relative_position, slice_keys
        with outside_autocast(embeddings):
            values = at_least_single(embeddings)
            weights = (1 / bag_sizes.to(values.dtype))[segment_index(bag_sizes)]
            pooled = segment_mean(values, bag_sizes).to(embeddings.dtype)
            return PooledBags(pooled, log_weights(weights), weights)
