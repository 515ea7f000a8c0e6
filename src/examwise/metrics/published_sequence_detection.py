"""Detection of haemorrhage sequences as it was published (Teneggi, Yi and Sulam, 2023).

Kept to compare with published figures, under its own name, since it flatters and has quirks:

- its thresholds are fitted on the exams it then judges; of equally good ones it takes the highest;
- a predicted run that hits counts once for each true run it hits, and several that hit one true
  run count once: precision is hit true runs over these and the predicted runs that miss;
- 1e-8 is added to denominators;
- h-Shap gets the shortest length that attention was given, 2, not the 3 set for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from examwise.core.errors import InputError
from examwise.metrics.inputs import Floats, checked_scores
from examwise.metrics.roc import roc_curve
from examwise.metrics.sequence_detection import ExamCounts, detected_sequences

PUBLISHED_MIN_LENGTHS = {"slice_probability": 4, "attention_weight": 2, "hshap": 2}
"""Shortest predicted run that counts, by what scores slices, as the published program uses it."""

_GUARD = 1e-8

Cutoff = Literal["youden", "closest_to_corner"]


@dataclass(frozen=True)
class PublishedDetection:
    """What the published program says of one learner.

    Attributes:
        threshold: Fitted on the same exams.
        min_length: Shortest predicted run that counted.
        n_exams_scored: Exams with a true or a predicted run.
        n_true: True runs.
        n_hit: Of these, hit.
        n_predicted: Hit true runs and predicted runs that miss.
        mean_f1: Over the scored exams; NaN where there is none.
    """

    threshold: float
    min_length: int
    n_exams_scored: int
    n_true: int
    n_hit: int
    n_predicted: int
    mean_f1: float


def published_strong_detection(
    labels: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    exam: npt.ArrayLike,
    *,
    cutoff: Cutoff,
    offset: int = 0,
    min_length: int | None = None,
) -> PublishedDetection:
    """Judge a learner of slice labels by its slice probabilities.

    Args:
        labels: Slice labels, 0 or 1, shape (n,).
        probabilities: Of slices, shape (n,).
        exam: Number of each slice's exam, from 0 and not falling, shape (n,).
        cutoff: How the threshold is fitted on these slices.
        offset: Slices by which a top slice may miss a true run.
        min_length: Shortest predicted run that counts; the published 4 if None.

    Raises:
        InputError: If a class is absent, or slices are not in order.

    Example:
        >>> found = published_strong_detection(
        ...     [0, 1, 1, 0], [0.1, 0.8, 0.9, 0.2], [0] * 4, cutoff="youden", min_length=1)
        >>> found.threshold, found.n_hit, found.n_predicted
        (0.8, 1, 1)
    """
    values = checked_scores(probabilities)
    threshold = published_threshold(labels, values, cutoff=cutoff)
    length = PUBLISHED_MIN_LENGTHS["slice_probability"] if min_length is None else min_length
    counts = detected_sequences(
        labels, values >= threshold, values, exam, offset=offset, min_length=length
    )
    return _summary(counts, threshold, length)


def published_weak_detection(
    labels: npt.ArrayLike,
    values: npt.ArrayLike,
    exam: npt.ArrayLike,
    exam_labels: npt.ArrayLike,
    exam_probabilities: npt.ArrayLike,
    *,
    estimator: Literal["attention_weight", "hshap"],
    cutoff: Cutoff,
    offset: int = 0,
    min_length: int | None = None,
) -> PublishedDetection:
    """Judge a learner of exam labels: slices of at least an even share in exams called positive.

    Args:
        labels: Slice labels, 0 or 1, shape (n,).
        values: Attention weights, or h-Shap values, which are divided by their exam's sum,
            shape (n,).
        exam: Number of each slice's exam, from 0 and not falling, shape (n,).
        exam_labels: 0 or 1, shape (n_exams,).
        exam_probabilities: Shape (n_exams,).
        estimator: What the values are.
        cutoff: How the threshold on exam probabilities is fitted on these exams.
        offset: Slices by which a top slice may miss a true run.
        min_length: Shortest predicted run that counts; the published 2 if None.

    Raises:
        InputError: If a class is absent among the exams, or slices are not in order.

    Example:
        >>> found = published_weak_detection(
        ...     [0, 1, 1, 0, 0, 0], [0.1, 0.5, 0.4, 0.2, 0.5, 0.3], [0, 0, 0, 1, 1, 1], [1, 0],
        ...     [0.9, 0.1], estimator="attention_weight", cutoff="youden")
        >>> found.n_hit, found.n_predicted, round(found.mean_f1, 6)
        (1, 1, 1.0)
    """
    scores = checked_scores(values)
    owner = np.asarray(exam, dtype=np.int64)
    calls = checked_scores(exam_probabilities, name="exam_probabilities")
    threshold = published_threshold(exam_labels, calls, cutoff=cutoff)
    length = PUBLISHED_MIN_LENGTHS[estimator] if min_length is None else min_length
    shares = scores
    if estimator == "hshap":
        totals = np.bincount(owner, weights=scores)
        shares = scores / np.where(totals == 0, 1.0, totals)[owner]
    is_predicted = (shares >= 1 / np.bincount(owner)[owner]) & (calls >= threshold)[owner]
    counts = detected_sequences(
        labels, is_predicted, scores, owner, offset=offset, min_length=length
    )
    return _summary(counts, threshold, length)


def published_threshold(
    labels: npt.ArrayLike, probabilities: npt.ArrayLike, *, cutoff: Cutoff
) -> float:
    """Return the best threshold on the items themselves, the highest of equally good ones.

    Raises:
        InputError: If a class is absent.

    Example:
        >>> published_threshold([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.9], cutoff="youden")
        0.9
    """
    curve = roc_curve(labels, probabilities)
    if curve is None:
        raise InputError(
            where="labels", expected="positive and negative ones", got="one class only"
        )
    if cutoff == "youden":
        cost = curve.false_positive_rate - curve.true_positive_rate
    else:
        cost = np.hypot(curve.false_positive_rate, 1 - curve.true_positive_rate)
    return float(curve.thresholds[np.argmin(cost)])


def _summary(counts: ExamCounts, threshold: float, min_length: int) -> PublishedDetection:
    n_predicted = counts.n_hit + counts.n_predicted - counts.n_correct
    scored = (counts.n_true > 0) | (n_predicted > 0)
    f1 = _f1(counts.n_hit[scored], counts.n_true[scored], n_predicted[scored])
    return PublishedDetection(
        threshold=threshold,
        min_length=min_length,
        n_exams_scored=int(scored.sum()),
        n_true=int(counts.n_true.sum()),
        n_hit=int(counts.n_hit.sum()),
        n_predicted=int(n_predicted.sum()),
        mean_f1=float(f1.mean()) if len(f1) else float("nan"),
    )


def _f1(
    n_hit: npt.NDArray[np.int64], n_true: npt.NDArray[np.int64], n_predicted: npt.NDArray[np.int64]
) -> Floats:
    precision = n_hit / (n_predicted + _GUARD)
    recall = n_hit / (n_true + _GUARD)
    return np.asarray(2 * precision * recall / (precision + recall + _GUARD))
