"""Runs of positive slices: what a reader would call one stretch of a finding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examwise.core.errors import InputError

Whole = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Runs:
    """Longest stretches of neighbouring positive slices, exam after exam.

    Attributes:
        exam: Number of each run's exam, rising, shape (n_runs,).
        first: Index of its first slice, shape (n_runs,).
        length: Its slices, shape (n_runs,).
        start: Where it begins in the arrays of slices, shape (n_runs,).
    """

    exam: Whole
    first: Whole
    length: Whole
    start: Whole

    @property
    def last(self) -> Whole:
        """Index of each run's last slice, shape (n_runs,)."""
        return self.first + self.length - 1

    def __len__(self) -> int:
        """Return the number of runs."""
        return len(self.exam)


def find_runs(
    is_positive: npt.ArrayLike, exam: npt.ArrayLike, slice_index: npt.ArrayLike | None = None
) -> Runs:
    """Return the maximal runs of positive slices.

    A run ends with its exam, and where slices are missing between two positive ones.

    Args:
        is_positive: Of each slice, shape (n,).
        exam: Number of each slice's exam, not falling, shape (n,).
        slice_index: Each slice's place in its exam, rising within an exam, shape (n,); counted
            from 0 in the order given if None.

    Raises:
        InputError: If shapes differ or slices are not in order.

    Example:
        >>> runs = find_runs([1, 1, 0, 1, 1], [0, 0, 0, 0, 1])
        >>> runs.exam.tolist(), runs.first.tolist(), runs.length.tolist()
        ([0, 0, 1], [0, 3, 0], [2, 1, 1])
    """
    positive = np.asarray(is_positive, dtype=np.bool_)
    owner = np.asarray(exam, dtype=np.int64)
    if slice_index is None:
        index = np.arange(len(owner)) - np.searchsorted(owner, owner)
    else:
        index = np.asarray(slice_index, dtype=np.int64)
    step = np.diff(owner)
    in_order = positive.shape == owner.shape == index.shape and bool(
        np.all((step > 0) | ((step == 0) & (np.diff(index) > 0)))
    )
    if not in_order:
        raise InputError(
            where="slices",
            expected="exam after exam, slices of an exam in order, arrays of one shape",
            got=f"shapes {positive.shape}, {owner.shape} and {index.shape}, or another order",
            remedy="sort by exam and slice_index",
        )
    place = np.flatnonzero(positive)
    if not len(place):
        return Runs(place, place, place, place)
    goes_on = (np.diff(owner[place]) == 0) & (np.diff(index[place]) == 1)
    begins = np.flatnonzero(np.concatenate(([True], ~goes_on)))
    start = place[begins]
    length = np.diff(np.append(begins, len(place)))
    return Runs(owner[start], index[start], length, start)


def top_slices(runs: Runs, scores: npt.ArrayLike) -> Whole:
    """Return the index of each run's highest slice, the first of equal ones, shape (n_runs,).

    Args:
        runs: Runs of the slices.
        scores: Of all slices that runs were found in, shape (n,).

    Example:
        >>> top_slices(find_runs([1, 1, 0, 1, 1], [0] * 5), [0.6, 0.7, 0.1, 0.9, 0.9]).tolist()
        [1, 3]
    """
    values = np.asarray(scores, dtype=np.float64)
    if not len(runs):
        return runs.first
    ends = np.cumsum(runs.length)
    begins = ends - runs.length
    step = np.arange(ends[-1]) - np.repeat(begins, runs.length)
    inside = values[np.repeat(runs.start, runs.length) + step]
    highest = np.repeat(np.maximum.reduceat(inside, begins), runs.length)
    never = int(runs.length.max())
    return runs.first + np.minimum.reduceat(np.where(inside == highest, step, never), begins)
