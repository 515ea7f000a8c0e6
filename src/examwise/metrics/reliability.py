"""Reliability: how often what was called so probable was so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examwise.core.errors import InputError
from examwise.metrics.inputs import Floats, checked_labels
from examwise.metrics.thresholds import checked_probabilities


@dataclass(frozen=True)
class ReliabilityCurve:
    """Items in equal bins of probability; bins without an item are left out.

    Attributes:
        mean_probability: Mean of each bin's probabilities, shape (n_bins,).
        positive_fraction: Share of positives in each bin, shape (n_bins,).
        n_items: Items of each bin, shape (n_bins,).
    """

    mean_probability: Floats
    positive_fraction: Floats
    n_items: npt.NDArray[np.int64]

    @property
    def expected_calibration_error(self) -> float:
        """Distance of both, weighted by items (Naeini, Cooper and Hauskrecht, 2015)."""
        distance = np.abs(self.mean_probability - self.positive_fraction)
        return float(np.sum(distance * self.n_items) / np.sum(self.n_items))


def reliability_curve(
    labels: npt.ArrayLike, probabilities: npt.ArrayLike, *, n_bins: int = 10
) -> ReliabilityCurve | None:
    """Return the reliability curve, or None without any item.

    Args:
        labels: 0 or 1, shape (n,).
        probabilities: Between 0 and 1, shape (n,); 1 belongs to the last bin.
        n_bins: Number of equal bins.

    Raises:
        InputError: On probabilities outside 0 to 1, other labels than 0 and 1, or no bin.

    Example:
        >>> curve = reliability_curve([0, 1, 1], [0.1, 0.2, 0.9], n_bins=2)
        >>> curve.mean_probability.round(3).tolist(), curve.n_items.tolist()
        ([0.15, 0.9], [2, 1])
    """
    bins = reliability_bins(probabilities, n_bins=n_bins)
    values = checked_probabilities(probabilities)
    positive = checked_labels(labels, len(values))
    if not len(values):
        return None
    n_items = np.bincount(bins, minlength=n_bins)
    there = n_items > 0
    n_there = n_items[there]
    return ReliabilityCurve(
        mean_probability=np.bincount(bins, values, minlength=n_bins)[there] / n_there,
        positive_fraction=np.bincount(bins, positive, minlength=n_bins)[there] / n_there,
        n_items=n_there.astype(np.int64),
    )


def reliability_bins(probabilities: npt.ArrayLike, *, n_bins: int = 10) -> npt.NDArray[np.intp]:
    """Return the equal bin that each probability belongs to.

    Args:
        probabilities: Between 0 and 1, shape (n,); 1 belongs to the last bin.
        n_bins: Number of equal bins.

    Returns:
        Bins from 0 on, shape (n,).

    Raises:
        InputError: On probabilities outside 0 to 1, or no bin.

    Example:
        >>> reliability_bins([0.0, 0.05, 0.1, 1.0])
        array([0, 0, 1, 9])
    """
    if n_bins < 1:
        raise InputError(where="n_bins", expected="1 or more", got=n_bins)
    values = checked_probabilities(probabilities)
    return np.minimum((values * n_bins).astype(np.intp), n_bins - 1)
