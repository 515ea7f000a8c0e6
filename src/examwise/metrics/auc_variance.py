"""AUCs of scores on the same items with their covariance, patients kept together.

Where every patient has one item the covariance is DeLong's (1988), else Obuchowski's (1997), which
adds up a patient's items before it looks at their spread. The first is the second with groups of
one. Both take O(n log n) by ranks (Sun and Xu, 2014).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit, ndtr, ndtri

from examwise.core.errors import InputError
from examwise.metrics.inputs import Floats, Positives, checked_labels, checked_scores

Variance = Literal["delong", "obuchowski"]

_ROUNDING = 1e-12
"""Of a sum of variances: a variance of a difference below it is rounding."""

_NO_VARIANCE = 1e-26
"""Of an area: below it is the rounding of placements that are all alike."""


@dataclass(frozen=True)
class AucEstimates:
    """AUCs of one or several scores of the same items, and how they vary together.

    Attributes:
        aucs: Areas, in the order of the scores, shape (k,).
        covariance: Of the areas, shape (k, k); NaN where fewer than two patients have a positive
            item, or fewer than two a negative one.
        variance: Which covariance: ``"delong"`` or ``"obuchowski"``.
        n_patients: Patients.
        n_positive: Positive items.
        n_negative: Negative items.
    """

    aucs: Floats
    covariance: Floats
    variance: Variance
    n_patients: int
    n_positive: int
    n_negative: int


@dataclass(frozen=True)
class AucDifference:
    """A difference of two AUCs on the same items.

    Attributes:
        difference: Ours less theirs.
        standard_error: Its standard error; None where it cannot be estimated.
        lower: Lower limit; None where the standard error is missing or 0.
        upper: Upper limit; likewise.
        p: Two-sided, of equal areas; likewise.
    """

    difference: float
    standard_error: float | None
    lower: float | None
    upper: float | None
    p: float | None


def auc_estimates(
    labels: npt.ArrayLike, scores: npt.ArrayLike, patients: npt.ArrayLike | None = None
) -> AucEstimates | None:
    """Return the AUCs of one or several scores with their covariance; None where a class is absent.

    Args:
        labels: 0 or 1, shape (n,).
        scores: Higher means more likely positive, shape (n,) or (k, n).
        patients: Each item's patient, numbers or names, shape (n,); every item is a patient of its
            own if None. Numbers are faster where there are millions.

    Raises:
        InputError: On a NaN score, a label other than 0 and 1, or unequal lengths.

    Example:
        >>> found = auc_estimates([0, 0, 1, 1], [[0.1, 0.4, 0.35, 0.8], [0.1, 0.2, 0.3, 0.4]])
        >>> found.aucs, found.variance
        (array([0.75, 1.  ]), 'delong')
        >>> found.covariance.round(4).tolist()
        [[0.125, 0.0], [0.0, 0.0]]
        >>> auc_estimates([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], ["a", "b", "a", "b"]).variance
        'obuchowski'
    """
    table = np.asarray(scores, dtype=np.float64)
    rows = [table] if table.ndim == 1 else list(table)
    if table.ndim not in (1, 2) or not rows:
        raise InputError(
            where="scores", expected="shape (n,) or (k, n)", got=f"shape {table.shape}"
        )
    values = [checked_scores(row) for row in rows]
    positive = checked_labels(labels, len(values[0]))
    codes, n_patients = _patient_codes(patients, len(positive))
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    if n_positive == 0 or n_negative == 0:
        return None
    one_each = n_patients == len(positive)
    parts = [_placements(positive, row) for row in values]
    aucs = np.array([of_positives.mean() for of_positives, _ in parts])
    of_positives = np.stack([part[0] for part in parts]) - aucs[:, None]
    of_negatives = np.stack([part[1] for part in parts]) - aucs[:, None]
    if one_each:
        covariance = _spread(of_positives, n_positive) / n_positive**2
        covariance += _spread(of_negatives, n_negative) / n_negative**2
    else:
        up, n_up = _patient_sums(of_positives, codes[positive], n_patients)
        down, n_down = _patient_sums(of_negatives, codes[~positive], n_patients)
        covariance = _spread(up, n_up) / n_positive**2 + _spread(down, n_down) / n_negative**2
        # Patients with items of both classes tie the two sums together.
        both = (up @ down.T) * n_patients / max(n_patients - 1, 1) / (n_positive * n_negative)
        covariance += both + both.T
    return AucEstimates(
        aucs, covariance, "delong" if one_each else "obuchowski", n_patients, n_positive, n_negative
    )


def auc_influence(
    labels: npt.ArrayLike,
    scores: npt.ArrayLike,
    patients: npt.NDArray[np.integer],
    *,
    n_patients: int,
) -> tuple[float, Floats] | None:
    """Return an AUC with what each patient adds to its error; None where a class is absent.

    The parts sum to 0; the sum of their squares is the variance, but for factors n / (n - 1).
    Those of several scores on the same patients can be averaged as the areas are.

    Args:
        labels: 0 or 1, shape (n,).
        scores: Higher means more likely positive, shape (n,).
        patients: Number of each item's patient, from 0, shape (n,).
        n_patients: Patients, those without an item among them.

    Raises:
        InputError: On a NaN score, a label other than 0 and 1, or unequal lengths.

    Example:
        >>> auc, parts = auc_influence([0, 1], [0.1, 0.2], np.array([0, 2]), n_patients=3)
        >>> auc, parts.tolist()
        (1.0, [0.0, 0.0, 0.0])
    """
    values = checked_scores(scores)
    positive = checked_labels(labels, len(values))
    n_positive = int(positive.sum())
    if n_positive == 0 or n_positive == len(positive):
        return None
    of_positives, of_negatives = _placements(positive, values)
    auc = float(of_positives.mean())
    parts = np.empty(len(values))
    parts[positive] = (of_positives - auc) / n_positive
    parts[~positive] = (of_negatives - auc) / (len(positive) - n_positive)
    return auc, np.asarray(np.bincount(patients, parts, minlength=n_patients), dtype=np.float64)


def auc_interval(
    estimates: AucEstimates, index: int = 0, *, level: float = 0.95
) -> tuple[float | None, float | None]:
    """Return the interval of an AUC, symmetric about its logit.

    On that scale it stays between 0 and 1, and keeps its level near 1, where AUCs of good
    learners lie and a symmetric interval about the AUC itself is too short above and too long
    below. It is undefined, ``(None, None)``, where the AUC is 1 or 0, where all of the variance is
    0 (constant scores), and where too few patients leave the variance unknown: such a sample has
    seen nothing of the uncertainty.

    Args:
        estimates: From :func:`auc_estimates`.
        index: Which of its AUCs.
        level: Coverage aimed at, between 0 and 1.

    Example:
        >>> found = auc_estimates([0, 0, 0, 1, 1, 1], [0.1, 0.4, 0.3, 0.35, 0.8, 0.2])
        >>> [round(limit, 3) for limit in auc_interval(found)]
        [0.154, 0.957]
        >>> auc_interval(auc_estimates([0, 0, 1, 1], [1, 2, 3, 4]))
        (None, None)
    """
    checked_level(level)
    auc = float(estimates.aucs[index])
    return logit_limits(auc, float(estimates.covariance[index, index]), level=level)


def logit_limits(
    value: float, variance: float, *, level: float = 0.95
) -> tuple[float | None, float | None]:
    """Return the interval of a value between 0 and 1, symmetric about its logit.

    It is undefined, ``(None, None)``, where the value is 0 or 1, and where its variance is 0 or
    unknown.

    Args:
        value: Such as an AUC.
        variance: Its variance.
        level: Coverage aimed at, between 0 and 1.

    Example:
        >>> [round(limit, 3) for limit in logit_limits(0.9, 0.03**2)]
        [0.824, 0.945]
    """
    checked_level(level)
    if not (0 < value < 1 and variance > _NO_VARIANCE):
        return None, None
    reach = -ndtri((1 - level) / 2) * np.sqrt(variance) / (value * (1 - value))
    return float(expit(logit(value) - reach)), float(expit(logit(value) + reach))


def auc_difference(
    estimates: AucEstimates, ours: int = 0, theirs: int = 1, *, level: float = 0.95
) -> AucDifference:
    """Return the difference of two AUCs with its interval and the p of equal areas.

    Limits and p are by the normal distribution (DeLong, 1988). Two scores that rank all pairs
    alike differ by 0 with standard error 0: they have no limits and no p. An AUC of 1 has a
    variance of 0, as everywhere that this variance is used: against it, limits and p tell of the
    other's uncertainty alone, too little in a small sample.

    Args:
        estimates: From :func:`auc_estimates`, of two or more scores.
        ours: Which AUC.
        theirs: The one that is taken off.
        level: Coverage aimed at, between 0 and 1.

    Example:
        >>> labels = [0, 0, 0, 1, 1, 1]
        >>> rows = [[0.1, 0.4, 0.3, 0.35, 0.8, 0.6], [0.5, 0.4, 0.3, 0.35, 0.8, 0.2]]
        >>> found = auc_difference(auc_estimates(labels, rows))
        >>> round(found.difference, 3), round(found.standard_error, 3), round(found.p, 3)
        (0.444, 0.314, 0.157)
    """
    checked_level(level)
    difference = float(estimates.aucs[ours] - estimates.aucs[theirs])
    error = standard_error_of_difference(estimates, ours, theirs)
    if error is None or error == 0:
        return AucDifference(difference, error, None, None, None)
    reach = float(-ndtri((1 - level) / 2)) * error
    p = float(2 * ndtr(-abs(difference) / error))
    return AucDifference(
        difference, error, max(-1.0, difference - reach), min(1.0, difference + reach), p
    )


def standard_error_of_difference(
    estimates: AucEstimates, ours: int = 0, theirs: int = 1
) -> float | None:
    """Return the standard error of a difference of two AUCs; None where it is unknown.

    Example:
        >>> standard_error_of_difference(auc_estimates([0, 0, 1, 1], [[1, 2, 3, 4], [1, 3, 2, 4]]))
        0.3535533905932738
    """
    table = estimates.covariance
    variances = table[ours, ours] + table[theirs, theirs]
    variance = variances - table[ours, theirs] - table[theirs, ours]
    if not np.isfinite(variance):
        return None
    return float(np.sqrt(variance)) if variance > _ROUNDING * variances else 0.0


def has_spread(estimates: AucEstimates, index: int) -> bool:
    """Return whether the sample tells how far an AUC may lie from the truth.

    It does not where the AUC is 1 or 0, where scores are constant, and with too few patients.

    Example:
        >>> has_spread(auc_estimates([0, 0, 1, 1], [1, 2, 3, 4]), 0)
        False
    """
    return bool(0 < estimates.aucs[index] < 1 and estimates.covariance[index, index] > _NO_VARIANCE)


def checked_level(level: float) -> None:
    """Refuse a coverage that is not between 0 and 1.

    Raises:
        InputError: If it is not.

    Example:
        >>> checked_level(0.95)
    """
    if not 0 < level < 1:
        raise InputError(where="level", expected="a number between 0 and 1", got=level)


def patient_codes(patients: npt.ArrayLike) -> tuple[npt.NDArray[np.intp], int]:
    """Number patients from 0, in any order.

    Args:
        patients: Names or numbers, shape (n,).

    Returns:
        Each item's number, shape (n,), and how many patients there are.

    Example:
        >>> patient_codes(["b", "a", "b"])
        (array([0, 1, 0]), 2)
    """
    names = np.asarray(patients)
    if names.dtype.kind in "iub":
        found, codes = np.unique(names, return_inverse=True)
        return codes.astype(np.intp, copy=False), len(found)
    # Sorting millions of Python strings takes far longer than numbering them.
    numbers: dict[object, int] = {}
    coded = (numbers.setdefault(name, len(numbers)) for name in names.tolist())
    return np.fromiter(coded, np.intp, len(names)), len(numbers)


def _patient_codes(patients: npt.ArrayLike | None, n: int) -> tuple[npt.NDArray[np.intp], int]:
    if patients is None:
        return np.arange(n), n
    shape = np.shape(patients)
    if shape != (n,):
        raise InputError(where="patients", expected=f"shape ({n},)", got=f"shape {shape}")
    return patient_codes(patients)


def _placements(positive: Positives, values: Floats) -> tuple[Floats, Floats]:
    """Return which share of the other class each positive, and each negative, is right against."""
    ups, downs = values[positive], values[~positive]
    up_order, down_order = np.argsort(ups), np.argsort(downs)
    sorted_ups, sorted_downs = ups[up_order], downs[down_order]
    of_ups, of_downs = np.empty(len(ups)), np.empty(len(downs))
    # Sought in rising order, neighbours in the search lie together in memory.
    beaten = np.searchsorted(sorted_downs, sorted_ups, side="left")
    beaten += np.searchsorted(sorted_downs, sorted_ups, side="right")
    of_ups[up_order] = beaten / (2 * len(downs))
    passed = np.searchsorted(sorted_ups, sorted_downs, side="left")
    passed += np.searchsorted(sorted_ups, sorted_downs, side="right")
    of_downs[down_order] = 1 - passed / (2 * len(ups))
    return of_ups, of_downs


def _patient_sums(
    deviations: Floats, codes: npt.NDArray[np.intp], n_patients: int
) -> tuple[Floats, int]:
    sums = [np.bincount(codes, weights=row, minlength=n_patients) for row in deviations]
    return np.stack(sums), int(np.count_nonzero(np.bincount(codes, minlength=n_patients)))


def _spread(deviations: Floats, n_groups: int) -> Floats:
    """Return ``n / (n - 1)`` times the summed products, unknown for one group."""
    if n_groups < 2:
        return np.full((len(deviations), len(deviations)), np.nan)
    return np.asarray(deviations @ deviations.T * (n_groups / (n_groups - 1)))
