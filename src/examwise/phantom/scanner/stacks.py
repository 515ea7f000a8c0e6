"""Draws where the slices of a series lie, and how thick they are."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examwise.phantom.scanner.models import ScannerModel

_FROM_MM, _FROM_SPREAD_MM = -82.0, 8.0
_TO_MM, _TO_SPREAD_MM = 86.0, 4.0
_FROM_ORBITS_FRACTION, _FROM_ORBITS_MM = 0.08, (-58.0, -42.0)
_FROM_JAW_FRACTION, _FROM_JAW_MM = 0.08, (-125.0, -100.0)
_CUT_VERTEX_FRACTION, _CUT_VERTEX_MM = 0.06, (64.0, 80.0)
_CHANGE_MM = (-30.0, 5.0)
_THICK_MM = (7.0, 8.0, 10.0)
_SPARSE_MM = 8.0
_THICKEST_SPARSE_MM = 10.0
_DECIMALS = 4


@dataclass(frozen=True)
class Stack:
    """Slices along their normal.

    Attributes:
        from_mm: Height of the lowest slice's middle above the middle of the head.
        to_mm: Height of the highest slice's middle.
        offsets_mm: Each slice's middle above the middle between those two, ascending.
        thickness_mm: Thickness of each slice.
    """

    from_mm: float
    to_mm: float
    offsets_mm: tuple[float, ...]
    thickness_mm: tuple[float, ...]

    @property
    def middle_mm(self) -> float:
        """Height of the stack's middle above the middle of the head."""
        return 0.5 * (self.from_mm + self.to_mm)


def sample_coverage(random: np.random.Generator) -> tuple[float, float]:
    """Draw how far a series reaches down and up from the middle of the head, in mm."""
    low = random.normal(_FROM_MM, _FROM_SPREAD_MM)
    high = random.normal(_TO_MM, _TO_SPREAD_MM)
    orbits, jaw = random.uniform(*_FROM_ORBITS_MM), random.uniform(*_FROM_JAW_MM)
    vertex = random.uniform(*_CUT_VERTEX_MM)
    below, above = random.uniform(size=2).tolist()
    if below < _FROM_ORBITS_FRACTION:
        low = orbits
    elif below > 1.0 - _FROM_JAW_FRACTION:
        low = jaw
    if above < _CUT_VERTEX_FRACTION:
        high = vertex
    return float(low), float(high)


def sample_stack(
    random: np.random.Generator,
    scanner: ScannerModel,
    coverage_mm: tuple[float, float],
    *,
    fewest: int,
    most: int,
    thin: bool,
) -> Stack:
    """Draw an exam's own slices.

    Args:
        random: Source of randomness.
        scanner: The scanner.
        coverage_mm: From where to where, against the middle of the head.
        fewest: Fewest slices; the spacing shrinks where the protocol would give fewer.
        most: Most slices; the spacing grows where it would give more.
        thin: Whether the series is a thin one.
    """
    thickness = float(random.choice(scanner.thin_mm if thin else scanner.thickness_mm))
    thicker = max(float(random.choice(_THICK_MM)), 1.4 * thickness)
    two, uneven = random.uniform(size=2).tolist()
    change = random.uniform(*_CHANGE_MM)
    odd_step, ratio = random.uniform(0.2, 1.3), random.choice([0.6, 0.8, 0.9, 1.1, 1.2, 1.4])
    low, high = coverage_mm
    if two < scanner.two_spacings_fraction and not thin and low + thickness < change:
        lower = np.arange(low, change, thickness)
        start = lower[-1] + odd_step * thickness
        upper = np.arange(start, max(high, start) + 0.5 * thicker, thicker)
        heights = np.concatenate([lower, upper])
        thick = np.repeat([thickness, thicker], [len(lower), len(upper)])
        return fitted_stack(heights, thick, fewest=fewest, most=most)
    spacing = thickness * (float(ratio) if uneven < scanner.uneven_fraction else 1.0)
    return even_stack(coverage_mm, thickness, spacing, fewest=fewest, most=most)


def even_stack(
    coverage_mm: tuple[float, float],
    thickness_mm: float,
    spacing_mm: float,
    *,
    fewest: int,
    most: int,
) -> Stack:
    """Return slices of one thickness and spacing.

    Example:
        >>> even_stack((-10.0, 10.0), 5.0, 5.0, fewest=1, most=9).offsets_mm
        (-10.0, -5.0, 0.0, 5.0, 10.0)
        >>> even_stack((-10.0, 10.0), 5.0, 5.0, fewest=1, most=3).offsets_mm
        (-10.0, 0.0, 10.0)
    """
    low, high = coverage_mm
    count = max(2, round((high - low) / spacing_mm) + 1)
    middle = 0.5 * (low + high)
    heights = middle + (np.arange(count, dtype=np.float64) - (count - 1) / 2) * spacing_mm
    return fitted_stack(heights, np.full(count, thickness_mm), fewest=fewest, most=most)


def fitted_stack(
    heights_mm: npt.NDArray[np.float64],
    thickness_mm: npt.NDArray[np.float64],
    *,
    fewest: int,
    most: int,
) -> Stack:
    """Return a stack of an allowed number of slices that covers what the given one does.

    Where there must be fewer slices, they lie farther apart, and are thicker where that is above
    8 mm, up to 10 mm; where there must be more, they overlap.

    Args:
        heights_mm: Middles of the slices, ascending, at least two unless one is enough.
        thickness_mm: Thickness of each.
        fewest: Fewest slices.
        most: Most slices.
    """
    count = len(heights_mm)
    wanted = int(np.clip(count, fewest, most))
    if wanted != count:
        place = np.linspace(0, count - 1, wanted) if wanted > 1 else np.array([0.5 * (count - 1)])
        numbers = np.arange(count)
        heights_mm = np.interp(place, numbers, heights_mm)
        thickness_mm = np.interp(place, numbers, thickness_mm)
        apart_mm = float(np.ptp(heights_mm)) / (wanted - 1) if wanted > 1 else math.inf
        if apart_mm > _SPARSE_MM:
            thickness_mm = np.maximum(thickness_mm, min(apart_mm, _THICKEST_SPARSE_MM))
    low, high = float(heights_mm[0]), float(heights_mm[-1])
    offsets = heights_mm - 0.5 * (low + high)
    return Stack(
        from_mm=low,
        to_mm=high,
        offsets_mm=tuple(round(value, _DECIMALS) for value in offsets.tolist()),
        thickness_mm=tuple(round(value, 2) for value in thickness_mm.tolist()),
    )
