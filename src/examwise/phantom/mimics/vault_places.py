"""Places on the skull by direction, and layers that lie along it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from examwise.phantom.grid import FloatArray, Vector
from examwise.phantom.shapes import Points

_INNER_TABLE_MM = np.array([67.0, 83.0, 80.0])
_LARGEST_DEVIATION_MM = 14.0
"""How far a real skull's inner table may lie from the one that places are planned on."""


@dataclass(frozen=True)
class VaultPlace:
    """A place on the skull, with directions along it, whatever the head's exact shape.

    Attributes:
        azimuth_degree: Direction from the middle of the head: 0 left, 90 back, -90 front.
        elevation_degree: Its angle above the horizontal.
        turn_degree: Turn of the two directions along the skull.
    """

    azimuth_degree: float
    elevation_degree: float
    turn_degree: float = 0.0

    @cached_property
    def axes(self) -> npt.NDArray[np.float64]:
        """Unit vectors: the two along the skull (sideways and upwards, if not turned), outwards."""
        azimuth, elevation, turn = (
            math.radians(angle)
            for angle in (self.azimuth_degree, self.elevation_degree, self.turn_degree)
        )
        sideways = np.array([-math.sin(azimuth), math.cos(azimuth), 0.0])
        level = np.array([math.cos(azimuth), math.sin(azimuth), 0.0])
        up = np.array([0.0, 0.0, 1.0])
        outwards = math.cos(elevation) * level + math.sin(elevation) * up
        upwards = math.cos(elevation) * up - math.sin(elevation) * level
        cosine, sine = math.cos(turn), math.sin(turn)
        return np.array(
            [cosine * sideways + sine * upwards, cosine * upwards - sine * sideways, outwards]
        )

    @cached_property
    def radius_mm(self) -> float:
        """About how far the inner table lies from the middle of the head."""
        return float(1.0 / np.linalg.norm(self.axes[2] / _INNER_TABLE_MM))

    def point_mm(
        self, depth_mm: float = 0.0, sideways_mm: float = 0.0, upwards_mm: float = 0.0
    ) -> Vector:
        """Return about where something lies: below the inner table, and along it."""
        away = math.hypot(sideways_mm, upwards_mm)
        # The inverse of the map that `along` uses.
        angle = 2.0 * math.asin(min(away / (2.0 * self.radius_mm), 1.0))
        share = math.sin(angle) / away if away else 0.0
        direction = np.array([share * sideways_mm, share * upwards_mm, math.cos(angle)]) @ self.axes
        radius = 1.0 / np.linalg.norm(direction / _INNER_TABLE_MM)
        x, y, z = ((radius - depth_mm) * direction).tolist()
        return x, y, z

    def reach_mm(self, along_mm: float, depth_mm: float = 0.0) -> Vector:
        """Return half the edges of a box, around the place, of what reaches this far."""
        reach = min(along_mm, 2.0 * self.radius_mm) + depth_mm + _LARGEST_DEVIATION_MM
        return reach, reach, reach

    def along(self, points: Points) -> tuple[FloatArray, FloatArray]:
        """Return how far points lie from the place along the skull: sideways and upwards, in mm.

        Opposite the place, which is twice the radius away, directions are a matter of rounding.

        Example:
            >>> from examwise.phantom.shapes import FreePoints
            >>> one = np.ones(1, np.float32)
            >>> place = VaultPlace(azimuth_degree=0.0, elevation_degree=0.0)
            >>> sideways, upwards = place.along(FreePoints(60 * one, 6 * one, 0 * one))
            >>> round(float(sideways[0]), 1), round(float(upwards[0]), 1)
            (6.7, 0.0)
        """
        first, second, outwards = self.axes.astype(np.float32)
        x, y, z = points.x, points.y, points.z
        distance = np.sqrt(x * x + y * y + z * z)
        distance += np.float32(1e-3)
        cosine = (x * outwards[0] + y * outwards[1] + z * outwards[2]) / distance
        # Lambert's equal-area map: unlike a projection, it tells the far side from the near one.
        scale = np.sqrt(np.float32(2.0) / np.maximum(cosine + np.float32(1.0), np.float32(1e-6)))
        scale *= np.float32(self.radius_mm)
        scale /= distance
        return (
            scale * (x * first[0] + y * first[1] + z * first[2]),
            scale * (x * second[0] + y * second[1] + z * second[2]),
        )

    def profile(self, points: Points, half_axes_mm: tuple[float, float]) -> FloatArray:
        """Return 1 at the place, 0 on an ellipse along the skull around it, less beyond."""
        sideways, upwards = self.along(points)
        sideways /= np.float32(half_axes_mm[0])
        upwards /= np.float32(half_axes_mm[1])
        profile = np.float32(1.0) - sideways * sideways
        profile -= upwards * upwards
        return profile


def signed_root(profile: FloatArray) -> FloatArray:
    """Return the square root, with the sign kept: a layer's thickness is round at its rim."""
    return np.copysign(np.sqrt(np.abs(profile)), profile)
