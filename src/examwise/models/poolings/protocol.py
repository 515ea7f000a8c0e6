"""What a pooling is, and what it returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True)
class PooledBags:
    """Pooled embeddings, and what each slice had to do with them.

    Attributes:
        embeddings: Shape (B, embedding).
        attention_logits: Before normalisation, float32, shape (N,); None where weights do not
            come from logits.
        attention_weights: Each slice's share, float32, shape (N,), summing to one over a bag.
    """

    embeddings: Tensor
    attention_logits: Tensor | None
    attention_weights: Tensor


class Pooling(Protocol):
    """A module from packed embeddings to one embedding a bag.

    The result does not depend on the slices' order, nor on the other bags.
    """

    def __call__(self, embeddings: Tensor, bag_sizes: Tensor) -> PooledBags:
        """Pool embeddings, shape (N, embedding), in bags of sizes, int64, shape (B,)."""
        ...
