"""Means over items, with intervals that keep a patient's items together."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examwise.core.errors import InputError
from examwise.metrics.clustered_share import normal_quantile
from examwise.metrics.inputs import checked_scores


@dataclass(frozen=True)
class Mean:
    """A mean and its interval.

    Attributes:
        value: The mean; None where there is nothing to average.
        lower: Lower limit; None where the spread over patients is unknown or 0.
        upper: Upper limit; likewise.
    """

    value: float | None
    lower: float | None
    upper: float | None


def clustered_mean(
    values: npt.ArrayLike,
    patients: npt.ArrayLike,
    *,
    level: float = 0.95,
    limits: tuple[float, float] = (-math.inf, math.inf),
) -> Mean:
    """Return the mean over items, with an interval over patients.

    The mean is a ratio of two sums over patients; its variance is the linearised one (Cochran,
    1977, section 6.3), its interval by the normal distribution. It is undefined with one patient,
    and where no patient's values differ from the mean: such a sample has seen no spread.

    Args:
        values: Of each item, shape (n,).
        patients: Each item's patient as a number from 0, shape (n,).
        level: Coverage aimed at, between 0 and 1.
        limits: Smallest and largest mean there can be; the interval ends there.

    Raises:
        InputError: On NaN or infinity, unequal lengths, or a level outside 0 to 1.

    Example:
        >>> found = clustered_mean([0.0, 1.0, 1.0, 0.0], [0, 1, 2, 3], limits=(0.0, 1.0))
        >>> found.value, found.lower, found.upper
        (0.5, 0.0, 1.0)
        >>> clustered_mean([0.3, 0.4], [0, 0]).lower is None
        True
    """
    numbers = checked_scores(values, name="values")
    owners = np.asarray(patients, dtype=np.int64)
    if owners.shape != numbers.shape:
        raise InputError(
            where="patients", expected=f"shape {numbers.shape}", got=f"shape {owners.shape}"
        )
    if n_infinite := int(np.isinf(numbers).sum()):
        raise InputError(where="values", expected="finite numbers", got=f"{n_infinite} infinite")
    z = normal_quantile(level)
    if not len(numbers):
        return Mean(None, None, None)
    mean = float(numbers.mean())
    residuals = np.bincount(owners, weights=numbers - mean)
    n_patients = int(np.count_nonzero(np.bincount(owners)))
    if n_patients < 2:
        return Mean(mean, None, None)
    error = math.sqrt(n_patients / (n_patients - 1) * float(np.sum(residuals**2))) / len(numbers)
    if error <= 1e-12 * max(abs(mean), 1e-12):
        return Mean(mean, None, None)
    return Mean(mean, max(limits[0], mean - z * error), min(limits[1], mean + z * error))
