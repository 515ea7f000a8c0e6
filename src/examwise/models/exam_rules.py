"""Rules by which an exam's logits come of its slices'."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from examwise.core.errors import InputError
from examwise.models.segments import (
    at_least_single,
    pad_segments,
    segment_logsumexp,
    segment_max,
    segment_sum,
)

MAXIMUM_OVER_SLICES = "maximum_over_slices"
"""The exam's logits are the largest of its slices'."""
TOP_K_MEAN = "top_k_mean"
"""The exam's logits are the mean of the three largest of its slices'."""
NOISY_OR = "noisy_or"
"""The exam is positive unless each slice, independently of the others, is negative."""

_K = 3
_FAR_BELOW = -15.0
"""Logarithms below this are continued by a series; what it leaves out is below 1e-13."""


def exam_logits(rule: str, slice_logits: Tensor, bag_sizes: Tensor) -> Tensor:
    """Return exams' logits, float32 (float64 stays so), shape (B, F).

    Args:
        rule: One of :data:`SLICE_RULES`.
        slice_logits: Shape (N, F), bag after bag.
        bag_sizes: Slices in each bag, at least 1, int64, shape (B,).

    Raises:
        InputError: If there is no such rule.

    Example:
        >>> logits, sizes = torch.tensor([[1.0], [2.0], [-3.0]]), torch.tensor([2, 1])
        >>> exam_logits("maximum_over_slices", logits, sizes).tolist()
        [[2.0], [-3.0]]
        >>> exam_logits("top_k_mean", logits, sizes).tolist()
        [[1.5], [-3.0]]
    """
    if rule not in _RULES:
        raise InputError(where="exam rule", expected="one of " + ", ".join(_RULES), got=rule)
    return _RULES[rule](at_least_single(slice_logits), bag_sizes)


def _top_k_mean(logits: Tensor, sizes: Tensor) -> Tensor:
    padded = pad_segments(logits, sizes, fill=float("-inf"))
    highest = padded.topk(min(_K, padded.shape[1]), dim=1).values
    kept = sizes.clamp(max=_K)
    real = torch.arange(highest.shape[1], device=sizes.device) < kept.unsqueeze(1)
    highest = torch.where(real.unsqueeze(2), highest, torch.zeros_like(highest))
    return highest.sum(1) / kept.unsqueeze(1)


def _noisy_or(logits: Tensor, sizes: Tensor) -> Tensor:
    """Return the logit of 1 - Π (1 - p).

    With s = -Σ log(1 - p), the sum of softplus of the logits, it is log(exp(s) - 1). Where s is too
    small for that, it is log s + s / 2, and log s comes of logarithms.
    """
    total = segment_sum(F.softplus(logits), sizes)
    log_total = segment_logsumexp(_log_softplus(logits), sizes)
    small = log_total < _FAR_BELOW
    safe = torch.where(small, torch.ones_like(total), total)
    return torch.where(small, log_total + total / 2, safe + torch.log(-torch.expm1(-safe)))


def _log_softplus(logits: Tensor) -> Tensor:
    small = logits < _FAR_BELOW
    low = torch.where(small, logits, torch.full_like(logits, _FAR_BELOW))
    high = torch.where(small, torch.full_like(logits, _FAR_BELOW), logits)
    return torch.where(small, low - low.exp() / 2, F.softplus(high).log())


_RULES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    MAXIMUM_OVER_SLICES: segment_max,
    TOP_K_MEAN: _top_k_mean,
    NOISY_OR: _noisy_or,
}
SLICE_RULES = tuple(_RULES)
"""Names of the rules, every one a function of slices' logits alone."""
