"""Whether an AUC is lower than another by less than a margin."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import expit, logit, ndtr, ndtri

from examwise.core.errors import InputError
from examwise.metrics.auc_variance import AucEstimates, has_spread, standard_error_of_difference

_LARGEST_Z = 38.0
"""Beyond it the normal distribution's tail is 0 in double precision."""


@dataclass(frozen=True)
class NonInferiority:
    """What a test of non-inferiority says.

    Attributes:
        difference: AUC of the new less that of the reference.
        lower: One-sided limit of it; None where the sample does not tell.
        p: One-sided, of a new AUC lower by the margin or more; likewise.
        is_shown: Whether the limit lies above minus the margin; False where there is none.
    """

    difference: float
    lower: float | None
    p: float | None
    is_shown: bool


def non_inferiority(
    estimates: AucEstimates, *, new: int, reference: int, margin: float, alpha: float = 0.025
) -> NonInferiority:
    """Test whether the new AUC is lower than the reference's by less than the margin.

    The limit comes from the limits of the two AUCs on the logit scale and the correlation of their
    errors (Zou, 2007). The plain one, difference less 1.96 standard errors, is too short where
    AUCs are near 1: a new AUC that is high by chance has a small standard error too, and at a true
    difference of minus the margin it shows non-inferiority in 3 to 4 of 100 sets at 2.5%. p is the
    level at which the limit would meet minus the margin. The margin is to be set before the data
    are seen; it has no default.

    A new AUC of 1, which has no variance, is taken to reach down to where so many pairs of exams of
    different patients would all be ranked rightly with probability alpha: a handful of exams thus
    shows nothing. Where patients have several exams the number of such pairs is unknown, and there
    is no limit; nor is there where both rank all pairs alike or scores are constant. A reference of
    1 is no hindrance, since the truth cannot lie above it.

    Args:
        estimates: From :func:`~examwise.metrics.auc_variance.auc_estimates`.
        new: Which AUC is to be no worse.
        reference: Than which.
        margin: AUC that it may be lower by, above 0 and below 1.
        alpha: One-sided level, above 0 and below 0.5.

    Raises:
        InputError: On a margin or alpha outside its range.

    Example:
        >>> from examwise.metrics.auc_variance import auc_estimates
        >>> labels = [0, 0, 0, 1, 1, 1]
        >>> rows = [[0.1, 0.4, 0.3, 0.35, 0.8, 0.6], [0.1, 0.5, 0.3, 0.35, 0.8, 0.2]]
        >>> found = non_inferiority(auc_estimates(labels, rows), new=0, reference=1, margin=0.1)
        >>> round(found.difference, 3), round(found.lower, 3), found.is_shown
        (0.222, -0.344, False)
    """
    checked_margin(margin, alpha)
    difference = float(estimates.aucs[new] - estimates.aucs[reference])
    error = standard_error_of_difference(estimates, new, reference)
    is_told = (has_spread(estimates, new) or _is_perfect(estimates, new)) and (
        has_spread(estimates, reference) or estimates.aucs[reference] == 1
    )
    if error is None or error == 0 or not is_told:
        return NonInferiority(difference, None, None, is_shown=False)
    lower = _lower_limit(estimates, new, reference, -float(ndtri(alpha)))
    p = float(ndtr(-_reached_z(estimates, new, reference, -margin)))
    return NonInferiority(difference, lower, p, is_shown=lower > -margin)


def checked_margin(margin: float, alpha: float) -> None:
    """Refuse a margin that is not between 0 and 1, or a level not between 0 and 0.5.

    Raises:
        InputError: If it is not.

    Example:
        >>> checked_margin(0.03, 0.025)
    """
    if not 0 < margin < 1:
        raise InputError(
            where="margin",
            expected="a difference of AUCs above 0 and below 1",
            got=margin,
            remedy="choose what would not matter to patients, before you see the data",
        )
    if not 0 < alpha < 0.5:
        raise InputError(where="alpha", expected="a level above 0 and below 0.5", got=alpha)


def _lower_limit(estimates: AucEstimates, new: int, reference: int, z: float) -> float:
    """Return the limit ``z`` standard errors below the difference; above it where z is negative."""
    down = _distance(estimates, new, -z)
    up = _distance(estimates, reference, z)
    table = estimates.covariance
    variances = float(table[new, new] * table[reference, reference])
    correlation = float(table[new, reference]) / math.sqrt(variances) if variances > 0 else 0.0
    squared = down**2 + up**2 - 2 * correlation * down * up
    difference = float(estimates.aucs[new] - estimates.aucs[reference])
    return difference - math.copysign(math.sqrt(max(squared, 0.0)), z)


def _is_perfect(estimates: AucEstimates, index: int) -> bool:
    return bool(estimates.aucs[index] == 1 and estimates.variance == "delong")


def _distance(estimates: AucEstimates, index: int, z: float) -> float:
    """Return how far the limit of one AUC lies from it."""
    auc = float(estimates.aucs[index])
    if auc == 1 and z < 0:
        # Each exam in one pair only, pairs are independent.
        n_pairs = min(estimates.n_positive, estimates.n_negative)
        return 1 - float(ndtr(z)) ** (1 / n_pairs)
    if not 0 < auc < 1:
        return 0.0
    reach = z * math.sqrt(float(estimates.covariance[index, index])) / (auc * (1 - auc))
    return abs(float(expit(logit(auc) + reach)) - auc)


def _reached_z(estimates: AucEstimates, new: int, reference: int, bound: float) -> float:
    """Return the largest z at which the limit still lies at the bound or above, by bisection."""
    low, high = -_LARGEST_Z, _LARGEST_Z
    if _lower_limit(estimates, new, reference, high) >= bound:
        return high
    while high - low > 1e-10:
        middle = (low + high) / 2
        if _lower_limit(estimates, new, reference, middle) >= bound:
            low = middle
        else:
            high = middle
    return low
