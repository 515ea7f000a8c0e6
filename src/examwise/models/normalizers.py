"""Normalizers that give slices a weight of exactly zero, within the segments of a packed tensor."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import entmax
import torch
from torch import Tensor

from examwise.models.segments import (
    at_least_single,
    pad_segments,
    segment_index,
    segment_max,
    segment_sum,
    unpad_segments,
)

Normalizer = Callable[[Tensor, Tensor], Tensor]
"""Logits, shape (N,), and sizes, shape (B,), to weights that sum to one over each segment."""

_FAR = -4.0
"""Relative to a segment's largest logit. Both functions give nothing to what lies 2 or more below
the largest, so that neither the fill nor a logit moved up to here changes a weight."""


def segment_sparsemax(logits: Tensor, sizes: Tensor) -> Tensor:
    """Project logits onto the simplex within each segment.

    Martins and Astudillo, From softmax to sparsemax, 2016.

    Args:
        logits: Shape (N,).
        sizes: Rows in each segment, at least 1, int64, shape (B,).

    Returns:
        float32 (float64 stays so), shape (N,).

    Example:
        >>> segment_sparsemax(torch.tensor([1.0, 0.5, -1.0, -7.0]), torch.tensor([3, 1]))
        tensor([0.7500, 0.2500, 0.0000, 1.0000])
    """
    return _normalized(
        entmax.sparsemax_bisect if _needs_bisection() else entmax.sparsemax, logits, sizes
    )


def segment_entmax15(logits: Tensor, sizes: Tensor) -> Tensor:
    """Normalise by entmax with α = 1.5, half-way between softmax and sparsemax.

    Peters, Niculae and Martins, Sparse sequence-to-sequence models, 2019.

    Args:
        logits: Shape (N,).
        sizes: Rows in each segment, at least 1, int64, shape (B,).

    Returns:
        float32 (float64 stays so), shape (N,).

    Example:
        >>> segment_entmax15(torch.tensor([1.0, 1.0, -1.0, -7.0]), torch.tensor([3, 1]))
        tensor([0.5000, 0.5000, 0.0000, 1.0000])
    """
    return _normalized(
        partial(entmax.entmax_bisect, alpha=1.5) if _needs_bisection() else entmax.entmax15,
        logits,
        sizes,
    )


def _needs_bisection() -> bool:
    # The exact search takes a cumulative sum, which is refused on GPUs where every algorithm is to
    # be deterministic; halving comes as close as the precision allows.
    return torch.are_deterministic_algorithms_enabled()


def _normalized(function: Callable[..., Tensor], logits: Tensor, sizes: Tensor) -> Tensor:
    wide = at_least_single(logits)
    index = segment_index(sizes)
    below = (wide - segment_max(wide.detach(), sizes)[index]).clamp(min=_FAR)
    # A search for a threshold among what is not a number fails, on a GPU with all that runs there;
    # the weights of such a bag come out as no numbers either, and the loss tells.
    wrong = below.isnan()
    padded = pad_segments(below.masked_fill(wrong, 0.0), sizes, fill=_FAR)
    weights = unpad_segments(function(padded, dim=1), sizes).masked_fill(wrong, float("nan"))
    # The threshold of a long segment comes out of a long cumulative sum.
    return weights / segment_sum(weights, sizes)[index]
