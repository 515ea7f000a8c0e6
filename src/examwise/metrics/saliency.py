"""How well a map of what a model saw agrees with where a finding is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examwise.core.errors import InputError
from examwise.metrics.inputs import Floats, Positives
from examwise.metrics.otsu import otsu_threshold
from examwise.metrics.precision_recall import average_precision

POINTING_TOLERANCE_PX = 15.0
"""By which the maximum may miss (Zhang et al., 2018), in a matrix of 512."""

_TOLERANCE_MATRIX = 512


@dataclass(frozen=True)
class MapScores:
    """Scores of a map, 0 to 1; in all of them 1 is best.

    Attributes:
        pixel_f1: F1 (Dice) of the pixels that Otsu's threshold takes for salient.
        intersection_over_union: Of the same pixels.
        pointing_hit: Whether the maximum is within the tolerance of the truth; of several equal
            maxima the share that is.
        average_precision: Of the map's values, pixel by pixel, without a threshold; None where
            the truth is every pixel.
        energy_inside: Share of the map's sum that lies inside the truth.
    """

    pixel_f1: float
    intersection_over_union: float
    pointing_hit: float
    average_precision: float | None
    energy_inside: float


def map_scores(
    saliency: npt.ArrayLike, truth: npt.ArrayLike, *, tolerance_px: float | None = None
) -> MapScores:
    """Score one map.

    What speaks against the finding counts as nothing: negative values are taken for 0. A map
    that is nowhere above 0, or NaN everywhere (nothing was found), scores 0, but for the average
    precision: that is the truth's share of the pixels, as of any constant map. A map that is
    constant above 0 has no threshold and no salient pixel.

    Args:
        saliency: The map, shape (rows, columns).
        truth: Whether the finding is there, boolean or 0 and 1, shape (rows, columns).
        tolerance_px: By how much the maximum may miss, in pixels; 15 in a matrix of 512 and in
            proportion to the longer side if None.

    Raises:
        InputError: If shapes differ, the truth is empty, or the map is neither finite nor NaN
            everywhere.

    Example:
        >>> scores = map_scores([[0.0, 0.1], [0.0, 0.9]], [[0, 0], [0, 1]])
        >>> scores.pixel_f1, scores.energy_inside
        (1.0, 0.9)
    """
    positive = _positive_part(saliency)
    inside = np.asarray(truth)
    if inside.shape != positive.shape:
        raise InputError(
            where="truth", expected=f"the map's shape {positive.shape}", got=inside.shape
        )
    inside = inside.astype(np.bool_)
    if not inside.any():
        raise InputError(
            where="truth", expected="a finding somewhere", got="none", remedy="leave the slice out"
        )
    if tolerance_px is None:
        tolerance_px = POINTING_TOLERANCE_PX * max(positive.shape) / _TOLERANCE_MATRIX
    threshold = otsu_threshold(positive)
    salient = positive >= threshold if threshold is not None else np.zeros_like(inside)
    both = int((salient & inside).sum())
    total, largest = float(positive.sum()), float(positive.max())
    return MapScores(
        pixel_f1=2 * both / int(salient.sum() + inside.sum()),
        intersection_over_union=both / int((salient | inside).sum()),
        pointing_hit=float(dilated(inside, tolerance_px)[positive == largest].mean())
        if largest > 0
        else 0.0,
        average_precision=average_precision(inside.ravel(), positive.ravel()),
        energy_inside=min(1.0, float(positive[inside].sum()) / total) if total > 0 else 0.0,
    )


def dilated(mask: Positives, radius_px: float) -> Positives:
    """Return which pixels have one of a mask's within a radius, centre to centre.

    Args:
        mask: Shape (rows, columns).
        radius_px: Radius in pixels; 0 leaves the mask as it is.

    Example:
        >>> dilated(np.array([[True, False, False]]), 1.5)
        array([[ True,  True, False]])
    """
    rows, columns = mask.shape
    near = np.zeros_like(mask)
    for down in range(min(int(radius_px), rows - 1) + 1):
        across = min(int(math.sqrt(radius_px**2 - down**2)), columns - 1)
        counts = np.pad(np.cumsum(mask, axis=1), ((0, 0), (1, 0)))
        column = np.arange(columns)
        last = np.minimum(column + across + 1, columns)
        wide = counts[:, last] > counts[:, np.maximum(column - across, 0)]
        near[down:] |= wide[: rows - down]
        near[: rows - down] |= wide[down:]
    return near


def rank_similarity(saliency: npt.ArrayLike, other: npt.ArrayLike) -> float | None:
    """Return Spearman's rank correlation of two maps, pixel by pixel; ties share their mean rank.

    None where a map is constant, or NaN everywhere: it has no order.

    Args:
        saliency: A map.
        other: Another of the same shape.

    Raises:
        InputError: If shapes differ.

    Example:
        >>> rank_similarity([[0.0, 1.0], [2.0, 9.0]], [[0.0, 2.0], [3.0, 4.0]])
        1.0
    """
    maps = [np.asarray(found, np.float64) for found in (saliency, other)]
    if maps[0].shape != maps[1].shape:
        raise InputError(where="maps", expected=f"shape {maps[0].shape}", got=maps[1].shape)
    if any(np.isnan(found).any() for found in maps):
        return None
    ours, theirs = (_centred_ranks(found) for found in maps)
    scale = math.sqrt(float(ours @ ours) * float(theirs @ theirs))
    if scale == 0:
        return None
    return min(1.0, max(-1.0, float(ours @ theirs) / scale))


def _centred_ranks(values: Floats) -> Floats:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    return (ranks - (values.size + 1) / 2)[place.ravel()]


def _positive_part(saliency: npt.ArrayLike) -> Floats:
    values = np.asarray(saliency, np.float64)
    if values.ndim != 2 or not values.size:
        raise InputError(where="map", expected="shape (rows, columns)", got=values.shape)
    if np.isnan(values).all():
        return np.zeros(values.shape)
    if not np.isfinite(values).all():
        raise InputError(
            where="map", expected="finite numbers, or NaN everywhere", got="NaN or infinity"
        )
    return np.maximum(values, 0.0)
