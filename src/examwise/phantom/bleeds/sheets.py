"""Subdural blood along falx and tentorium: thin sheets on one side of the dura."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from examwise.phantom.bleeds.site import Box, Site
from examwise.phantom.grid import FloatArray, Vector
from examwise.phantom.waves import SmoothField

_ACROSS_MM = 22.0
# Within the dura itself the blood's rim fades a little farther out.
_BEYOND_MM = 3.0


@dataclass(frozen=True)
class FalxSheet:
    """Blood along one side of the falx.

    Attributes:
        side: 1 left, -1 right.
        center_mm: Middle along the falx (y, z).
        radii_mm: Half its length and height.
        thickness_mm: Its thickness.
        outline: Field that makes it uneven.
    """

    side: int
    center_mm: tuple[float, float]
    radii_mm: tuple[float, float]
    thickness_mm: float
    outline: SmoothField

    def box(self) -> Box:
        """Return where the blood can be; a falx may be pushed far aside."""
        y, z = self.center_mm
        long, high = (radius + _BEYOND_MM for radius in self.radii_mm)
        return Box((0.0, y, z), (_ACROSS_MM, long, high))

    def distance_mm(self, site: Site) -> FloatArray:
        """Return the signed distance to the blood."""
        y = (site.grid.y - np.float32(self.center_mm[0])) / np.float32(self.radii_mm[0])
        z = (site.grid.z - np.float32(self.center_mm[1])) / np.float32(self.radii_mm[1])
        distance = site.falx - _thickness(self.thickness_mm, y, z, self.outline.on(site.grid))
        return np.maximum(distance, np.float32(-self.side) * site.grid.x, out=distance)

    def grown(self, factor: float) -> FalxSheet:
        """Return the bleed, larger in every direction."""
        long, high = self.radii_mm
        return replace(
            self,
            radii_mm=(factor * long, factor * high),
            thickness_mm=factor * self.thickness_mm,
        )


@dataclass(frozen=True)
class TentoriumSheet:
    """Blood on top of one half of the tentorium.

    Attributes:
        side: 1 left, -1 right.
        center_mm: Middle along the tentorium (x, y).
        radii_mm: Half its width and length.
        thickness_mm: Its thickness.
        outline: Field that makes it uneven.
    """

    side: int
    center_mm: tuple[float, float]
    radii_mm: tuple[float, float]
    thickness_mm: float
    outline: SmoothField

    def box(self) -> Box:
        """Return where the blood can be."""
        x, y = self.center_mm
        middle: Vector = (x, y, -15.0)
        return Box(middle, (self.radii_mm[0] + _BEYOND_MM, self.radii_mm[1] + _BEYOND_MM, 45.0))

    def distance_mm(self, site: Site) -> FloatArray:
        """Return the signed distance to the blood."""
        x = (site.grid.x - np.float32(self.center_mm[0])) / np.float32(self.radii_mm[0])
        y = (site.grid.y - np.float32(self.center_mm[1])) / np.float32(self.radii_mm[1])
        thickness = _thickness(self.thickness_mm, x, y, self.outline.on(site.grid))
        distance = site.tentorium - thickness
        np.maximum(distance, -site.above_tentorium, out=distance)
        return np.maximum(
            distance, np.float32(1.0) - np.float32(self.side) * site.grid.x, out=distance
        )

    def grown(self, factor: float) -> TentoriumSheet:
        """Return the bleed, larger in every direction."""
        wide, long = self.radii_mm
        return replace(
            self,
            radii_mm=(factor * wide, factor * long),
            thickness_mm=factor * self.thickness_mm,
        )


def _thickness(
    largest_mm: float, across: FloatArray, along: FloatArray, outline: FloatArray
) -> FloatArray:
    profile = np.float32(1.0) - across * across
    profile -= along * along
    thickness = np.copysign(np.sqrt(np.abs(profile)), profile)
    outline *= np.float32(0.3)
    outline += np.float32(1.0)
    thickness *= np.clip(outline, 0.4, 1.8, out=outline)
    thickness *= np.float32(largest_mm)
    return thickness
