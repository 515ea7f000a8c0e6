"""The skin: over the skull by the scalp's thickness, below it around face and neck."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from examwise.phantom.grid import FloatArray, PlaneGrid, Vector
from examwise.phantom.head.polynomials import ellipsoid_distance
from examwise.phantom.head.solids import Lump, Solid, both_sides, lump
from examwise.phantom.shapes import Points

_TEMPORALIS_TOP_MM, _TEMPORALIS_LOW_MM = 42.0, -90.0
_EXACT_MM = 10.0
"""So far out of the skin its distance is right; farther out it may be too large."""
TEMPORALIS_BOX_MM: tuple[Vector, Vector] = ((64.0, -22.0, -24.0), (26.0, 42.0, 66.0))
"""Where the left temporal muscle lies over the skull: middle and half edges of a box."""
_BROWS_AND_MASTOIDS = both_sides(
    lump((30.0, -76.0, -25.0), (26.0, 15.0, 9.0), 18.0),
    lump((57.0, 28.0, -56.0), (15.0, 19.0, 24.0)),
)
_EYE_BULGES = both_sides(lump((31.0, -78.0, -38.0), (14.0, 14.5, 13.0)))


@dataclass(frozen=True)
class SoftShape:
    """Soft parts outside the skull, in mm.

    Attributes:
        scalp_mm: Thickness of the scalp.
        uneven_mm: How much thicker it is behind than in front.
        skin_mm: Thickness of the skin alone.
        temporalis_mm: Largest thickness of the temporal muscle.
        face_mm: Half width of the face at the cheeks.
        neck_mm: Half width of the neck.
        nose_mm: How far the nose stands out.
        fat_mm: Thickness of the fat under the skin of face and neck.
    """

    scalp_mm: float
    uneven_mm: float
    skin_mm: float
    temporalis_mm: float
    face_mm: float
    neck_mm: float
    nose_mm: float
    fat_mm: float

    @cached_property
    def bulges(self) -> tuple[tuple[Solid, float], ...]:
        """What makes face and neck, and how softly each joins what is there, in mm."""
        return (
            (lump((0.0, -30.0, -74.0), (self.face_mm, 63.0, 76.0)), 14.0),
            (lump((0.0, 20.0, -112.0), (self.neck_mm, 73.0, 110.0)), 16.0),
            *((bulge, 6.0) for bulge in _EYE_BULGES),
            *((bulge, 8.0) for bulge in _BROWS_AND_MASTOIDS),
            (Nose(self.nose_mm), 9.0),
        )


def temporalis_mm(soft: SoftShape, points: PlaneGrid) -> FloatArray:
    """Return the thickness of the temporal muscle over the skull, 0 where there is none."""
    along = (points.y + np.float32(22.0)) * np.float32(1.0 / 42.0)
    thickness = np.float32(1.0) - along * along
    np.maximum(thickness, 0.0, out=thickness)
    rising = (np.float32(_TEMPORALIS_TOP_MM) - points.z) * np.float32(1.0 / 55.0)
    thickness *= np.clip(rising, 0.0, 1.0)
    low = (points.z - np.float32(_TEMPORALIS_LOW_MM)) * np.float32(1.0 / 20.0)
    thickness *= np.clip(low, 0.0, 1.0)
    aside = (np.abs(points.x) - np.float32(38.0)) * np.float32(1.0 / 14.0)
    thickness *= np.clip(aside, 0.0, 1.0)
    thickness *= np.float32(soft.temporalis_mm)
    return thickness


def skin_distance(soft: SoftShape, grid: PlaneGrid, outer: FloatArray) -> FloatArray:
    """Return the signed distance to the skin.

    Args:
        soft: The soft parts.
        grid: Where, in the average head's frame.
        outer: Distance to the vault's outer table.
    """
    behind = np.float32(soft.uneven_mm / 83.0) * grid.y
    skin = outer - behind
    skin -= np.float32(soft.scalp_mm)
    for side in (-1.0, 1.0):
        middle, reach = TEMPORALIS_BOX_MM
        window = grid.window((side * middle[0], middle[1], middle[2]), reach)
        if window is not None:
            skin[window] -= temporalis_mm(soft, grid.crop(window))
    for solid, join_mm in soft.bulges:
        center, (a, b, c) = solid.box
        margin = _EXACT_MM + join_mm
        window = grid.window(center, (a + margin, b + margin, c + margin))
        if window is not None:
            part = skin[window]
            _smooth_union(part, _distance(solid, grid.crop(window)), join_mm)
    return skin


@dataclass(frozen=True)
class Nose:
    """A three-sided pyramid.

    Attributes:
        height_mm: How far it stands out.
        inset_mm: How far its sides lie within the skin's.
    """

    height_mm: float
    inset_mm: float = 0.0

    @cached_property
    def box(self) -> tuple[Vector, Vector]:
        """Middle and half edges of a box that holds it."""
        return (0.0, -88.0, -55.0), (16.0 + self.height_mm, 17.0 + 1.3 * self.height_mm, 26.0)

    def distance_mm(self, points: Points) -> FloatArray:
        """Return the signed distance."""
        down = np.clip((np.float32(-34.0) - points.z) * np.float32(1.0 / 36.0), 0.0, 1.2)
        side = points.y + np.float32(90.0)
        side += np.float32(self.height_mm) * down
        side *= -(np.float32(0.35) + np.float32(0.35) * down)
        side += np.abs(points.x) - np.float32(1.5)
        side *= np.float32(0.85)
        side += np.float32(self.inset_mm)
        np.maximum(side, np.float32(self.inset_mm - 79.0) - points.z, out=side)
        np.maximum(side, points.z + np.float32(30.0), out=side)
        return np.maximum(side, points.y + np.float32(72.0), out=side)

    def mirrored(self) -> Nose:
        """Return itself: it lies in the middle."""
        return self


def _distance(solid: Solid, grid: PlaneGrid) -> FloatArray:
    if isinstance(solid, Lump) and not solid.shape.turn_degree:
        return ellipsoid_distance(grid, solid.shape.center_mm, solid.shape.radii_mm).mm
    return solid.distance_mm(grid)


def _smooth_union(field: FloatArray, other: FloatArray, join_mm: float) -> None:
    gap = np.abs(field - other)
    np.subtract(np.float32(join_mm), gap, out=gap)
    np.maximum(gap, 0.0, out=gap)
    gap *= gap
    gap *= np.float32(0.25 / join_mm)
    np.minimum(field, other, out=field)
    field -= gap
