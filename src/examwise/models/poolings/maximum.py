"""Pooling by the maximum."""

from __future__ import annotations

from torch import Tensor, nn

from examwise.models.poolings.protocol import PooledBags
from examwise.models.poolings.weighting import log_weights, outside_autocast
from examwise.models.segments import at_least_single, segment_index, segment_max, segment_sum


class MaximumPooling(nn.Module):
    """Each feature's maximum over slices; a slice's weight is the share of features it gave.

    A feature that several slices attain counts for them in equal parts.

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
            pooled = segment_max(values, bag_sizes)
            index = segment_index(bag_sizes)
            attained = (values == pooled[index]).to(values.dtype)
            weights = (attained / segment_sum(attained, bag_sizes)[index]).mean(1)
            return PooledBags(pooled.to(embeddings.dtype), log_weights(weights), weights)
