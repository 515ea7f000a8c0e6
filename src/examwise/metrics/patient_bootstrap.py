"""The patient bootstrap: patients are resampled, and all their exams and slices with them.

Exams of a patient, and slices of an exam, resemble each other; resampling them one by one would
give intervals that are too narrow (Rutter, 2000, on clustered ROC data).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examwise.core.errors import InputError
from examwise.metrics.roc import roc_auc_weighted

SMALLEST_USABLE_SHARE = 0.95
"""With fewer replicates usable than this, those left tell of the rare samples only."""

_DRAWN_AT_ONCE = 1 << 17
"""Patients drawn at once: small enough for a processor's cache."""


@dataclass(frozen=True)
class PercentileInterval:
    """Limits of an interval.

    Attributes:
        lower: Lower limit, or None where the interval is undefined.
        upper: Upper limit, or None where the interval is undefined.
        n_left_out: Replicates without a value.
    """

    lower: float | None
    upper: float | None
    n_left_out: int


def patient_counts(
    n_patients: int, *, n_replicates: int, generator: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Draw ``n_patients`` patients with replacement, many times over.

    Returns:
        How often each patient was drawn, shape (replicates, patients); rows sum to ``n_patients``.

    Raises:
        InputError: If there are no patients or no replicates are asked for.

    Example:
        >>> patient_counts(3, n_replicates=2, generator=np.random.default_rng(0)).sum(axis=1)
        array([3, 3])
    """
    for name, number in (("number of patients", n_patients), ("n_replicates", n_replicates)):
        if number < 1:
            raise InputError(where=name, expected="at least 1", got=number)
    counts = np.empty((n_replicates, n_patients), dtype=np.int64)
    # Row after row from one stream, so that the size of the blocks changes nothing.
    step = max(1, _DRAWN_AT_ONCE // n_patients)
    for start in range(0, n_replicates, step):
        block = counts[start : start + step]
        drawn = generator.integers(0, n_patients, block.shape)
        # Counted all at once, each sample's patients under numbers of their own.
        drawn += n_patients * np.arange(len(block))[:, None]
        block[:] = np.bincount(drawn.ravel(), minlength=block.size).reshape(block.shape)
    return counts


def patient_weights(
    patients: npt.ArrayLike, *, n_replicates: int, generator: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Return how often each item is in each bootstrap sample of patients.

    Args:
        patients: Each item's patient, shape (n_items,).
        n_replicates: Number of samples.
        generator: Where the draws come from; the same draws for the same set of patients,
            whatever the items' order.

    Returns:
        Multiplicities, shape (replicates, n_items).

    Example:
        >>> weights = patient_weights(["a", "b", "a"], n_replicates=4,
        ...                           generator=np.random.default_rng(0))
        >>> bool((weights[:, 0] == weights[:, 2]).all())
        True
    """
    names, items = np.unique(np.asarray(patients), return_inverse=True)
    counts = patient_counts(len(names), n_replicates=n_replicates, generator=generator)
    return counts[:, items]


def bootstrap_auc(
    labels: npt.ArrayLike,
    scores: npt.ArrayLike,
    patients: npt.ArrayLike,
    *,
    draw: Callable[[int], npt.NDArray[np.integer]],
) -> npt.NDArray[np.float64]:
    """Return the AUC of every bootstrap sample of patients, without the table of item weights.

    Equal to :func:`roc_auc_weighted` with :func:`patient_weights`, in less memory.

    Args:
        labels: 0 or 1, shape (n_items,).
        scores: Higher means more likely positive, shape (n_items,).
        patients: Each item's patient, shape (n_items,).
        draw: From the number of patients to how often each, in the order of their names, is in
            each sample, shape (replicates, patients), as :func:`patient_counts` gives it.

    Returns:
        AUC by replicate, shape (replicates,); NaN where a replicate lacks a class.

    Example:
        >>> bootstrap_auc([0, 1], [0.1, 0.9], ["a", "a"], draw=lambda n: np.ones((2, n), int))
        array([1., 1.])
    """
    names, items = np.unique(np.asarray(patients), return_inverse=True)
    return roc_auc_weighted(labels, scores, draw(len(names)), columns=items)


def percentile_interval(values: npt.ArrayLike, *, level: float = 0.95) -> PercentileInterval:
    """Return the percentile interval of replicate values (Efron and Tibshirani, 1993).

    NaN values are left out and counted. The interval is undefined where fewer than 95% of the
    values are left, and where all are equal: a bootstrap that never varies (constant scores,
    perfectly separated classes, one patient) has seen nothing of the uncertainty.

    Args:
        values: A statistic's value in each replicate, shape (replicates,).
        level: Coverage aimed at, between 0 and 1.

    Example:
        >>> percentile_interval(np.arange(101.0), level=0.5)
        PercentileInterval(lower=25.0, upper=75.0, n_left_out=0)
        >>> percentile_interval([0.5, 0.5])
        PercentileInterval(lower=None, upper=None, n_left_out=0)
    """
    if not 0 < level < 1:
        raise InputError(where="level", expected="a number between 0 and 1", got=level)
    replicates = np.asarray(values, dtype=np.float64)
    usable = replicates[~np.isnan(replicates)]
    n_left_out = len(replicates) - len(usable)
    if len(usable) < SMALLEST_USABLE_SHARE * len(replicates) or len(usable) < 2:
        return PercentileInterval(None, None, n_left_out)
    if np.ptp(usable) <= 1e-12 * np.abs(usable).max():
        return PercentileInterval(None, None, n_left_out)
    tail = (1 - level) / 2
    lower, upper = np.quantile(usable, [tail, 1 - tail])
    return PercentileInterval(float(lower), float(upper), n_left_out)


def replicate_error(values: npt.ArrayLike) -> float | None:
    """Return the standard error that replicate values show.

    NaN values are left out. It is undefined where :func:`percentile_interval` is.

    Args:
        values: A statistic's value in each replicate, shape (replicates,).

    Example:
        >>> round(replicate_error([0.1, 0.2, 0.3]), 6)
        0.1
        >>> replicate_error([0.5, 0.5]) is None
        True
    """
    replicates = np.asarray(values, dtype=np.float64)
    usable = replicates[~np.isnan(replicates)]
    if len(usable) < max(2, SMALLEST_USABLE_SHARE * len(replicates)):
        return None
    error = float(usable.std(ddof=1))
    return error if error > 1e-12 * float(np.abs(usable).max()) else None
