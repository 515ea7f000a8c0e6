"""Predictive values at a prevalence other than that of the exams at hand."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from examwise.core.errors import InputError
from examwise.metrics.clustered_share import NO_SHARE, Share, checked_patients, normal_quantile
from examwise.metrics.inputs import checked_labels


@dataclass(frozen=True)
class PredictiveValues:
    """What a call is worth.

    Attributes:
        positive: Share of true ones among exams called positive.
        negative: Share of true ones among exams called negative.
    """

    positive: Share
    negative: Share


@dataclass(frozen=True)
class _Rates:
    """Sensitivity and false-positive rate, and how they vary together over patients."""

    sensitivity: float
    false_positive_rate: float
    variance_sensitivity: float
    variance_false_positive_rate: float
    covariance: float


def predictive_values(
    labels: npt.ArrayLike,
    called: npt.ArrayLike,
    patients: npt.ArrayLike,
    *,
    prevalence: float,
    level: float = 0.95,
) -> PredictiveValues:
    """Return predictive values at a prevalence, from sensitivity and specificity (Bayes).

    Intervals are symmetric on the logit of the value, whose variance follows from those of
    sensitivity and specificity by the delta method (Mercaldo, Lau and Zhou, 2007), here with a
    patient's exams added up before their spread is looked at. Where sensitivity or specificity is
    0 or 1 the logit is infinite: the interval is then that of both counts with two successes and
    two failures more (about as Mercaldo's adjusted one), widened to hold the value itself.

    A value is missing where a class is absent, or at this threshold nothing would be called so.

    Args:
        labels: 0 or 1, shape (n,).
        called: 0 or 1: called positive, shape (n,).
        patients: Each exam's patient, shape (n,).
        prevalence: Share of positives among those to come, between 0 and 1.
        level: Coverage aimed at, between 0 and 1.

    Raises:
        InputError: On other values than 0 and 1, unequal lengths, or a prevalence or level
            outside 0 to 1.

    Example:
        >>> labels, called = [1] * 50 + [0] * 50, [1] * 45 + [0] * 5 + [1] * 10 + [0] * 40
        >>> found = predictive_values(labels, called, range(100), prevalence=0.1).positive
        >>> round(found.value, 3), round(found.lower, 3), round(found.upper, 3)
        (0.333, 0.222, 0.467)
    """
    if not 0 < prevalence < 1:
        raise InputError(where="prevalence", expected="a number between 0 and 1", got=prevalence)
    names = checked_patients(patients)
    positive = checked_labels(labels, len(names))
    calls = checked_labels(called, len(names))
    z = normal_quantile(level)
    if not positive.any() or positive.all():
        return PredictiveValues(NO_SHARE, NO_SHARE)
    found = _rates(positive, calls, names, added=0)
    rates = (found.sensitivity, found.false_positive_rate)
    on_the_edge = min(rates) == 0 or max(rates) == 1
    for_limits = _rates(positive, calls, names, added=2) if on_the_edge else found
    odds = float(logit(prevalence))
    return PredictiveValues(
        positive=_value(*rates, for_limits, odds, z=z),
        # The negative value asks of negatives what the positive one asks of positives.
        negative=_value(1 - rates[1], 1 - rates[0], _exchanged(for_limits), -odds, z=z),
    )


def _rates(
    positive: npt.NDArray[np.bool_],
    calls: npt.NDArray[np.bool_],
    names: npt.NDArray[np.generic],
    *,
    added: int,
) -> _Rates:
    _, groups = np.unique(names, return_inverse=True)
    n_patients = int(groups.max()) + 1
    found, residuals, ns, single = [], [], [], []
    for of_class in (positive, ~positive):
        own, hits = groups[of_class], calls[of_class]
        n = len(hits) + 2 * added
        rate = (hits.sum() + added) / n
        summed = np.bincount(own, hits - rate, minlength=n_patients)
        found.append(float(rate))
        residuals.append(summed / n)
        ns.append(n)
        single.append(float(rate * (1 - rate) / n))
    scale = n_patients / max(1, n_patients - 1)
    # Never less than exams of different patients would vary: a single patient, or all in
    # agreement, says nothing about the spread.
    variances = [
        max(alone, scale * float(np.sum(own**2)))
        for own, alone in zip(residuals, single, strict=True)
    ]
    if n_patients == len(names):
        variances = single
    together = scale * float(np.sum(residuals[0] * residuals[1]))
    return _Rates(found[0], found[1], variances[0], variances[1], together)


def _exchanged(rates: _Rates) -> _Rates:
    return _Rates(
        1 - rates.false_positive_rate,
        1 - rates.sensitivity,
        rates.variance_false_positive_rate,
        rates.variance_sensitivity,
        rates.covariance,
    )


def _value(hit: float, false: float, limits: _Rates, odds: float, *, z: float) -> Share:
    """Return the share of true ones among the called; ``hit`` and ``false`` say how many are."""
    if hit == 0 and false == 0:
        return NO_SHARE
    prior = float(expit(odds))
    value = hit * prior / (hit * prior + false * (1 - prior))
    center = math.log(limits.sensitivity) - math.log(limits.false_positive_rate) + odds
    variance = (
        limits.variance_sensitivity / limits.sensitivity**2
        + limits.variance_false_positive_rate / limits.false_positive_rate**2
        - 2 * limits.covariance / (limits.sensitivity * limits.false_positive_rate)
    )
    half = z * math.sqrt(max(0.0, variance))
    lower, upper = float(expit(center - half)), float(expit(center + half))
    return Share(value, min(lower, value), max(upper, value))
