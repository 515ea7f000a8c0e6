"""Shares of exams with intervals that keep a patient's exams together."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from examwise.core.errors import InputError
from examwise.metrics.inputs import checked_labels


@dataclass(frozen=True)
class Share:
    """A share and its interval.

    Attributes:
        value: The share; None where there is nothing to count.
        lower: Lower limit; None likewise.
        upper: Upper limit; None likewise.
    """

    value: float | None
    lower: float | None
    upper: float | None


NO_SHARE = Share(None, None, None)


def clustered_share(hits: npt.ArrayLike, patients: npt.ArrayLike, *, level: float = 0.95) -> Share:
    """Return the share of hits, with Wilson's interval (1927) for as many items as they are worth.

    Items of a patient resemble each other. The number of items is divided by the design effect
    (Rao and Scott, 1992): the variance of the share over patients, as of a ratio of two sums,
    over the binomial one. It is taken to be at least 1, so that chance never makes an interval
    narrower than that of as many patients of one item each, which is Wilson's own. Where all items
    are hits, or none is, the spread over patients is unknown: items of one patient then count as
    if they could only agree (the squared number of items over the sum of squared numbers a
    patient).

    Args:
        hits: 0 or 1, shape (n,).
        patients: Each item's patient, shape (n,).
        level: Coverage aimed at, between 0 and 1.

    Raises:
        InputError: On other values than 0 and 1, unequal lengths, or a level outside 0 to 1.

    Example:
        >>> share = clustered_share([1, 1, 0, 1], ["a", "b", "c", "d"])
        >>> share.value, round(share.lower, 3), round(share.upper, 3)
        (0.75, 0.301, 0.954)
        >>> clustered_share([], [])
        Share(value=None, lower=None, upper=None)
    """
    names = checked_patients(patients)
    found = checked_labels(hits, len(names))
    _, groups = np.unique(names, return_inverse=True)
    return share_of_patients(np.bincount(groups, found), np.bincount(groups), level=level)


def share_of_patients(hits: npt.ArrayLike, items: npt.ArrayLike, *, level: float = 0.95) -> Share:
    """Return what :func:`clustered_share` does, from each patient's numbers.

    Args:
        hits: Each patient's hits, shape (n_patients,).
        items: Each patient's items; patients without any don't count, shape (n_patients,).
        level: Coverage aimed at, between 0 and 1.

    Example:
        >>> share_of_patients([1, 1, 0, 1], [1, 1, 1, 1]) == clustered_share([1, 1, 0, 1], range(4))
        True
    """
    z = normal_quantile(level)
    asked = np.asarray(items, dtype=np.int64)
    numbers = asked[asked > 0]
    of_patients = np.asarray(hits, dtype=np.float64)[asked > 0]
    n = int(numbers.sum())
    if n == 0:
        return NO_SHARE
    share = float(of_patients.sum()) / n
    if 0 < share < 1:
        worth = n / _design_effect(of_patients - share * numbers, share=share, n=n)
    else:
        worth = n * n / float(np.sum(numbers.astype(np.float64) ** 2))
    lower, upper = _wilson(share, worth, z=z)
    return Share(share, lower, upper)


def checked_patients(patients: npt.ArrayLike) -> npt.NDArray[np.generic]:
    """Return patients as an array, shape (n,).

    Raises:
        InputError: If there is more than one dimension.

    Example:
        >>> checked_patients(["a", "b"]).shape
        (2,)
    """
    names: npt.NDArray[np.generic] = np.asarray(patients)
    if names.ndim != 1:
        raise InputError(where="patients", expected="one dimension", got=f"shape {names.shape}")
    return names


def normal_quantile(level: float) -> float:
    """Return how many standard errors a two-sided interval reaches to either side.

    Raises:
        InputError: If the level is not between 0 and 1.

    Example:
        >>> round(normal_quantile(0.95), 2)
        1.96
    """
    if not 0 < level < 1:
        raise InputError(where="level", expected="a number between 0 and 1", got=level)
    return float(ndtri(0.5 + level / 2))


def _design_effect(residuals: npt.NDArray[np.float64], *, share: float, n: int) -> float:
    n_patients = len(residuals)
    if n_patients == n:
        return 1.0
    if n_patients == 1:
        return float(n)
    over_patients = n_patients / (n_patients - 1) * float(np.sum(residuals**2)) / n**2
    return max(1.0, over_patients / (share * (1 - share) / n))


def _wilson(share: float, n: float, *, z: float) -> tuple[float, float]:
    center = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # At 0 and 1 the limit is the share itself; rounding must not put it beyond.
    lower = 0.0 if share == 0 else max(0.0, (center - half) / scale)
    upper = 1.0 if share == 1 else min(1.0, (center + half) / scale)
    return lower, upper
