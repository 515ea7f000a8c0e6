"""Free-response analysis (FROC) along an exam's slices: marks with a rating (Chakraborty, 1989).

A mark that lies in a true run finds it; a second mark in it is no error; every other mark is a
false positive.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examwise.core.errors import InputError
from examwise.metrics.inputs import Floats, checked_labels, checked_scores
from examwise.metrics.runs import Whole, find_runs

RATES = tuple(2.0 ** (step / 2) for step in range(-10, 7))
"""False positives per exam that curves are given at: 1/32 to 8, two to a doubling."""


@dataclass(frozen=True)
class FreeResponse:
    """How true runs and false marks are rated.

    Attributes:
        true_exam: Number of each true run's exam, shape (n_true,).
        true_rating: The highest rating of a mark in each true run, minus infinity where there is
            none, shape (n_true,).
        false_rating: Ratings of marks in no true run, falling, shape (n_false,).
        n_exams: All exams, with and without true runs.
    """

    true_exam: Whole
    true_rating: Floats
    false_rating: Floats
    n_exams: int

    @property
    def largest_rate(self) -> float:
        """False positives per exam where every mark counts."""
        return len(self.false_rating) / self.n_exams

    def is_found(self, rate: float) -> npt.NDArray[np.bool_]:
        """Return which true runs are found with at most so many false positives per exam.

        Marks of equal rating count together or not at all.

        Args:
            rate: False positives per exam.
        """
        allowed = int(rate * self.n_exams + 1e-9)
        if allowed >= len(self.false_rating):
            return np.asarray(self.true_rating > -np.inf)
        return np.asarray(self.true_rating > self.false_rating[allowed])


def free_response(
    labels: npt.ArrayLike,
    ratings: npt.ArrayLike,
    exam: npt.ArrayLike,
    marks: npt.ArrayLike,
    slice_index: npt.ArrayLike | None = None,
) -> FreeResponse:
    """Sort marks into those that find a true run and those that find nothing.

    Args:
        labels: 0 or 1, shape (n,).
        ratings: Comparable over exams, shape (n,).
        exam: Number of each slice's exam, from 0 and not falling, shape (n,).
        marks: Which slices are marked, shape (n,).
        slice_index: Each slice's place in its exam, as in
            :func:`~examwise.metrics.runs.find_runs`: a true run ends where slices are missing.

    Raises:
        InputError: If there is no slice, a rating is NaN, a label neither 0 nor 1, or shapes
            differ.

    Example:
        >>> found = free_response([0, 1, 1, 0, 0], [1, 5, 4, 2, 3], [0, 0, 0, 0, 1], [1] * 5)
        >>> found.true_rating.tolist(), found.false_rating.tolist(), found.n_exams
        ([5.0], [3.0, 2.0, 1.0], 2)
        >>> found.is_found(0.5).tolist()
        [True]
    """
    values = checked_scores(ratings, name="ratings")
    positive = checked_labels(labels, len(values))
    marked = np.asarray(marks, dtype=np.bool_)
    owner = np.asarray(exam, dtype=np.int64)
    if marked.shape != values.shape or not len(values):
        raise InputError(
            where="marks",
            expected="one for each of one or more slices",
            got=f"shapes {marked.shape} and {values.shape}",
        )
    true = find_runs(positive, owner, slice_index)
    best = np.empty(0)
    if len(true):
        inside = np.where(marked, values, -np.inf)[positive]
        best = np.maximum.reduceat(inside, np.cumsum(true.length) - true.length)
    return FreeResponse(
        true_exam=true.exam,
        true_rating=best,
        false_rating=-np.sort(-values[marked & ~positive]),
        n_exams=len(np.unique(owner)),
    )


def marked_slices(
    scores: npt.ArrayLike,
    exam: npt.ArrayLike,
    slice_index: npt.ArrayLike | None = None,
    *,
    reach: int = 2,
) -> npt.NDArray[np.bool_]:
    """Mark each slice that scores highest among its neighbours, the first of equal ones.

    Slices of one bleed score alike; without this every one of them would be a mark.

    Args:
        scores: Of each slice, shape (n,).
        exam: Number of each slice's exam, not falling, shape (n,).
        slice_index: Each slice's place in its exam, rising within an exam, shape (n,); without,
            none is missing.
        reach: Slices to either side that a mark stands for.

    Example:
        >>> marked_slices([1, 3, 2, 0, 0, 2], [0, 0, 0, 0, 0, 0]).tolist()
        [False, True, False, False, False, True]
    """
    values = checked_scores(scores)
    owner = np.asarray(exam, dtype=np.int64)
    index = np.arange(len(owner)) if slice_index is None else np.asarray(slice_index, np.int64)
    marks = np.ones(len(values), dtype=np.bool_)
    for step in range(1, reach + 1):
        together = (owner[step:] == owner[:-step]) & (index[step:] - index[:-step] <= reach)
        marks[step:] &= ~together | (values[step:] > values[:-step])
        marks[:-step] &= ~together | (values[:-step] >= values[step:])
    return marks
