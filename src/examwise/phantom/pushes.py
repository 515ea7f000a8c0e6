"""How masses push the brain aside."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from examwise.phantom.grid import FloatArray, Vector
from examwise.phantom.shapes import FreePoints, Points

_SMALLEST_SHARE = 0.05
_SMALLEST_MM = 0.01


@dataclass(frozen=True)
class Push:
    """A mass that moves what is near it, less the farther away.

    Attributes:
        center_mm: Where the shift is largest, and where the mass is.
        shift_mm: The shift there, as a vector.
        reach_mm: Distance at which it has fallen to 0.6 of that.
        radius_mm: Radius of a ball that grew from nothing at the centre, so that what cannot be
            compressed around it moved outwards: at its surface by all of the radius, at twice
            the radius by a twelfth of that distance.
    """

    center_mm: Vector
    shift_mm: Vector
    reach_mm: float
    radius_mm: float = 0.0

    @property
    def largest_mm(self) -> float:
        """The largest shift of any point, at most."""
        return math.hypot(*self.shift_mm) + self.radius_mm

    def scaled(self, factor: float) -> Push:
        """Return a stronger or weaker push."""
        x, y, z = (factor * shift for shift in self.shift_mm)
        return replace(self, shift_mm=(x, y, z), radius_mm=factor * self.radius_mm)

    def strength(self, points: Points) -> FloatArray:
        """Return the share of the shift at each point, 0 to 1, float32."""
        squared = self._squared(points)
        squared *= np.float32(-0.5 / self.reach_mm**2)
        return np.exp(squared, out=squared)

    def outwards(self, points: Points) -> FloatArray:
        """Return which share of its way from the centre a point was moved, 0 to 1, float32."""
        squared = self._squared(points)
        squared *= np.float32(1.0 / self.radius_mm**2)
        np.maximum(squared, np.float32(1.0), out=squared)
        # (1 - (R / r)^3)^(1/3), the radius before over the radius now.
        share = np.cbrt(np.float32(1.0) - squared ** np.float32(-1.5))
        np.subtract(np.float32(1.0), share, out=share)
        return np.minimum(share, np.float32(1.0 - _SMALLEST_SHARE), out=share)

    def _squared(self, points: Points) -> FloatArray:
        x, y, z = (np.float32(value) for value in self.center_mm)
        total = points.x - x
        total *= total
        for part in (points.y - y, points.z - z):
            part *= part
            total += part
        return total


def unpushed(points: Points, pushes: Sequence[Push]) -> Points:
    """Return where each point's tissue came from before it was pushed.

    Example:
        >>> zero = np.zeros(1, np.float32)
        >>> push = Push((0.0, 0.0, 0.0), (5.0, 0.0, 0.0), reach_mm=20.0)
        >>> unpushed(FreePoints(zero, zero, zero), [push]).x.tolist()
        [-5.0]
    """
    if not pushes:
        return points
    x, y, z = points.x.copy(), points.y.copy(), points.z.copy()
    for push in pushes:
        if any(push.shift_mm):
            strength = push.strength(points)
            for axis, shift in zip((x, y, z), push.shift_mm, strict=True):
                if shift:
                    axis -= np.float32(shift) * strength
        if push.radius_mm > _SMALLEST_MM:
            share = push.outwards(points)
            own = (points.x, points.y, points.z)
            for axis, at, middle in zip((x, y, z), own, push.center_mm, strict=True):
                axis -= share * (at - np.float32(middle))
    return FreePoints(x, y, z)
