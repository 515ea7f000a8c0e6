"""Whether probabilities mean what they say, beyond how well they rank."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import expit, log_expit

from examwise.core.errors import InputError
from examwise.metrics.clustered_share import checked_patients, normal_quantile
from examwise.metrics.inputs import Floats, Positives, checked_labels, checked_scores
from examwise.metrics.thresholds import checked_probabilities

_MOST_STEPS = 100
_SMALLEST_GAIN = 1e-13
_SMALLEST_INFORMATION = 1e-6
"""Exams' variances summed: below it, an interval of the intercept spans thousands of logits."""
_LARGEST_CONDITION = 1e12


@dataclass(frozen=True)
class Coefficient:
    """A coefficient of a logistic regression and its interval.

    Attributes:
        value: The coefficient; None where no finite one is the likeliest.
        lower: Lower limit; None likewise, and where patients tell nothing of the spread.
        upper: Upper limit; likewise.
    """

    value: float | None
    lower: float | None
    upper: float | None


NO_COEFFICIENT = Coefficient(None, None, None)


@dataclass(frozen=True)
class LogitCalibration:
    """Recalibration of a logit (Cox, 1958).

    Attributes:
        slope: Factor of the logit in a regression of the label on it; below 1 the logits are
            spread too far: too certain. None as well where the logits separate the classes.
        intercept: Constant beside the logit as it stands (slope 1); below 0 the probabilities are
            too high on the whole.
    """

    slope: Coefficient
    intercept: Coefficient


def brier_score(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> float | None:
    """Return the mean squared distance of probability and label (Brier, 1950); None without items.

    Args:
        labels: 0 or 1, shape (n,).
        probabilities: Between 0 and 1, shape (n,).

    Raises:
        InputError: On probabilities outside 0 to 1, or other labels than 0 and 1.

    Example:
        >>> round(brier_score([0, 1], [0.2, 0.6]), 3)
        0.1
    """
    values = checked_probabilities(probabilities)
    positive = checked_labels(labels, len(values))
    return float(np.mean((values - positive) ** 2)) if len(values) else None


def logit_calibration(
    labels: npt.ArrayLike, logits: npt.ArrayLike, patients: npt.ArrayLike, *, level: float = 0.95
) -> LogitCalibration:
    """Return calibration slope and calibration-in-the-large with intervals.

    Both are likeliest values of logistic regressions; intervals are of Wald's kind, with the
    sandwich variance that adds up a patient's exams before it squares (Liang and Zeger, 1986) and
    the factor m / (m - 1) for m patients. There is no interval where fitted probabilities are all
    so near 0 and 1 that the exams tell nothing of the coefficient, and no slope where a few exams
    lie so far from the others that double precision cannot tell these apart.

    Args:
        labels: 0 or 1, shape (n,).
        logits: Of the probability, finite, shape (n,).
        patients: Each exam's patient, shape (n,).
        level: Coverage aimed at, between 0 and 1.

    Raises:
        InputError: On NaN or infinite logits, other labels than 0 and 1, or unequal lengths.

    Example:
        >>> found = logit_calibration([0, 1, 0, 1], [-2.0, -2.0, 2.0, 2.0], range(4))
        >>> abs(round(found.slope.value, 6)), abs(round(found.intercept.value, 6))
        (0.0, 0.0)
        >>> logit_calibration([0, 1], [-1.0, 1.0], range(2)).slope.value is None
        True
    """
    values = checked_scores(logits, name="logits")
    if n_infinite := int(np.isinf(values).sum()):
        raise InputError(
            where="logits",
            expected="finite numbers",
            got=f"{n_infinite} infinite among {len(values)}",
            remedy="keep probabilities away from 0 and 1 before taking logits",
        )
    positive = checked_labels(labels, len(values))
    names = checked_patients(patients)
    if len(names) != len(values):
        raise InputError(where="patients", expected=f"{len(values)}", got=len(names))
    z = normal_quantile(level)
    if not positive.any() or positive.all():
        return LogitCalibration(NO_COEFFICIENT, NO_COEFFICIENT)
    _, groups = np.unique(names, return_inverse=True)
    return LogitCalibration(
        slope=_slope(positive, values, groups, z=z),
        intercept=_intercept(positive, values, groups, z=z),
    )


def _slope(
    positive: Positives, logits: Floats, groups: npt.NDArray[np.intp], *, z: float
) -> Coefficient:
    of_positives, of_negatives = logits[positive], logits[~positive]
    # Classes that a value of the logit separates, or only touch at it, have no likeliest slope
    # (Albert and Anderson, 1984); nor has a logit that is the same everywhere.
    separated = of_positives.min() >= of_negatives.max() or of_positives.max() <= of_negatives.min()
    spread = float(logits.std())
    if separated or spread == 0:
        return NO_COEFFICIENT
    # One unit of spread keeps Newton's steps of one size, whatever the logits' scale.
    design = np.column_stack([np.ones(len(logits)), (logits - logits.mean()) / spread])
    coefficients = _newton(design, positive)
    if coefficients is None:
        return NO_COEFFICIENT
    error = _standard_errors(design, positive, design @ coefficients, groups)
    return _with_limits(
        float(coefficients[1]) / spread, None if error is None else error[1] / spread, z=z
    )


def _intercept(
    positive: Positives, logits: Floats, groups: npt.NDArray[np.intp], *, z: float
) -> Coefficient:
    def excess(constant: float) -> float:
        return float(np.mean(expit(logits + constant) - positive))

    bound = float(np.abs(logits).max()) + math.log(len(logits)) + 1
    value = float(brentq(excess, -bound, bound, xtol=1e-12))
    design = np.ones((len(logits), 1))
    error = _standard_errors(design, positive, logits + value, groups)
    return _with_limits(value, None if error is None else error[0], z=z)


def _newton(design: Floats, positive: Positives) -> Floats | None:
    """Maximise the likelihood, which is concave: steps are halved until they gain.

    None where the next step cannot be told.
    """

    def likelihood(coefficients: Floats) -> float:
        signed = np.where(positive, 1.0, -1.0) * (design @ coefficients)
        return float(np.mean(log_expit(signed)))

    found = np.zeros(design.shape[1])
    reached = likelihood(found)
    for _ in range(_MOST_STEPS):
        probabilities = expit(design @ found)
        gradient = design.T @ (positive - probabilities)
        information = _information(design, probabilities)
        if not _can_be_inverted(information):
            return None
        step = np.linalg.solve(information, gradient)
        while (better := likelihood(found + step)) < reached and np.abs(step).max() > 1e-12:
            step = step / 2
        if better < reached:
            break
        found = found + step
        gain, reached = better - reached, better
        if gain <= _SMALLEST_GAIN and np.abs(step).max() <= 1e-8:
            break
    return np.asarray(found, dtype=np.float64)


def _information(design: Floats, probabilities: Floats) -> Floats:
    weights = probabilities * (1 - probabilities)
    return np.asarray(design.T @ (design * weights[:, None]), dtype=np.float64)


def _can_be_inverted(information: Floats) -> bool:
    return bool(
        np.trace(information) > _SMALLEST_INFORMATION
        and np.linalg.cond(information) < _LARGEST_CONDITION
    )


def _standard_errors(
    design: Floats, positive: Positives, logits: Floats, groups: npt.NDArray[np.intp]
) -> Floats | None:
    n_patients = int(groups.max()) + 1
    if n_patients < 2:
        return None
    probabilities = expit(logits)
    scores = design * (positive - probabilities)[:, None]
    summed = np.column_stack([np.bincount(groups, column) for column in scores.T])
    information = _information(design, probabilities)
    if not _can_be_inverted(information):
        return None
    bread = np.linalg.inv(information)
    variance = bread @ (summed.T @ summed) @ bread * (n_patients / (n_patients - 1))
    return np.asarray(np.sqrt(np.maximum(np.diag(variance), 0.0)), dtype=np.float64)


def _with_limits(value: float, error: float | None, *, z: float) -> Coefficient:
    if error is None or not error > 0:
        return Coefficient(value, None, None)
    return Coefficient(value, value - z * float(error), value + z * float(error))
