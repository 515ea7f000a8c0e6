"""Precision-recall curves, and the average precision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examwise.metrics.inputs import Floats, checked_labels, checked_scores


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
