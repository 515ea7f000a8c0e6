"""Sums, maxima and softmax within the segments of a packed tensor, and the way to padded ones.

Values of all bags stand in one tensor, bag after bag. Everything here is differentiable and the
same on the CPU every time.
"""

from __future__ import annotations

import torch
from torch import Tensor


def at_least_single(values: Tensor) -> Tensor:
    """Return values in float32, or in float64 where they are.

    Example:
        >>> at_least_single(torch.zeros(1, dtype=torch.bfloat16)).dtype
        torch.float32
    """
    return values if values.dtype == torch.float64 else values.float()


def segment_index(sizes: Tensor) -> Tensor:
    """Return the segment of each row, int64, shape (N,), from sizes, int64, shape (B,).

    Example:
        >>> segment_index(torch.tensor([2, 1]))
        tensor([0, 0, 1])
    """
    return torch.repeat_interleave(torch.arange(len(sizes), device=sizes.device), sizes)


def even_positions(sizes: Tensor) -> Tensor:
    """Return relative positions as of slices in order and evenly spaced, float32, shape (N,).

    A lone slice stands at 0.5, as it does in stores.

    Args:
        sizes: Rows in each segment, int64, shape (B,).

    Example:
        >>> even_positions(torch.tensor([3, 1]))
        tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    last = (sizes - 1)[segment_index(sizes)]
    return torch.where(last > 0, _places(sizes) / last.clamp(min=1), 0.5)


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

    Computed in float32 (float64 stays so), and relative to each segment's largest logit, so that
    no logit is too large.

    Args:
        logits: Shape (N, …).
        sizes: Rows in each segment, int64, shape (B,).

    Returns:
        Shape (N, …).

    Example:
        >>> segment_softmax(torch.tensor([1e9, 1e9, -5.0]), torch.tensor([2, 1]))
        tensor([0.5000, 0.5000, 1.0000])
    """
    index = segment_index(sizes)
    wide = at_least_single(logits)
    largest = segment_max(wide.detach(), sizes)
    exponential = torch.exp(wide - largest[index])
    return exponential / segment_sum(exponential, sizes)[index]


def segment_logsumexp(values: Tensor, sizes: Tensor) -> Tensor:
    """Take the logarithm of the sum of exponentials within segments, however large the values.

    Args:
        values: Shape (N, …).
        sizes: Rows in each segment, at least 1, int64, shape (B,).

    Returns:
        Shape (B, …), float32 (float64 stays so).

    Example:
        >>> segment_logsumexp(torch.tensor([1e9, -3.0]), torch.tensor([1, 1]))
        tensor([ 1.0000e+09, -3.0000e+00])
    """
    wide = at_least_single(values)
    largest = segment_max(wide.detach(), sizes)
    exponential = torch.exp(wide - largest[segment_index(sizes)])
    return largest + torch.log(segment_sum(exponential, sizes))


def padding_mask(sizes: Tensor) -> Tensor:
    """Tell which places of the padded form hold a row, bool, shape (B, longest).

    Example:
        >>> padding_mask(torch.tensor([2, 1]))
        tensor([[ True,  True],
                [ True, False]])
    """
    places = torch.arange(int(sizes.max()), device=sizes.device)
    return places < sizes.unsqueeze(1)


def pad_segments(values: Tensor, sizes: Tensor, *, fill: float) -> Tensor:
    """Lay segments side by side, the shorter ones filled up at their end.

    For what needs a segment as a row: sorting, or every pair of its members.

    Args:
        values: Shape (N, …).
        sizes: Rows in each segment, int64, shape (B,).
        fill: Stands where there is no row.

    Returns:
        Shape (B, longest, …).

    Example:
        >>> pad_segments(torch.tensor([1.0, 2.0, 4.0]), torch.tensor([2, 1]), fill=-9.0)
        tensor([[ 1.,  2.],
                [ 4., -9.]])
    """
    longest = int(sizes.max())
    flat = values.new_full((len(sizes) * longest, *values.shape[1:]), fill)
    flat = flat.index_copy(0, _padded_place(sizes), values)
    return flat.unflatten(0, (len(sizes), longest))


def unpad_segments(padded: Tensor, sizes: Tensor) -> Tensor:
    """Pack again what :func:`pad_segments` laid out.

    Args:
        padded: Shape (B, longest, …).
        sizes: Rows in each segment, int64, shape (B,).

    Returns:
        Shape (N, …).

    Example:
        >>> unpad_segments(torch.tensor([[1.0, 2.0], [4.0, -9.0]]), torch.tensor([2, 1]))
        tensor([1., 2., 4.])
    """
    return padded.flatten(0, 1).index_select(0, _padded_place(sizes))


def _padded_place(sizes: Tensor) -> Tensor:
    return segment_index(sizes) * int(sizes.max()) + _places(sizes)


def _places(sizes: Tensor) -> Tensor:
    starts = torch.cumsum(sizes, 0) - sizes
    index = segment_index(sizes)
    return torch.arange(len(index), device=sizes.device) - starts[index]
