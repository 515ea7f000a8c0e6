"""Temperatures: what a model's logits are divided by, for probabilities that are borne out."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import expit

from examwise.core.errors import InputError
from examwise.metrics.inputs import checked_labels, checked_scores
from examwise.training.thresholds import Judged

_LEAST_AGREEMENT = 2e-11
"""Sum over labels of logit / largest logit, counted towards the label: with less than this the
temperature is infinite but for rounding."""

_NO_WIDTH = 1e-300
"""Has the root found to the last digit, however near to zero."""

FEWEST_LABELS = 20
"""With fewer labels than this no temperature is fitted, unless told otherwise."""


def fit_temperature(
    logits: npt.ArrayLike, labels: npt.ArrayLike, *, minimum: int = FEWEST_LABELS
) -> float | None:
    """Return the temperature T under which labels are likeliest given sigmoid(logit / T).

    The negative log-likelihood is convex in 1/T, so that there is one minimum at most (Guo et
    al., 2017). Exams keep their order. There is no such temperature, above 0 and finite, where
    every logit has its label's sign (the smaller T the better), and where logits go against the
    labels or are zero (the larger the better).

    Args:
        logits: Shape (n,).
        labels: 1, 0 or NaN: missing, shape (n,).
        minimum: Fewest labels to fit by.

    Returns:
        T; None where there is no such temperature, fewer labels than ``minimum``, or one class
        only.

    Raises:
        InputError: If a label's logit is not finite, or a label is neither 0 nor 1.

    Example:
        >>> logits, labels = [2.0] * 4 + [-2.0] * 4, [1, 1, 1, 0, 0, 0, 0, 1]
        >>> round(fit_temperature(logits, labels, minimum=8), 4)  # 3 of 4 are right: log 3
        1.8205
    """
    present = ~np.isnan(np.asarray(labels, np.float64))
    values = checked_scores(np.asarray(logits)[present], name="logits")
    positive = checked_labels(np.asarray(labels)[present], len(values))
    if not np.isfinite(values).all():
        raise InputError(where="logits", expected="finite numbers", got="infinity")
    if len(values) < minimum or not 0 < positive.sum() < len(values):
        return None
    largest = np.abs(values).max()
    if largest == 0:
        return None
    toward = np.where(positive, values, -values) / largest

    agreement = math.fsum(toward)
    if agreement <= _LEAST_AGREEMENT or toward.min() >= 0:
        return None

    def slope(sharpness: float) -> float:
        """Twice the derivative of the negative log-likelihood by largest / T."""
        # The same in two forms: each loses its digits where the other keeps them.
        if sharpness < 1:
            return float((toward * np.tanh(sharpness * toward / 2)).sum()) - agreement
        return -2 * float((toward * expit(-sharpness * toward)).sum())

    upper = 1.0
    while slope(upper) < 0:
        upper *= 2
    return float(largest / brentq(slope, 0.0, upper, xtol=_NO_WIDTH, maxiter=500))


def fit_temperatures(
    findings: tuple[str, ...], result: Judged | None, *, minimum: int = FEWEST_LABELS
) -> dict[str, float | None]:
    """Return a temperature for each finding, None where none can be fitted.

    Args:
        findings: Columns of the result.
        result: A model on the validation exams; None where there are none.
        minimum: Fewest labels to fit by.

    Raises:
        InputError: As :func:`fit_temperature`.
    """
    if result is None:
        return dict.fromkeys(findings)
    return {
        finding: fit_temperature(
            result.logits[:, column], result.labels[:, column], minimum=minimum
        )
        for column, finding in enumerate(findings)
    }
