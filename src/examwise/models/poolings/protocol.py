"""What a pooling is, and what it returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True)
class PooledBags:
    """Pooled embeddings, and what each slice had to do with them.

    Attributes:
        embeddings: Shape (B, embedding), of the precision that came in.
        attention_logits: Before normalisation, float32, shape (N,); the logarithm of the weights
            where these do not come from logits, so that softmax of the logits gives them.
        attention_weights: Each slice's share, float32, shape (N,), summing to one over a bag.
    """

    embeddings: Tensor
    attention_logits: Tensor
    attention_weights: Tensor


class Pooling(Protocol):
    """A module from packed embeddings to one embedding a bag.

    The result depends on what each slice holds and on its position in the exam, never on the order
    in which slices are packed, nor on the other bags. Embeddings in float64 are pooled in
    float64, all others in float32 at least, outside autocast.
    """

    def __call__(
        self,
        embeddings: Tensor,
        bag_sizes: Tensor,
        *,
        relative_position: Tensor,
        slice_keys: Tensor | None = None,
    ) -> PooledBags:
        """Pool the slices of each bag.

        Args:
            embeddings: Shape (N, embedding), bag after bag.
            bag_sizes: Slices in each bag, at least 1, int64, shape (B,).
            relative_position: 0 lowest to 1 highest, float32, shape (N,).
            slice_keys: int64, shape (N,): what dropout is a function of in training. Without them
                nothing is dropped.
        """
        ...
