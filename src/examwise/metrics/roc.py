"""ROC curves and the areas under them, for one sample and for many reweighted ones at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examwise.metrics.inputs import Floats, checked_labels, checked_scores, checked_weights

_ELEMENTS_AT_ONCE = 1 << 20
"""Weights gathered at once: small enough for a processor's cache, so that chunks run fast."""


@dataclass(frozen=True)
class RocCurve:
    """Operating points in the order of falling thresholds, from (0, 0) to (1, 1).

    Attributes:
        false_positive_rate: 1 - specificity, shape (n_points,).
        true_positive_rate: Sensitivity, shape (n_points,).
        thresholds: Positive means score >= threshold; the first is infinite, shape (n_points,).
    """

    false_positive_rate: Floats
    true_positive_rate: Floats
    thresholds: Floats


def roc_curve(
    labels: npt.ArrayLike, scores: npt.ArrayLike, *, corners_only: bool = False
) -> RocCurve | None:
    """Return the ROC curve, or None where one class is absent.

    Args:
        labels: 0 or 1, shape (n,).
        scores: Higher means more likely positive, shape (n,).
        corners_only: Leave out points on the straight line between their neighbours; the curve
            and its area stay the same.

    Raises:
        InputError: On a NaN score, a label other than 0 and 1, or unequal lengths.

    Example:
        >>> curve = roc_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
        >>> curve.false_positive_rate.tolist(), curve.true_positive_rate.tolist()
        ([0.0, 0.0, 0.5, 0.5, 1.0], [0.0, 0.5, 0.5, 1.0, 1.0])
    """
    values = checked_scores(scores)
    positive = checked_labels(labels, len(values))
    n_positive = int(positive.sum())
    n_negative = len(values) - n_positive
    if n_positive == 0 or n_negative == 0:
        return None
    order = np.argsort(-values, kind="stable")
    ordered = values[order]
    last_of_ties = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), len(ordered) - 1)
    hits = np.append(0, np.cumsum(positive[order])[last_of_ties])
    false_alarms = np.append(0, last_of_ties + 1) - hits
    thresholds = np.append(np.inf, ordered[last_of_ties])
    if corners_only:
        keep = np.ones(len(hits), dtype=np.bool_)
        # Whole numbers, so that the cross product of two steps on one line is exactly zero.
        up, right = np.diff(hits), np.diff(false_alarms)
        keep[1:-1] = up[:-1] * right[1:] != up[1:] * right[:-1]
        hits, false_alarms, thresholds = hits[keep], false_alarms[keep], thresholds[keep]
    return RocCurve(false_alarms / n_negative, hits / n_positive, thresholds)


def roc_auc(labels: npt.ArrayLike, scores: npt.ArrayLike) -> float | None:
    """Return the area under the ROC curve, or None where one class is absent.

    It is the share of (positive, negative) pairs in which the positive item scores higher, ties
    counted half (Hanley and McNeil, 1982).

    Args:
        labels: 0 or 1, shape (n,).
        scores: Higher means more likely positive, shape (n,).

    Raises:
        InputError: On a NaN score, a label other than 0 and 1, or unequal lengths.

    Example:
        >>> roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
        0.75
        >>> roc_auc([1, 1], [0.1, 0.4]) is None
        True
    """
    values = checked_scores(scores)
    positive = checked_labels(labels, len(values))
    if not positive.any() or positive.all():
        return None
    return float(roc_auc_weighted(positive, values, np.ones((1, len(values))))[0])


def roc_auc_weighted(
    labels: npt.ArrayLike,
    scores: npt.ArrayLike,
    weights: npt.ArrayLike,
    *,
    columns: npt.ArrayLike | None = None,
) -> Floats:
    """Return the AUC of many reweighted samples, sorting once for all of them.

    An item of weight 2 counts like two equal items, which makes a bootstrap a matter of weights.

    Args:
        labels: 0 or 1, shape (n,).
        scores: Higher means more likely positive, shape (n,).
        weights: Not negative, shape (replicates, n), or (replicates, groups) with ``columns``.
        columns: The column of ``weights`` that holds each item's weight, shape (n,); item i has
            column i if None. Saves memory where the items of a patient share a weight.

    Returns:
        AUC by replicate, shape (replicates,); NaN where a class has no weight.

    Raises:
        InputError: On a NaN score, a label other than 0 and 1, a negative or NaN weight, or
            shapes that don't fit.

    Example:
        >>> roc_auc_weighted([0, 1, 1], [0.2, 0.1, 0.3], [[1, 1, 1], [1, 2, 1], [0, 1, 1]])
        array([0.5       , 0.33333333,        nan])
    """
    values = checked_scores(scores)
    positive = checked_labels(labels, len(values))
    table, column = checked_weights(weights, columns, len(values))
    negatives = np.flatnonzero(~positive)
    negatives = negatives[np.argsort(values[negatives], kind="stable")]
    positives = np.flatnonzero(positive)
    below = np.searchsorted(values[negatives], values[positives], side="left")
    not_above = np.searchsorted(values[negatives], values[positives], side="right")

    result = np.full(len(table), np.nan)
    step = max(1, _ELEMENTS_AT_ONCE // max(1, len(values)))
    for start in range(0, len(table), step):
        # Replicates run along the last axis: an item's weights lie together in memory.
        chunk = np.ascontiguousarray(table[start : start + step].T, dtype=np.float64)
        of_positives = chunk[column[positives]]
        passed = np.zeros((len(negatives) + 1, chunk.shape[1]))
        np.cumsum(chunk[column[negatives]], axis=0, out=passed[1:])
        # A positive item beats all below it, and half of those that tie with it.
        won = 0.5 * (passed[below] + passed[not_above])
        pairs = of_positives.sum(axis=0) * passed[-1]
        won_pairs = np.einsum("pr,pr->r", of_positives, won)
        np.divide(won_pairs, pairs, out=result[start : start + step], where=pairs > 0)
    return result
