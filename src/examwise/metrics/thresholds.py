"""Thresholds on probabilities, and what a threshold gives.

Thresholds belong on validation data; fitted on the exams they are judged by, they flatter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examwise.core.errors import InputError
from examwise.metrics.inputs import checked_labels, checked_scores
from examwise.metrics.roc import roc_curve


@dataclass(frozen=True)
class OperatingPoint:
    """What a threshold gives.

    Attributes:
        sensitivity: Share of positives found; None where there is no positive.
        specificity: Share of negatives let pass; None where there is no negative.
    """

    sensitivity: float | None
    specificity: float | None


def youden_threshold(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> float | None:
    """Return the threshold with the largest sensitivity + specificity - 1 (Youden, 1950).

    A threshold is one of the probabilities; positive means probability >= threshold. Of equally
    good ones the lowest is taken, since a missed finding weighs more than a false alarm.

    Args:
        labels: 0 or 1, shape (n,).
        probabilities: Between 0 and 1, shape (n,).

    Returns:
        The threshold, or None where one class is absent.

    Raises:
        InputError: On probabilities outside 0 to 1, or other input :func:`roc_curve` refuses.

    Example:
        >>> youden_threshold([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.9])
        0.4
    """
    curve = roc_curve(labels, checked_probabilities(probabilities))
    if curve is None:
        return None
    gain = curve.true_positive_rate - curve.false_positive_rate
    return _lowest_of_best(curve.thresholds, -gain)


def closest_to_corner_threshold(
    labels: npt.ArrayLike, probabilities: npt.ArrayLike
) -> float | None:
    """Return the threshold whose ROC point lies closest to (0, 1).

    Conventions and errors are those of :func:`youden_threshold`.

    Example:
        >>> closest_to_corner_threshold([0, 0, 1, 1], [0.1, 0.6, 0.7, 0.9])
        0.7
    """
    curve = roc_curve(labels, checked_probabilities(probabilities))
    if curve is None:
        return None
    distance = np.hypot(1 - curve.true_positive_rate, curve.false_positive_rate)
    return _lowest_of_best(curve.thresholds, distance)


def wanted_sensitivity_threshold(
    labels: npt.ArrayLike, probabilities: npt.ArrayLike, *, sensitivity: float
) -> float | None:
    """Return the highest threshold that finds at least so large a share of the positives.

    Of all thresholds with that sensitivity it is the one with the highest specificity. Other
    conventions and errors are those of :func:`youden_threshold`.

    Args:
        labels: 0 or 1, shape (n,).
        probabilities: Between 0 and 1, shape (n,).
        sensitivity: The share wanted, above 0 and up to 1.

    Example:
        >>> wanted_sensitivity_threshold([0, 1, 0, 1], [0.1, 0.6, 0.7, 0.9], sensitivity=0.8)
        0.6
    """
    if not 0 < sensitivity <= 1:
        raise InputError(where="sensitivity", expected="above 0 and up to 1", got=sensitivity)
    curve = roc_curve(labels, checked_probabilities(probabilities))
    if curve is None:
        return None
    reached = curve.true_positive_rate >= sensitivity - 1e-12
    return float(curve.thresholds[np.argmax(reached)])


def operating_point(
    labels: npt.ArrayLike, probabilities: npt.ArrayLike, threshold: float
) -> OperatingPoint:
    """Return sensitivity and specificity; positive means probability >= threshold.

    Args:
        labels: 0 or 1, shape (n,).
        probabilities: Between 0 and 1, shape (n,).
        threshold: Between 0 and 1.

    Raises:
        InputError: On values outside 0 to 1, or other labels than 0 and 1.

    Example:
        >>> operating_point([0, 1, 1], [0.2, 0.5, 0.4], 0.5)
        OperatingPoint(sensitivity=0.5, specificity=1.0)
    """
    if not 0 <= threshold <= 1:
        raise InputError(where="threshold", expected="a number from 0 to 1", got=threshold)
    values = checked_probabilities(probabilities)
    positive = checked_labels(labels, len(values))
    called = values >= threshold
    return OperatingPoint(
        float(called[positive].mean()) if positive.any() else None,
        float((~called[~positive]).mean()) if not positive.all() else None,
    )


def checked_probabilities(probabilities: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return probabilities as float64.

    Raises:
        InputError: If one is NaN or outside 0 to 1.

    Example:
        >>> checked_probabilities([0, 1])
        array([0., 1.])
    """
    values = checked_scores(probabilities, name="probabilities")
    if len(values) and not (values.min() >= 0 and values.max() <= 1):
        raise InputError(
            where="probabilities",
            expected="numbers from 0 to 1",
            got=f"{values.min():g} to {values.max():g}",
            remedy="pass logits through a sigmoid first",
        )
    return values


def _lowest_of_best(thresholds: npt.NDArray[np.float64], cost: npt.NDArray[np.float64]) -> float:
    # The first point calls nothing positive: no probability is a threshold for it. Rates are
    # ratios of whole numbers, so differences below the tolerance are rounding, not preference.
    cost = cost[1:]
    best = np.flatnonzero(cost <= cost.min() + 1e-12)
    return float(thresholds[1:][best[-1]])
