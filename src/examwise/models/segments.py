"""Sums, maxima and softmax within the segments of a packed tensor.

Values of all bags stand in one tensor, bag after bag. Everything here is differentiable and the
same on the CPU every time.
"""

from __future__ import annotations

import torch
from torch import Tensor


def segment_index(sizes: Tensor) -> Tensor:
    """Return the segment of each row, int64, shape (N,), from sizes, int64, shape (B,).

    Example:
        >>> segment_index(torch.tensor([2, 1]))
        tensor([0, 0, 1])
    """
    return torch.repeat_interleave(torch.arange(len(sizes), device=sizes.device), sizes)


def segment_sum(values: Tensor, sizes: Tensor) -> Tensor:
    """Sum rows within segments.

    Args:
        values: Shape (N, …).
        sizes: Rows in each segment, int64, shape (B,).

    Returns:
        Shape (B, …); zero for an empty segment.

    Example:
        >>> segment_sum(torch.tensor([1.0, 2.0, 4.0]), torch.tensor([2, 1]))
        tensor([3., 4.])
    """
    total = values.new_zeros((len(sizes), *values.shape[1:]))
    return total.index_add(0, segment_index(sizes), values)


def segment_mean(values: Tensor, sizes: Tensor) -> Tensor:
    """Average rows within segments; shapes as in :func:`segment_sum`.

    Example:
        >>> segment_mean(torch.tensor([1.0, 2.0, 4.0]), torch.tensor([2, 1]))
        tensor([1.5000, 4.0000])
    """
    counts = sizes.to(values.dtype).reshape(-1, *(1,) * (values.dim() - 1))
    return segment_sum(values, sizes) / counts


def segment_max(values: Tensor, sizes: Tensor) -> Tensor:
    """Take the largest value of each column within segments.

    Args:
        values: Shape (N, …).
        sizes: Rows in each segment, int64, shape (B,).

    Returns:
        Shape (B, …); minus infinity for an empty segment.

    Example:
        >>> segment_max(torch.tensor([1.0, 2.0, -4.0]), torch.tensor([2, 1]))
        tensor([ 2., -4.])
    """
    index = segment_index(sizes).reshape(-1, *(1,) * (values.dim() - 1)).expand_as(values)
    lowest = values.new_full((len(sizes), *values.shape[1:]), float("-inf"))
    return lowest.scatter_reduce(0, index, values, reduce="amax", include_self=False)


def segment_softmax(logits: Tensor, sizes: Tensor) -> Tensor:
    """Normalise logits so that their exponentials sum to one within each segment.

    Computed in float32, and relative to each segment's largest logit, so that no logit is too
    large.

    Args:
        logits: Shape (N, …).
        sizes: Rows in each segment, int64, shape (B,).

    Returns:
        float32, shape (N, …).

    Example:
        >>> segment_softmax(torch.tensor([1e9, 1e9, -5.0]), torch.tensor([2, 1]))
        tensor([0.5000, 0.5000, 1.0000])
    """
    index = segment_index(sizes)
    wide = logits.float()
    largest = segment_max(wide.detach(), sizes)
    exponential = torch.exp(wide - largest[index])
    return exponential / segment_sum(exponential, sizes)[index]
