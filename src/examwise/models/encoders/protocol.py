"""What an encoder is."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class Encoder(Protocol):
    """A module that turns each slice into features, each on its own.

    No slice's features may depend on another slice in the batch: no batch statistics.
    """

    n_features: int

    def __call__(self, images: Tensor) -> Tensor:
        """Map float32, shape (N, channels, rows, columns), to float32, shape (N, n_features)."""
        ...
