"""Pooling by a smooth maximum."""

from __future__ import annotations

import math

from torch import Tensor, nn

from examwise.core.errors import InputError
from examwise.models.poolings.protocol import PooledBags
from examwise.models.poolings.weighting import log_weights, outside_autocast
from examwise.models.segments import at_least_single, segment_logsumexp, segment_softmax


class LogSumExpPooling(nn.Module):
    """Each feature's ``T log mean exp(x / T)`` over slices: from mean (hot) to maximum (cold).

    A slice's weight is the mean over features of the softmax of ``x / T``, which is how much the
    result moves with the slice. Pinheiro and Collobert, From image-level to pixel-level labeling
    with convolutional networks, 2015, with ``r = 1 / T``, and of features, where they pool scores.

    Args:
        embedding: Without effect; poolings are made alike.
        hidden: Without effect.
        normalizer: Without effect.
        dropout: Without effect.
        temperature: ``T``.

    Raises:
        InputError: If the temperature is not above 0 and finite.
    """

    def __init__(
        self,
        *,
        embedding: int,
        hidden: int,
        normalizer: str = "softmax",
        dropout: float = 0.0,
        temperature: float = 1.0,
    ) -> None:
        super().__init__()
        del embedding, hidden, normalizer, dropout
        if not 0 < temperature < math.inf:
            raise InputError(
                where="pooling option temperature", expected="a number above 0", got=temperature
            )
        self.temperature = temperature

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
            scaled = at_least_single(embeddings) / self.temperature
            log_sizes = bag_sizes.to(scaled.dtype).log().unsqueeze(1)
            pooled = self.temperature * (segment_logsumexp(scaled, bag_sizes) - log_sizes)
            weights = segment_softmax(scaled.detach(), bag_sizes).mean(1)
            return PooledBags(pooled.to(embeddings.dtype), log_weights(weights), weights)
