"""Tubes of changing place and width along one axis: ventricles, brainstem."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from examwise.phantom.grid import FloatArray

_STEP_MM = 0.5
_SMOOTHING = 13


@dataclass(frozen=True)
class Tube:
    """A tube whose cross-sections are upright ellipses.

    Attributes:
        stations: For some places along it, in growing order: the place, the middle along the
            first and second axis across, and the half widths along these, in mm.
    """

    stations: tuple[tuple[float, float, float, float, float], ...]

    @cached_property
    def ends(self) -> tuple[float, float]:
        """Where it begins and ends."""
        return self.stations[0][0], self.stations[-1][0]

    @cached_property
    def table(self) -> FloatArray:
        """Middles and half widths each half mm, float32, shape (4, places)."""
        rows = np.array(self.stations)
        along = np.arange(self.ends[0], self.ends[1] + _STEP_MM, _STEP_MM)
        weights = np.hanning(_SMOOTHING + 2)[1:-1]
        weights /= weights.sum()
        smooth = [
            np.convolve(
                np.pad(np.interp(along, rows[:, 0], column), _SMOOTHING // 2, mode="edge"),
                weights,
                mode="valid",
            )
            for column in rows[:, 1:].T
        ]
        return np.array(smooth, np.float32)

    def distance_mm(self, along: FloatArray, first: FloatArray, second: FloatArray) -> FloatArray:
        """Return the signed distance, measured across the tube; exact to first order near it.

        Args:
            along: Coordinate along the tube.
            first: First coordinate across.
            second: Second coordinate across.
        """
        low, high = (np.float32(end) for end in self.ends)
        index = np.clip(along, low, high)
        beyond = np.abs(along - index)
        index -= low
        index *= np.float32(1.0 / _STEP_MM)
        place = index.astype(np.int32)
        middle_1, middle_2, half_1, half_2 = (row.take(place, mode="clip") for row in self.table)
        one = first - middle_1
        two = second - middle_2
        one /= half_1
        two /= half_2
        level = np.sqrt(one * one + two * two)
        one /= half_1
        two /= half_2
        slope = np.sqrt(one * one + two * two)
        distance = level - np.float32(1.0)
        distance *= (level + np.float32(1e-4)) / (slope + np.float32(1e-4) / half_2)
        distance += beyond
        return distance
