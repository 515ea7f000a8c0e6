"""What varies between repeats: draws of labels from one pool, which may share some of them.

Repeats that share a part of their labels are more alike than draws from the population would be,
and their mean is less certain than that many independent draws would make it. Let two repeats
share ``o`` (the cosine of how many labels each has of each exam: ``m / N`` for random draws of m
out of N exams, 0 for disjoint blocks). If what a training set adds to the AUC is a sum over its
exams, two repeats have covariance ``o * sigma**2``. Their sample variance then expects
``sigma**2 * (1 - o)``, the finite-population correction ``1 - m / N``, and the mean of R of them
has variance ``sigma**2 * (1 + (R - 1) * o) / R``. Beyond ``o = 0.5`` too little of the population's
chance is left in the sample to be scaled up: the interval then holds for this archive's pool.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtrit

LARGEST_OVERLAP = 0.5
"""Of repeats whose variance can be scaled up to that of the population."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RepeatedMean:
    """A mean over repeats with its replicates.

    Attributes:
        replicates: The mean in every replicate, shape (replicates,).
        by_patients: Of it, what the sample of patients makes of all repeats, shape (replicates,).
        by_repeats: What the draw of repeats adds, not enlarged for their number, shape
            (replicates,).
        between_share: Share of their variance that lies between repeats; NaN for a single one.
        is_conditional: Whether repeats share so much that the interval holds for this pool alone.
    """

    replicates: Floats
    by_patients: Floats
    by_repeats: Floats
    between_share: float
    is_conditional: bool


def repeated_mean(
    aucs: Floats, drawn: npt.NDArray[np.int64], *, overlap: float = 0.0
) -> RepeatedMean:
    """Return replicates of a mean over repeats that vary as it does, patients and repeats crossed.

    Each replicate is the mean of all repeats by its sample of patients, plus what the repeats it
    draws have over all of them in the whole test set. Resampling both at once in every run would
    count three times what is noise of one run on these patients (Owen, 2007): the mean over
    repeats has it once, and of the repeats' spread it is taken off here. The drawn part is scaled
    for the overlap, and for the few repeats its spread is known from (:func:`few_factor`).

    Args:
        aucs: Of each repeat in the sample itself, then in each replicate of its patients, shape
            (repeats, 1 + replicates).
        drawn: How often each replicate draws each repeat, shape (replicates, repeats).
        overlap: What two repeats share of their labels, on average, from 0 to 1.

    Example:
        >>> aucs = np.array([[0.7, 0.7, 0.7], [0.8, 0.8, 0.8]])
        >>> found = repeated_mean(aucs, np.array([[1, 0], [0, 1]]))
        >>> found.by_patients.tolist(), found.by_repeats.round(3).tolist(), found.between_share
        ([0.75, 0.75], [-0.05, 0.05], 1.0)
    """
    by_patients = aucs[:, 1:]
    mean = by_patients.mean(axis=0)
    n_repeats = len(aucs)
    is_conditional = n_repeats > 1 and overlap > LARGEST_OVERLAP
    if n_repeats == 1:
        return RepeatedMean(mean, mean, np.zeros_like(mean), float("nan"), is_conditional)
    usable = ~np.isnan(mean)
    of_runs = by_patients[:, usable] - mean[usable]
    noise = float(of_runs.var(axis=1).mean()) * n_repeats / (n_repeats - 1) if usable.any() else 0.0
    deviations = aucs[:, 0] - aucs[:, 0].mean()
    spread = float(deviations @ deviations) / (n_repeats - 1)
    between = variance_between(aucs[:, 0], noise=noise, overlap=overlap)
    of_patients = float(mean[usable].var()) if usable.any() else 0.0
    deviation = drawn @ deviations / drawn.sum(axis=1)
    if spread > 0:
        deviation *= np.sqrt(between * n_repeats / spread)
    few = few_factor(between, of_patients, n_repeats=n_repeats)
    total = between + of_patients
    share = between / total if total > 0 else 0.0
    # Scaled up, a deviation can leave what an AUC can be.
    replicates = np.clip(mean + few * deviation, 0.0, 1.0)
    return RepeatedMean(replicates, mean, deviation, share, is_conditional)


def variance_between(values: Floats, *, noise: float, overlap: float) -> float:
    """Return the variance of a mean over repeats that is due to which labels they drew.

    Args:
        values: Of each repeat, shape (repeats,); two or more.
        noise: Variance of one repeat's value about the mean of all that is chance of the test
            patients: it is in the values' spread, too, and is taken off.
        overlap: What two repeats share of their labels, on average.

    Example:
        >>> round(variance_between(np.array([0.7, 0.8, 0.9]), noise=0.0, overlap=0.0), 4)
        0.0033
    """
    n_repeats = len(values)
    spread = max(0.0, float(np.var(values, ddof=1)) - noise)
    return spread * overlap_factor(n_repeats, overlap) / n_repeats


def few_factor(between: float, of_patients: float, *, n_repeats: int) -> float:
    """Return how much larger deviations between repeats have to be, since few hardly know them.

    So that a normal quantile of the whole gives the limits that Student's t would, with the
    degrees of freedom of Welch (1947) and Satterthwaite: those of the repeats where all variance
    is theirs, many where most is the patients'.

    Args:
        between: Variance of a statistic that lies between repeats.
        of_patients: The rest, known from many patients.
        n_repeats: Repeats.

    Example:
        >>> round(few_factor(1.0, 0.0, n_repeats=10), 3), few_factor(0.0, 1.0, n_repeats=10)
        (1.154, 1.0)
    """
    if between <= 0 or n_repeats < 2:
        return 1.0
    total = between + of_patients
    freedom = (n_repeats - 1) * (total / between) ** 2
    enlarged = float(stdtrit(freedom, 0.975) / ndtri(0.975)) ** 2 * total
    # Rounding can leave less than there was.
    return float(np.sqrt(max(1.0, (enlarged - of_patients) / between)))


def crossed_variance(values: Floats, influence: Floats, *, overlap: float) -> float:
    """Return the variance of a mean over repeats, patients and repeats crossed.

    Args:
        values: Of each repeat, shape (repeats,).
        influence: What each patient adds to each repeat's error, shape (repeats, patients).
        overlap: What two repeats share of their labels, on average.

    Returns:
        The variance; NaN with fewer than two patients.

    Example:
        >>> influence = np.array([[0.1, -0.1], [0.1, -0.1]])
        >>> round(crossed_variance(np.array([0.7, 0.7]), influence, overlap=0.0), 6)
        0.04
    """
    n_repeats, n_patients = influence.shape
    if n_patients < 2:
        return float("nan")
    few = n_patients / (n_patients - 1)
    mean = influence.mean(axis=0)
    of_patients = few * float(mean @ mean)
    if n_repeats == 1:
        return of_patients
    own = influence - mean
    noise = few * float((own**2).sum()) / (n_repeats - 1)
    between = variance_between(values, noise=noise, overlap=overlap)
    return of_patients + few_factor(between, of_patients, n_repeats=n_repeats) ** 2 * between


def overlap_factor(n_repeats: int, overlap: float) -> float:
    """Return by what the variance of a mean over repeats grows for what they share.

    Example:
        >>> overlap_factor(5, 0.0), round(overlap_factor(5, 0.2), 6), overlap_factor(5, 0.6)
        (1.0, 2.25, 1.0)
    """
    if overlap > LARGEST_OVERLAP:
        return 1.0
    return (1 + (n_repeats - 1) * overlap) / (1 - overlap)
