"""Attention-based pooling."""

from __future__ import annotations

from torch import Tensor, nn

from examwise.models.poolings.protocol import PooledBags
from examwise.models.segments import segment_softmax, segment_sum


class AttentionPooling(nn.Module):
    """A weighted mean; a two-layer network with tanh gives each slice its weight.

    Ilse, Tomczak and Welling, Attention-based deep multiple instance learning, 2018, without
    their gate.

    Args:
        embedding: Features of a slice.
        hidden: Hidden units.
    """

    def __init__(self, *, embedding: int, hidden: int) -> None:
        super().__init__()
        self.score = nn.Sequential(
            nn.Linear(embedding, hidden), nn.Tanh(), nn.Linear(hidden, 1, bias=False)
        )

    def forward(self, embeddings: Tensor, bag_sizes: Tensor) -> PooledBags:
        """Pool; shapes as in :class:`~examwise.models.poolings.protocol.Pooling`."""
        logits = self.score(embeddings).squeeze(1).float()
        weights = segment_softmax(logits, bag_sizes)
        pooled = segment_sum(weights.unsqueeze(1) * embeddings, bag_sizes)
        return PooledBags(pooled, logits, weights)
