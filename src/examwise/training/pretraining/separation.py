"""How well scores tell two groups apart, on the device."""

from __future__ import annotations

from torch import Tensor


def separation(scores: Tensor, is_positive: Tensor) -> Tensor:
    """Return the AUC: how often a positive's score is above a negative's, ties counting half.

    Args:
        scores: Shape (N,).
        is_positive: Bool, shape (N,).

    Returns:
        float32, shape (); NaN where one of the groups is empty.

    Example:
        >>> import torch
        >>> separation(torch.tensor([1.0, 2.0, 2.0]), torch.tensor([False, True, False]))
        tensor(0.7500)
    """
    above = (scores[:, None] > scores[None, :]).float()
    level = (scores[:, None] == scores[None, :]).float()
    pairs = (is_positive[:, None] & ~is_positive[None, :]).float()
    return ((above + 0.5 * level) * pairs).sum() / pairs.sum()
