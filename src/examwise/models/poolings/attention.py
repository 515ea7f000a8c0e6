"""Attention-based pooling."""

from __future__ import annotations

from torch import Tensor, nn

from examwise.models.poolings import NORMALIZERS
from examwise.models.poolings.attention_score import AttentionScore
from examwise.models.poolings.protocol import PooledBags
from examwise.models.poolings.weighting import outside_autocast, weighted_bags


class AttentionPooling(nn.Module):
    """A weighted mean; a two-layer network with tanh gives each slice its weight.

    Ilse, Tomczak and Welling, Attention-based deep multiple instance learning, 2018, without
    their gate.

    Args:
        embedding: Features of a slice.
        hidden: Hidden units.
        normalizer: One of :data:`examwise.models.poolings.NORMALIZERS`.
        dropout: Probability with which a hidden unit is dropped in training.
    """

    def __init__(
        self, *, embedding: int, hidden: int, normalizer: str = "softmax", dropout: float = 0.0
    ) -> None:
        super().__init__()
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
        """Pool; as in :class:`~examwise.models.poolings.protocol.Pooling`, without position."""
        del relative_position
        with outside_autocast(embeddings):
            logits = self.score(embeddings, slice_keys)
            return weighted_bags(embeddings, logits, bag_sizes, self.normalize)
