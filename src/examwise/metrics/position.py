"""The position-only baseline: how often a slice is positive for where it lies, nothing else.

Findings have their usual places along the head, so a slice's position alone scores well above
chance; a slice-level figure means little without this row beside it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from examwise.core.errors import InputError, SchemaError
from examwise.metrics.inputs import checked_labels, checked_scores

_PRIOR_SLICES = 1.0
"""Weight, in slices, of the overall positive fraction in each bin; fills bins without slices."""

_NARROWEST = 0.1
"""A Gaussian narrower than this, in bins, leaves every count where it is."""


@dataclass(frozen=True)
class PositionHistogram:
    """Smoothed positive fraction of slices by relative position.

    Attributes:
        centers: Bins' centres, rising, between 0 (lowest slice) and 1 (highest).
        positive_fraction: Smoothed share of positive slices in each bin.
        n_slices: Labelled slices it was built from.
    """

    centers: tuple[float, ...]
    positive_fraction: tuple[float, ...]
    n_slices: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "centers": list(self.centers),
            "positive_fraction": list(self.positive_fraction),
            "n_slices": self.n_slices,
        }

    @classmethod
    def from_dict(
        cls, values: Mapping[str, Any], *, where: str = "position histogram"
    ) -> PositionHistogram:
        """Build from :meth:`to_dict`'s values.

        Raises:
            SchemaError: If they are no histogram.
        """
        try:
            centers = tuple(float(value) for value in values["centers"])
            fraction = tuple(float(value) for value in values["positive_fraction"])
            n_slices = int(values["n_slices"])
        except (KeyError, TypeError, ValueError) as error:
            raise SchemaError(
                where=where,
                expected="centers, positive_fraction and n_slices",
                got=f"{type(error).__name__}: {error}",
            ) from error
        rising = all(low < high for low, high in pairwise(centers))
        in_range = all(0 <= value <= 1 for value in (*centers, *fraction))
        if not centers or len(centers) != len(fraction) or not rising or not in_range:
            raise SchemaError(
                where=where,
                expected="as many fractions as rising centres, all from 0 to 1",
                got=f"{len(centers)} centres and {len(fraction)} fractions",
            )
        return cls(centers, fraction, n_slices)


def position_histogram(
    relative_position: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    n_bins: int = 20,
    smoothing: float = 1.0,
) -> PositionHistogram | None:
    """Return the smoothed positive fraction by relative position, or None without any slice.

    Counts of positive and of all slices are smoothed with the same Gaussian, reflected at both
    ends, then divided, with one slice's worth of the overall fraction added to every bin.

    Args:
        relative_position: 0 lowest to 1 highest, shape (n_slices,).
        labels: 0 or 1, shape (n_slices,).
        n_bins: Number of equal bins.
        smoothing: Standard deviation of the Gaussian, in bins; 0 to 0.1 for none.

    Raises:
        InputError: On positions outside 0 to 1, other labels than 0 and 1, or unusable options.

    Example:
        >>> histogram = position_histogram([0.1, 0.9, 0.9], [0, 1, 1], n_bins=2, smoothing=0)
        >>> [round(value, 3) for value in histogram.positive_fraction]
        [0.333, 0.889]
    """
    if n_bins < 1 or not (math.isfinite(smoothing) and smoothing >= 0):
        raise InputError(
            where="position histogram",
            expected="n_bins >= 1 and smoothing >= 0",
            got=f"n_bins {n_bins}, smoothing {smoothing}",
        )
    positions = _checked_positions(relative_position)
    positive = checked_labels(labels, len(positions))
    if not len(positions):
        return None
    bins = np.minimum((positions * n_bins).astype(np.intp), n_bins - 1)
    slices = np.bincount(bins, minlength=n_bins).astype(np.float64)
    positives = np.bincount(bins[positive], minlength=n_bins).astype(np.float64)
    if smoothing > _NARROWEST:
        slices = gaussian_filter1d(slices, smoothing, mode="reflect")
        positives = gaussian_filter1d(positives, smoothing, mode="reflect")
    prior = _PRIOR_SLICES * float(positive.mean())
    fraction = np.clip((positives + prior) / (slices + _PRIOR_SLICES), 0.0, 1.0)
    centers = (np.arange(n_bins) + 0.5) / n_bins
    return PositionHistogram(tuple(centers.tolist()), tuple(fraction.tolist()), len(positions))


def position_scores(
    histogram: PositionHistogram, relative_position: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """Score slices by position alone: linear between bin centres, constant beyond the outer ones.

    Args:
        histogram: From training slices, never from those scored.
        relative_position: 0 lowest to 1 highest, shape (n_slices,).

    Returns:
        Scores between 0 and 1, shape (n_slices,).

    Example:
        >>> position_scores(PositionHistogram((0.25, 0.75), (0.0, 0.5), 9), [0, 0.5, 1])
        array([0.  , 0.25, 0.5 ])
    """
    positions = _checked_positions(relative_position)
    return np.interp(positions, histogram.centers, histogram.positive_fraction)


def _checked_positions(relative_position: npt.ArrayLike) -> npt.NDArray[np.float64]:
    positions = checked_scores(relative_position, name="relative_position")
    if len(positions) and not (positions.min() >= 0 and positions.max() <= 1):
        raise InputError(
            where="relative_position",
            expected="numbers from 0 (lowest slice) to 1 (highest)",
            got=f"{positions.min():g} to {positions.max():g}",
        )
    return positions
