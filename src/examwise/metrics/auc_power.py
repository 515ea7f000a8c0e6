"""What a test set can show: power and size for a test of non-inferiority of two AUCs."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr, ndtri, owens_t

from examwise.core.errors import InputError
from examwise.metrics.auc_variance import AucEstimates, has_spread, standard_error_of_difference
from examwise.metrics.non_inferiority import checked_margin

LARGEST_SIZE = 10**9
"""Exams beyond which a planned test set is out of reach."""


def binormal_auc_variance(auc: float, *, n_positive: float, n_negative: float) -> float:
    """Return the variance of an empirical AUC where both classes are normal and equally spread.

    Exact for that model, by the two probabilities that one item is right against two of the other
    class (Bamber, 1975; Obuchowski, 1994), which bivariate normals give. Hanley and McNeil's
    (1982) exponential model is wider: at .93, a quarter more.

    Args:
        auc: The true area, above 0 and below 1.
        n_positive: Positive exams, each a patient.
        n_negative: Negative ones.

    Raises:
        InputError: On an area outside its range, or a class without exams.

    Example:
        >>> round(binormal_auc_variance(0.93, n_positive=36, n_negative=39) ** 0.5, 4)
        0.0284
    """
    if not 0 < auc < 1:
        raise InputError(where="auc", expected="an area above 0 and below 1", got=auc)
    for name, number in (("n_positive", n_positive), ("n_negative", n_negative)):
        if not number >= 1:
            raise InputError(where=name, expected="at least 1", got=number)
    # Two comparisons that share an item correlate by a half.
    both_right = auc - 2 * float(owens_t(ndtri(auc), math.sqrt(1 / 3)))
    shared = both_right - auc**2
    own = auc * (1 - auc)
    return (own + (n_positive + n_negative - 2) * shared) / (n_positive * n_negative)


def non_inferiority_power(
    *,
    auc: float,
    margin: float,
    n_positive: int,
    n_negative: int,
    correlation: float,
    alpha: float = 0.025,
) -> float:
    """Return how often a test of non-inferiority succeeds where both AUCs are truly equal.

    Normal approximation with :func:`binormal_auc_variance`, each patient with one exam. With
    several exams a patient, count patients rather than exams to be on the safe side.

    Args:
        auc: Both true areas, above 0 and below 1.
        margin: AUC that the new one may be lower by, above 0 and below 1.
        n_positive: Positive exams.
        n_negative: Negative exams.
        correlation: Of the errors of the two estimated AUCs, at least -1 and below 1; learners
            judged by the same exams have some 0.3 to 0.7.
        alpha: One-sided level.

    Raises:
        InputError: On a number outside its range.

    Example:
        >>> power = non_inferiority_power(
        ...     auc=0.93, margin=0.03, n_positive=36, n_negative=39, correlation=0.5)
        >>> round(power, 2)
        0.18
    """
    checked_margin(margin, alpha)
    return _power(auc, margin, n_positive, n_negative, correlation, alpha)


def power_of_test_set(
    estimates: AucEstimates, *, new: int, reference: int, margin: float, alpha: float = 0.025
) -> float | None:
    """Return the power that a test set's own covariance gives, were both AUCs truly equal.

    Args:
        estimates: From :func:`~examwise.metrics.auc_variance.auc_estimates`.
        new: Which AUC is to be no worse.
        reference: Than which.
        margin: AUC that it may be lower by.
        alpha: One-sided level.

    Returns:
        The power, or None where the sample does not tell how far the AUCs may lie from the truth.

    Example:
        >>> from examwise.metrics.auc_variance import auc_estimates
        >>> found = auc_estimates([0, 0, 0, 1, 1, 1], [[1, 2, 4, 3, 5, 6], [1, 3, 4, 2, 5, 6]])
        >>> round(power_of_test_set(found, new=0, reference=1, margin=0.1), 3)
        0.093
    """
    checked_margin(margin, alpha)
    error = standard_error_of_difference(estimates, new, reference)
    is_told = has_spread(estimates, new) and has_spread(estimates, reference)
    if error is None or error == 0 or not is_told:
        return None
    return float(ndtr(margin / error + ndtri(alpha)))


def needed_exams(
    *,
    auc: float,
    margin: float,
    prevalence: float,
    correlation: float,
    power: float = 0.8,
    alpha: float = 0.025,
) -> int:
    """Return how many exams, one a patient, a test of non-inferiority needs for a wanted power.

    Args:
        auc: Both true areas.
        margin: AUC that the new one may be lower by.
        prevalence: Share of positive exams, above 0 and below 1; their number is rounded.
        correlation: Of the errors of the two estimated AUCs.
        power: Wanted, above ``alpha`` and below 1.
        alpha: One-sided level.

    Raises:
        InputError: On a number outside its range, or where a billion exams are too few.

    Example:
        >>> needed_exams(auc=0.93, margin=0.03, prevalence=0.48, correlation=0.5)
        516
    """
    checked_margin(margin, alpha)
    if not 0 < prevalence < 1:
        raise InputError(where="prevalence", expected="a share above 0, below 1", got=prevalence)
    if not alpha < power < 1:
        raise InputError(where="power", expected=f"a share above {alpha:g}, below 1", got=power)

    def is_enough(n: int) -> bool:
        n_positive = min(max(round(n * prevalence), 1), n - 1)
        return _power(auc, margin, n_positive, n - n_positive, correlation, alpha) >= power

    too_few, enough = 1, 2
    while not is_enough(enough):
        too_few, enough = enough, 2 * enough
        if enough > LARGEST_SIZE:
            raise InputError(
                where="margin",
                expected="one that a billion exams can show",
                got=margin,
                remedy="choose a wider margin, or less power",
            )
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        too_few, enough = (too_few, middle) if is_enough(middle) else (middle, enough)
    return enough


def _power(
    auc: float,
    margin: float,
    n_positive: int,
    n_negative: int,
    correlation: float,
    alpha: float,
) -> float:
    if not -1 <= correlation < 1:
        raise InputError(where="correlation", expected="from -1 to below 1", got=correlation)
    variance = binormal_auc_variance(auc, n_positive=n_positive, n_negative=n_negative)
    error = np.sqrt(2 * variance * (1 - correlation))
    return float(ndtr(margin / error + ndtri(alpha)))
