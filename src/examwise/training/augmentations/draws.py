"""Random numbers of a batch's slices, as functions of seed, step, exam and slice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from torch import Tensor

from examwise.core.randomness import generator

Numbers = npt.NDArray[np.float64]


def draw_per_exam(
    exam_ids: Sequence[str], bag_sizes: Tensor, *, seed: int, step: int, n: int
) -> Numbers:
    """Draw numbers from 0 to below 1, the same for all slices of an exam.

    Args:
        exam_ids: Exam of each bag.
        bag_sizes: Slices in each bag, shape (B,); they sum to N.
        seed: The run's seed.
        step: The optimiser step.
        n: How many.

    Returns:
        Shape (N, n).
    """
    drawn = [generator(seed, "augmentation", step, exam_id).random(n) for exam_id in exam_ids]
    return np.repeat(np.reshape(drawn, (-1, n)), bag_sizes.tolist(), axis=0)


def draw_per_slice(
    exam_ids: Sequence[str],
    bag_sizes: Tensor,
    *,
    seed: int,
    step: int,
    n: int,
    slice_index: Tensor | None = None,
) -> Numbers:
    """Draw numbers from 0 to below 1, for each slice its own.

    Args:
        exam_ids: Exam of each bag.
        bag_sizes: Slices in each bag, shape (B,); they sum to N.
        seed: The run's seed.
        step: The optimiser step.
        n: How many for each slice.
        slice_index: Place of each slice in its exam, shape (N,); its place in the bag if None.

    Returns:
        Shape (N, n).
    """
    places = places_in_bags(bag_sizes) if slice_index is None else slice_index.cpu().numpy()
    drawn, start = [np.empty((0, n))], 0
    for exam_id, size in zip(exam_ids, bag_sizes.tolist(), strict=True):
        mine = places[start : start + size]
        # A row is the same however many follow it.
        stream = generator(seed, "augmentation", step, exam_id, "slices")
        table = stream.random((int(mine.max(initial=-1)) + 1, n))
        drawn.append(table[mine])
        start += size
    return np.concatenate(drawn)


def places_in_bags(bag_sizes: Tensor) -> npt.NDArray[np.int64]:
    """Return each slice's place in its bag, shape (N,).

    Example:
        >>> import torch
        >>> places_in_bags(torch.tensor([2, 3])).tolist()
        [0, 1, 0, 1, 2]
    """
    return np.concatenate(
        [np.empty(0, np.int64), *(np.arange(size) for size in bag_sizes.tolist())]
    )


def between(drawn: Numbers, low: float, high: float) -> Numbers:
    """Map numbers from 0 … 1 to low … high.

    Example:
        >>> between(np.array([0.0, 0.5]), 4.0, 7.0).tolist()
        [4.0, 5.5]
    """
    return low + drawn * (high - low)


def whole_between(drawn: Numbers, low: int, high: int) -> npt.NDArray[np.int64]:
    """Map numbers from 0 to below 1 to whole ones, low and high among them, alike likely.

    Example:
        >>> whole_between(np.array([0.0, 0.5, 0.99]), 3, 5).tolist()
        [3, 4, 5]
    """
    return low + np.floor(drawn * (high - low + 1)).astype(np.int64)
