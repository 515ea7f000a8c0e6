"""The floor of the cranial cavity: three fossae, sella, petrous ridges, foramen magnum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from examwise.phantom.grid import FloatArray, PlaneGrid, Vector
from examwise.phantom.head.fossae import (
    CANAL_Y_MM,
    CRIBRIFORM_HALF_MM,
    CRIBRIFORM_MM,
    PLANUM_MM,
    POSTERIOR_FLOOR_MM,
    BaseShape,
    Body,
    anterior_body,
    behind_ridge_mm,
    middle_mm,
    petrous_and_middle_body,
    posterior_body,
    posterior_mm,
    ridge_mm,
    roof_mm,
    sphenoid_body,
    wing_mm,
)
from examwise.phantom.shapes import Ellipsoid, ellipsoid_window
from examwise.phantom.waves import SmoothField

BASE_BOX_MM: tuple[Vector, Vector] = ((0.0, -4.0, -69.0), (90.0, 106.0, 71.0))
"""Where the floor, and all that lies under it within the vault's outline, can be: middle, reach."""
_CANAL_LOW_MM = -75.0
_SELLA = Ellipsoid((0.0, -18.5, -34.5), (6.5, 6.0, 7.0))
_CLINOIDS = tuple(
    Ellipsoid((side * x, y, z), radii)
    for side in (-1, 1)
    for x, y, z, radii in (
        (12.0, -28.0, -30.0, (3.2, 6.5, 3.5)),
        (4.0, -11.5, -31.0, (7.0, 2.2, 3.2)),
    )
)
_INTERNAL_MEATUS = tuple(
    Ellipsoid((side * 22.0, 8.5, -45.0), (8.5, 2.7, 2.7), side * 12.0) for side in (-1, 1)
)
_FAR = np.float32(90.0)
_NEAR_MM = 6.0

_BODIES: tuple[tuple[tuple[Vector, Vector], Callable[[BaseShape, PlaneGrid], Body]], ...] = (
    (((0.0, -58.0, -69.0), (90.0, 56.0, 71.0)), anterior_body),
    (((0.0, -20.0, -69.0), (44.0, 56.0, 71.0)), lambda _, grid: sphenoid_body(grid)),
    (((0.0, -4.0, -69.0), (90.0, 68.0, 71.0)), petrous_and_middle_body),
    (((0.0, 40.0, -69.0), (90.0, 80.0, 71.0)), posterior_body),
)
"""What the floor is made of, and where each counts: middle and half edges of a box."""


AVERAGE_BASE = BaseShape(
    impressions=SmoothField(((1.0, 0.0, 0.0, 0.0),)),
    impressions_mm=0.0,
    roof_mm=0.0,
    petrous_mm=0.0,
    middle_mm=0.0,
    posterior_mm=0.0,
    canal_scale=1.0,
)


@dataclass(frozen=True)
class BaseDistances:
    """Signed distances of the skull base, float32.

    Attributes:
        floor: To the cavity above the floor: positive in and below the floor.
        bone: To the bone that the floor is made of, negative inside.
        canal: To the foramen magnum and the spinal canal, negative inside.
    """

    floor: FloatArray
    bone: FloatArray
    canal: FloatArray


def base_distances(shape: BaseShape, grid: PlaneGrid) -> BaseDistances:
    """Return distances of the skull base.

    Args:
        shape: How it differs from the average one.
        grid: Where, in the average head's frame; a part that lies in :data:`BASE_BOX_MM`.
    """
    floor = np.full(grid.shape, _FAR, np.float32)
    bone = np.full(grid.shape, _FAR, np.float32)
    for box, distances in _BODIES:
        if window := grid.window(*box):
            for field, found in zip(
                (floor, bone), distances(shape, grid.crop(window)), strict=True
            ):
                part = field[window]
                np.minimum(part, found, out=part)
    for lump in _CLINOIDS:
        if window := ellipsoid_window(grid, lump, margin_mm=_NEAR_MM):
            distance = lump.distance_mm(grid.crop(window))
            distance[distance > _NEAR_MM] = _FAR
            for field in (floor, bone):
                np.minimum(field[window], distance, out=field[window])
    for hollow in (_SELLA, *_INTERNAL_MEATUS):
        if window := ellipsoid_window(grid, hollow, margin_mm=_NEAR_MM):
            distance = hollow.distance_mm(grid.crop(window))
            distance[distance > _NEAR_MM] = _FAR
            np.negative(distance, out=distance)
            for field in (floor, bone):
                np.maximum(field[window], distance, out=field[window])
    # High above the floor, its distance gives way to the vault's.
    fading = np.clip((grid.z + np.float32(12.0)) * np.float32(1.0 / 3.0), 0.0, 5.0)
    fading *= np.maximum(floor - np.float32(10.0), 0.0)
    floor += fading
    canal = _canal_distance(shape, grid)
    np.maximum(bone, -canal, out=bone)
    return BaseDistances(floor=np.negative(floor, out=floor), bone=bone, canal=canal)


def _canal_distance(shape: BaseShape, grid: PlaneGrid) -> FloatArray:
    """Return the distance to the foramen magnum, which narrows to the spinal canal below."""
    canal = np.full(grid.shape, _FAR, np.float32)
    window = grid.window((0.0, CANAL_Y_MM, -108.0), (24.0, 26.0, 52.0))
    if window is None:
        return canal
    part = grid.crop(window)
    wide = np.clip((part.z - np.float32(_CANAL_LOW_MM)) * np.float32(1.0 / 14.0), 0.0, 1.0)
    scale = np.float32(shape.canal_scale)
    across = part.x / (scale * (np.float32(11.5) + np.float32(3.0) * wide))
    along = part.y - np.float32(CANAL_Y_MM)
    along /= scale * (np.float32(9.5) + np.float32(7.0) * wide)
    distance = np.sqrt(across * across + along * along)
    distance -= np.float32(1.0)
    distance *= scale * (np.float32(10.5) + np.float32(4.5) * wide)
    np.maximum(distance, part.z - np.float32(POSTERIOR_FLOOR_MM + 4.0), out=distance)
    distance[distance > _NEAR_MM] = _FAR
    canal[window] = distance
    return canal


def floor_height_mm(shape: BaseShape, x: FloatArray, y: FloatArray) -> FloatArray:
    """Return the height of the cavity's floor; the foramen magnum counts as closed.

    Args:
        shape: How the base differs from the average one.
        x: Towards the patient's left, float32.
        y: Towards the back, float32.
    """
    across = np.abs(x)
    floor = posterior_mm(shape, across, y)
    behind = behind_ridge_mm(across, y)
    crest = ridge_mm(shape, across)
    rear = crest - np.float32(2.2) * behind
    np.maximum(floor, np.minimum(middle_mm(shape, across, y), rear), out=floor)
    np.maximum(floor, np.minimum(crest + behind, rear), out=floor)
    clivus = np.float32(PLANUM_MM) - np.float32(0.84 / 0.54) * (y + np.float32(10.0))
    side = np.float32(PLANUM_MM) - np.float32(2.5) * (across - np.float32(11.0))
    body = np.minimum(np.minimum(clivus, side), np.float32(PLANUM_MM))
    front = np.float32(PLANUM_MM) + np.float32(0.75) * (y + np.float32(44.0))
    np.maximum(floor, np.minimum(body, front), out=floor)
    plate = np.float32(CRIBRIFORM_MM)
    wall = plate + np.float32(2.5) * (across - np.float32(CRIBRIFORM_HALF_MM))
    anterior = np.clip(wall, plate, roof_mm(shape, across, y))
    return np.where(wing_mm(across, y) < 0, np.maximum(anterior, floor), floor)
