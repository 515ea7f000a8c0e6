"""Pooling by the mean of the highest values."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from examwise.core.errors import InputError
from examwise.models.poolings.protocol import PooledBags
from examwise.models.poolings.weighting import log_weights, outside_autocast
from examwise.models.segments import (
    at_least_single,
    pad_segments,
    segment_index,
    segment_sum,
)


class TopKPooling(nn.Module):
    """Each feature's mean over the ``k`` slices where it is highest; all, where there are fewer.

    A slice's weight is its share in those means. Slices that tie for the last place share it in
    equal parts, in the weights as in the gradient, so that packing order decides nothing.

    Args:
        embedding: Without effect; poolings are made alike.
        hidden: Without effect.
        normalizer: Without effect.
        dropout: Without effect.
        k: Slices that a feature is averaged over.

    Raises:
        InputError: If ``k`` is not a whole number of at least 1.
    """

    def __init__(
        self,
        *,
        embedding: int,
        hidden: int,
        normalizer: str = "softmax",
        dropout: float = 0.0,
        k: int = 3,
    ) -> None:
        super().__init__()
        del embedding, hidden, normalizer, dropout
        if not isinstance(k, int) or k < 1:
            raise InputError(where="pooling option k", expected="a whole number, at least 1", got=k)
        self.k = k

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
            shares = self._shares(values.detach(), bag_sizes)
            pooled = segment_sum(shares * values, bag_sizes).to(embeddings.dtype)
            weights = shares.mean(1)
            return PooledBags(pooled, log_weights(weights), weights)

    def _shares(self, values: Tensor, bag_sizes: Tensor) -> Tensor:
        padded = pad_segments(values, bag_sizes, fill=float("-inf"))
        highest = padded.topk(min(self.k, padded.shape[1]), dim=1).values
        kept = bag_sizes.clamp(max=self.k)
        last = highest.gather(1, (kept - 1).view(-1, 1, 1).expand(-1, 1, values.shape[1]))
        index = segment_index(bag_sizes)
        threshold = last.squeeze(1)[index]
        above = (values > threshold).to(values.dtype)
        tied = (values == threshold).to(values.dtype)
        left = kept.unsqueeze(1) - segment_sum(above, bag_sizes)
        each = left / segment_sum(tied, bag_sizes)
        return torch.where(tied > 0, each[index], above) / kept[index].unsqueeze(1)
