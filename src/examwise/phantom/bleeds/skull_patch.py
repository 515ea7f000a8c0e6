"""A patch of the skull's inside, along which blood spreads."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from examwise.phantom.bleeds.site import Box
from examwise.phantom.grid import FloatArray, PlaneGrid, Vector

_MEAN_RADIUS_MM = 75.0
# How far a skull departs from an ellipsoid.
_UNEVEN_SKULL_MM = 12.0


@dataclass(frozen=True)
class SkullPatch:
    """An oval on the inner table, given by its middle's direction.

    Distances are measured along the skull, on a sphere of its mean radius.

    Attributes:
        azimuth: Direction of the middle about the vertical axis: 0 straight to the side, positive
            to the back; radians.
        elevation: Its height above the horizontal; radians.
        side: 1 left, -1 right.
        radii_mm: The skull's semi-axes (x, y, z).
        half_length_mm: Half its length along the horizontal.
        half_height_mm: Half its height.
    """

    azimuth: float
    elevation: float
    side: int
    radii_mm: Vector
    half_length_mm: float
    half_height_mm: float

    @property
    def normal(self) -> Vector:
        """Direction of the middle in units of the skull's semi-axes."""
        flat = math.cos(self.elevation)
        return (
            self.side * flat * math.cos(self.azimuth),
            flat * math.sin(self.azimuth),
            math.sin(self.elevation),
        )

    @property
    def center_mm(self) -> Vector:
        """The middle, on the inner table."""
        x, y, z = self.normal
        a, b, c = self.radii_mm
        return a * x, b * y, c * z

    def box(self, thickness_mm: float) -> Box:
        """Return where blood of some thickness along the patch can be."""
        x, y, z = self.normal
        long = min(self.half_length_mm / _MEAN_RADIUS_MM, 2.0)
        high = min(self.half_height_mm / _MEAN_RADIUS_MM, 2.0)
        # On the unit sphere a cap of this chord around the middle; its height from both axes.
        chord = max(long, high)
        up = high * abs(math.cos(self.elevation)) + 0.5 * chord**2 * abs(z)
        low = [max(n - chord, -1.0) for n in (x, y)] + [max(z - up, -1.0)]
        top = [min(n + chord, 1.0) for n in (x, y)] + [min(z + up, 1.0)]
        center, reach = [], []
        margin = thickness_mm + _UNEVEN_SKULL_MM
        for least, most, radius in zip(low, top, self.radii_mm, strict=True):
            center.append(0.5 * (least + most) * radius)
            reach.append(0.5 * (most - least) * radius + margin)
        return Box((center[0], center[1], center[2]), (reach[0], reach[1], reach[2]))

    def profile(self, grid: PlaneGrid) -> FloatArray:
        """Return 1 in the middle, 0 at the rim, less beyond; falling with the square."""
        x = grid.x * np.float32(1.0 / self.radii_mm[0])
        y = grid.y * np.float32(1.0 / self.radii_mm[1])
        z = grid.z * np.float32(1.0 / self.radii_mm[2])
        scale = x * x
        scale += y * y
        scale += z * z
        scale += np.float32(1e-4)
        np.sqrt(scale, out=scale)
        nx, ny, nz = self.normal
        towards = x * np.float32(nx)
        towards += y * np.float32(ny)
        towards += z * np.float32(nz)
        towards /= scale
        flat = math.hypot(nx, ny) or 1.0
        up = x * np.float32(-nz * nx / flat)
        up += y * np.float32(-nz * ny / flat)
        up += z * np.float32(flat)
        up /= scale
        up *= up
        # All of the distance along the sphere, squared, and what of it is upwards.
        long = (_MEAN_RADIUS_MM / self.half_length_mm) ** 2
        high = (_MEAN_RADIUS_MM / self.half_height_mm) ** 2
        towards *= np.float32(2.0 * long)
        up *= np.float32(long - high)
        towards += up
        towards += np.float32(1.0 - 2.0 * long)
        return towards

    def grown(self, factor: float) -> SkullPatch:
        """Return the patch, longer and higher."""
        return replace(
            self,
            half_length_mm=factor * self.half_length_mm,
            half_height_mm=factor * self.half_height_mm,
        )
