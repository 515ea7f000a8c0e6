"""Temperatures: what a model's logits are divided by, for probabilities that are borne out."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import expit

from examwise.core.errors import InputError
from examwise.metrics.inputs import checked_labels, checked_scores

FEWEST_LABELS = 20
"""With fewer labels than this no temperature is fitted, unless told otherwise."""


class ValidatedExams(Protocol):
    """What a model says of labelled exams."""

    @property
    def exam_logits(self) -> npt.NDArray[np.floating]:
        """Shape (exams, findings)."""
        ...

    @property
    def labels(self) -> npt.NDArray[np.floating]:
        """1, 0 or NaN: missing, shape (exams, findings)."""
        ...


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

    def slope(sharpness: float) -> float:
        """Derivative of the negative log-likelihood by largest / T."""
        return -float((toward * expit(-sharpness * toward)).sum())

    if slope(0.0) >= 0 or toward.min() >= 0:
        return None
    upper = 1.0
    while slope(upper) < 0:
        upper *= 2
    return float(largest / brentq(slope, 0.0, upper, xtol=1e-12 * upper))


def fit_temperatures(
    findings: tuple[str, ...], result: ValidatedExams | None, *, minimum: int = FEWEST_LABELS
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
            result.exam_logits[:, column], result.labels[:, column], minimum=minimum
        )
        for column, finding in enumerate(findings)
    }
