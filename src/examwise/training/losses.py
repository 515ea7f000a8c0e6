"""Losses over labels some of which are missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class LossSum:
    """A loss summed over labels, so that batches of any size add up to one mean.

    Attributes:
        total: Sum over labels that are there, a scalar.
        n_labels: Number of these labels, a scalar.
    """

    total: Tensor
    n_labels: Tensor

    @property
    def mean(self) -> Tensor:
        """Mean over labels; zero where there is none."""
        return self.total / self.n_labels.clamp(min=1)


def masked_cross_entropy(
    logits: Tensor, labels: Tensor, *, positive_weight: Tensor | None = None
) -> LossSum:
    """Return the binary cross-entropy over labels that are there.

    Args:
        logits: Shape (labels, findings).
        labels: 1, 0 or NaN: missing, shape (labels, findings).
        positive_weight: How much a positive label counts, shape (findings,).

    Example:
        >>> loss = masked_cross_entropy(torch.zeros(2, 1), torch.tensor([[1.0], [float("nan")]]))
        >>> round(float(loss.mean), 4), int(loss.n_labels)
        (0.6931, 1)
    """
    present = ~torch.isnan(labels)
    losses = F.binary_cross_entropy_with_logits(
        logits.float(), labels.nan_to_num(0.0), pos_weight=positive_weight, reduction="none"
    )
    return LossSum(torch.where(present, losses, 0.0).sum(), present.sum())


def positive_weights(labels: npt.NDArray[np.float32]) -> Tensor:
    """Return how many negative labels there are for each positive one.

    Args:
        labels: 1, 0 or NaN, shape (labels, findings).

    Returns:
        float32, shape (findings,); 1 where a finding has one class only.

    Example:
        >>> positive_weights(np.array([[1.0], [0.0], [0.0]], np.float32))
        tensor([2.])
    """
    n_positive = (labels == 1).sum(0)
    n_negative = (labels == 0).sum(0)
    both = (n_positive > 0) & (n_negative > 0)
    weights = np.where(both, n_negative / np.maximum(n_positive, 1), 1.0)
    return torch.from_numpy(weights.astype(np.float32))
