"""Whether runs of positive slices are found (after Teneggi, Yi and Sulam, 2023).

A predicted run hits a true one where its top slice, the highest by score, lies within it, or
misses it by no more than an offset. Here a predicted run is one prediction however many true runs
it hits; :mod:`examwise.metrics.published_sequence_detection` counts as the published program does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examwise.core.errors import InputError
from examwise.metrics.inputs import Floats
from examwise.metrics.runs import Runs, Whole, find_runs, top_slices


@dataclass(frozen=True)
class MatchedRuns:
    """True and predicted runs, and which of them meet at an offset.

    Attributes:
        n_exams: Exams, numbered from 0.
        true: Runs of positive slices.
        predicted: Predicted runs of any length.
        is_hit_by: Length of the longest predicted run that hits each true run, 0 where none does,
            shape (n_true,).
        hits: Whether each predicted run hits, shape (n_predicted,).
    """

    n_exams: int
    true: Runs
    predicted: Runs
    is_hit_by: Whole
    hits: npt.NDArray[np.bool_]

    def counts(self, min_length: int) -> ExamCounts:
        """Return what each exam comes to where shorter predicted runs don't count."""
        counted = self.predicted.length >= min_length
        return ExamCounts(
            n_true=np.bincount(self.true.exam, minlength=self.n_exams),
            n_hit=np.bincount(self.true.exam[self.is_hit_by >= min_length], minlength=self.n_exams),
            n_predicted=np.bincount(self.predicted.exam[counted], minlength=self.n_exams),
            n_correct=np.bincount(self.predicted.exam[counted & self.hits], minlength=self.n_exams),
        )


@dataclass(frozen=True)
class ExamCounts:
    """Runs of each exam, all of shape (n_exams,).

    Attributes:
        n_true: True runs.
        n_hit: Of these, hit.
        n_predicted: Predicted runs.
        n_correct: Of these, such as hit.
    """

    n_true: Whole
    n_hit: Whole
    n_predicted: Whole
    n_correct: Whole

    def f1(self) -> Floats:
        """Return each exam's f1; NaN for exams with neither a true nor a predicted run.

        Example:
            >>> one = np.array([2, 0, 0])
            >>> ExamCounts(one, one // 2, np.array([1, 1, 0]), one // 2).f1().round(3)
            array([0.667, 0.   ,   nan])
        """
        nothing = (self.n_true == 0) & (self.n_predicted == 0)
        recall = self.n_hit / np.maximum(self.n_true, 1)
        precision = self.n_correct / np.maximum(self.n_predicted, 1)
        # A run is hit only by one that hits, so that both are 0 or neither is.
        both = np.where(recall + precision > 0, recall + precision, 1.0)
        return np.where(nothing, np.nan, 2 * recall * precision / both)


def match_runs(
    true: Runs, predicted: Runs, tops: npt.ArrayLike, *, offset: int, n_exams: int
) -> MatchedRuns:
    """Find which predicted runs hit, and which true runs are hit.

    Args:
        true: Runs of positive slices.
        predicted: Predicted runs.
        tops: Index of each predicted run's top slice, shape (n_predicted,).
        offset: Slices by which a top slice may miss a true run.
        n_exams: Exams, numbered from 0.

    Raises:
        InputError: If the offset is negative.

    Example:
        >>> exam = [0] * 6
        >>> true = find_runs([0, 1, 1, 0, 0, 0], exam)
        >>> predicted = find_runs([0, 0, 1, 1, 0, 1], exam)
        >>> tops = top_slices(predicted, [0, 0, 0.5, 0.9, 0, 0.8])
        >>> match_runs(true, predicted, tops, offset=0, n_exams=1).hits.tolist()
        [False, False]
        >>> match_runs(true, predicted, tops, offset=1, n_exams=1).hits.tolist()
        [True, False]
    """
    if offset < 0:
        raise InputError(where="offset", expected="a number of slices, 0 or more", got=offset)
    top = np.asarray(tops, dtype=np.int64)
    last = max(int(part.max()) if len(part) else 0 for part in (top, true.last))
    # Far enough apart that no offset reaches from one exam into the next.
    stride = last + 2 * offset + 2
    begins = true.exam * stride + true.first + offset
    ends = begins + true.length - 1
    at = predicted.exam * stride + top + offset
    # True runs don't overlap: those that begin early enough, less those that end too early.
    hits = np.searchsorted(begins, at + offset, side="right") > np.searchsorted(ends, at - offset)
    low = np.searchsorted(at, begins - offset)
    high = np.searchsorted(at, ends + offset, side="right")
    is_hit_by = np.zeros(len(true), dtype=np.int64)
    found = low < high
    if found.any():
        bounds = np.column_stack([low[found], high[found]]).ravel()
        lengths = np.append(predicted.length, 0)
        is_hit_by[found] = np.maximum.reduceat(lengths, bounds)[::2]
    return MatchedRuns(n_exams, true, predicted, is_hit_by, np.asarray(hits, dtype=np.bool_))


def detected_sequences(
    labels: npt.ArrayLike,
    is_predicted: npt.ArrayLike,
    scores: npt.ArrayLike,
    exam: npt.ArrayLike,
    *,
    offset: int = 0,
    min_length: int = 1,
) -> ExamCounts:
    """Return each exam's true, hit, predicted and correct runs.

    Args:
        labels: 0 or 1, shape (n,).
        is_predicted: Whether each slice is called positive, shape (n,).
        scores: What makes a slice of a predicted run its top slice, shape (n,).
        exam: Number of each slice's exam, from 0 and not falling, shape (n,).
        offset: Slices by which a top slice may miss a true run.
        min_length: Shortest predicted run that counts.

    Example:
        >>> counts = detected_sequences([0, 1, 1, 0, 1], [0, 1, 1, 0, 0], [0, 1, 2, 0, 0], [0] * 5)
        >>> counts.n_true.tolist(), counts.n_hit.tolist(), counts.n_predicted.tolist()
        ([2], [1], [1])
    """
    owner = np.asarray(exam, dtype=np.int64)
    predicted = find_runs(is_predicted, owner)
    matched = match_runs(
        find_runs(np.asarray(labels) == 1, owner),
        predicted,
        top_slices(predicted, scores),
        offset=offset,
        n_exams=int(owner.max()) + 1 if len(owner) else 0,
    )
    return matched.counts(min_length)


def shares_of_exam(values: npt.ArrayLike, exam: npt.ArrayLike) -> Floats:
    """Return which share of its exam's total each slice has; values below 0 count as 0.

    Args:
        values: Of each slice, shape (n,).
        exam: Number of each slice's exam, from 0, shape (n,).

    Returns:
        Shares, shape (n,), that sum to one over an exam; 0 in exams without a value above 0.

    Example:
        >>> shares_of_exam([1.0, 3.0, -1.0, 0.0], [0, 0, 1, 1]).tolist()
        [0.25, 0.75, 0.0, 0.0]
    """
    parts = np.maximum(np.asarray(values, dtype=np.float64), 0.0)
    owner = np.asarray(exam, dtype=np.int64)
    totals = np.bincount(owner, weights=parts)
    return np.asarray(parts / np.where(totals > 0, totals, 1.0)[owner])


def is_above_even_share(shares: npt.ArrayLike, exam: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Return whether slices have at least the share that each would have were all alike.

    A share short of it by a millionth is rounding and counts, so that an exam whose slices are
    all alike is one run, whatever its length.

    Args:
        shares: Of each slice, shape (n,).
        exam: Number of each slice's exam, from 0, shape (n,).

    Example:
        >>> is_above_even_share([0.5, 0.3, 0.2], [0, 0, 0]).tolist()
        [True, False, False]
    """
    owner = np.asarray(exam, dtype=np.int64)
    n_slices = np.bincount(owner)[owner]
    return np.asarray(np.asarray(shares) * n_slices >= 1 - 1e-6)
