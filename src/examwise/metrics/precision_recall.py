"""Precision-recall curves, and the average precision of one sample and of many reweighted ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examwise.metrics.inputs import Floats, checked_labels, checked_scores, checked_weights

_ELEMENTS_AT_ONCE = 1 << 20
"""Weights gathered at once: small enough for a processor's cache, so that chunks run fast."""


@dataclass(frozen=True)
class PrecisionRecallCurve:
    """Operating points in the order of falling thresholds, from recall 0 to recall 1.

    Attributes:
        recall: Sensitivity, shape (n_points,).
        precision: Share of true positives among all called positive; 1 at recall 0 by convention,
            shape (n_points,).
        thresholds: Positive means score >= threshold; the first is infinite, shape (n_points,).
    """

    recall: Floats
    precision: Floats
    thresholds: Floats

    @property
    def average_precision(self) -> float:
        """Precision weighted by the recall that each point adds; no interpolation."""
        return float(np.sum(np.diff(self.recall) * self.precision[1:]))


def precision_recall_curve(
    labels: npt.ArrayLike, scores: npt.ArrayLike
) -> PrecisionRecallCurve | None:
    """Return the precision-recall curve, or None where there is no positive item.

    Items of equal score are called together.

    Args:
        labels: 0 or 1, shape (n,).
        scores: Higher means more likely positive, shape (n,).

    Raises:
        InputError: On a NaN score, a label other than 0 and 1, or unequal lengths.

    Example:
        >>> curve = precision_recall_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
        >>> curve.precision.round(3).tolist(), curve.recall.tolist()
        ([1.0, 1.0, 0.5, 0.667, 0.5], [0.0, 0.5, 0.5, 1.0, 1.0])
        >>> round(curve.average_precision, 3)
        0.833
    """
    values = checked_scores(scores)
    positive = checked_labels(labels, len(values))
    if not positive.any():
        return None
    order = np.argsort(-values, kind="stable")
    ordered = values[order]
    last_of_ties = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), len(ordered) - 1)
    hits = np.cumsum(positive[order])[last_of_ties]
    return PrecisionRecallCurve(
        recall=np.append(0.0, hits / hits[-1]),
        precision=np.append(1.0, hits / (last_of_ties + 1)),
        thresholds=np.append(np.inf, ordered[last_of_ties]),
    )


def average_precision(labels: npt.ArrayLike, scores: npt.ArrayLike) -> float | None:
    """Return the average precision, or None where one class is absent.

    Without a negative item it would be 1 whatever the scores, and tell nothing.

    Args:
        labels: 0 or 1, shape (n,).
        scores: Higher means more likely positive, shape (n,).

    Raises:
        InputError: On a NaN score, a label other than 0 and 1, or unequal lengths.

    Example:
        >>> round(average_precision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 3)
        0.833
        >>> average_precision([1, 1], [0.1, 0.4]) is None
        True
    """
    curve = precision_recall_curve(labels, scores)
    if curve is None or np.all(np.asarray(labels) == 1):
        return None
    return curve.average_precision


def average_precision_weighted(
    labels: npt.ArrayLike,
    scores: npt.ArrayLike,
    weights: npt.ArrayLike,
    *,
    columns: npt.ArrayLike | None = None,
) -> Floats:
    """Return the average precision of many reweighted samples, sorting once for all of them.

    An item of weight 2 counts like two equal items, which makes a bootstrap a matter of weights.

    Args:
        labels: 0 or 1, shape (n,).
        scores: Higher means more likely positive, shape (n,).
        weights: Not negative, shape (replicates, n), or (replicates, groups) with ``columns``.
        columns: The column of ``weights`` that holds each item's weight, shape (n,); item i has
            column i if None.

    Returns:
        Average precision by replicate, shape (replicates,); NaN where a class has no weight.

    Raises:
        InputError: On a NaN score, a label other than 0 and 1, a negative or NaN weight, or
            shapes that don't fit.

    Example:
        >>> weights = [[1, 1, 1], [3, 1, 1], [0, 1, 1]]
        >>> average_precision_weighted([0, 1, 1], [0.2, 0.1, 0.3], weights)
        array([0.83333333, 0.7       ,        nan])
    """
    values = checked_scores(scores)
    positive = checked_labels(labels, len(values))
    table, column = checked_weights(weights, columns, len(values))
    order = np.argsort(-values, kind="stable")
    ordered = values[order]
    last_of_ties = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), len(ordered) - 1)
    # Where each positive item's tie ends, and how many positive items have come by then.
    places = np.flatnonzero(positive[order])
    end = last_of_ties[np.searchsorted(last_of_ties, places)] if len(places) else places
    hits_by_end = np.searchsorted(places, end, side="right") - 1

    result = np.full(len(table), np.nan)
    step = max(1, _ELEMENTS_AT_ONCE // max(1, len(values)))
    for start in range(0, len(table), step):
        chunk = np.ascontiguousarray(table[start : start + step].T, dtype=np.float64)
        called = chunk[column[order]]
        of_positives = called[places]
        np.cumsum(called, axis=0, out=called)
        hits = np.cumsum(of_positives, axis=0)
        n_hits = hits[-1] if len(places) else np.zeros(chunk.shape[1])
        n_called = called[-1] if len(values) else np.zeros(chunk.shape[1])
        by_end = called[end]
        precision = np.divide(
            hits[hits_by_end], by_end, out=np.zeros_like(by_end), where=by_end > 0
        )
        total = np.einsum("pr,pr->r", of_positives, precision)
        usable = (n_hits > 0) & (n_called > n_hits)
        np.divide(total, n_hits, out=result[start : start + step], where=usable)
    return result
