"""The bodies that the floor of the cranial cavity is made of, one a fossa.

Everything is in the average head's frame, in mm. Heights and lines were measured on an average
head (the CT template of Rorden et al., 2012). Each body is bounded by faces whose distances have
about unit slope, and gives two distances: to itself, as the cavity sees it, and to the bone that
it is made of, for only its surface or its core is bone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from examwise.phantom.grid import FloatArray, PlaneGrid
from examwise.phantom.waves import SmoothField

CRIBRIFORM_MM = -36.0
CRIBRIFORM_HALF_MM = 11.0
PLANUM_MM = -33.0
POSTERIOR_FLOOR_MM = -62.0
CANAL_Y_MM = 27.5
_ROOF_MM = -20.0
_MIDDLE_FLOOR_MM = -48.0
_BASION_Y_MM = 11.0
_CLIVUS_HALF_MM = 13.0
_RIDGE_MM = 10.2
_PETROUS_BOTTOM_MM = -60.0
_WING_BOTTOM_MM = -50.0

Body = tuple[FloatArray, FloatArray]
"""Distances to the body, and to the bone that it is made of."""


@dataclass(frozen=True)
class BaseShape:
    """How a skull base differs from the average one.

    Attributes:
        impressions: Field of the gyri's impressions in the orbital roofs.
        impressions_mm: How deep.
        roof_mm: Height of the orbital roofs over the average ones.
        petrous_mm: Height of the petrous ridges over the average ones.
        middle_mm: Height of the middle fossa's floor over the average one.
        posterior_mm: Height of the posterior fossa's floor over the average one.
        canal_scale: Size of the foramen magnum, 1 on average.
    """

    impressions: SmoothField
    impressions_mm: float
    roof_mm: float
    petrous_mm: float
    middle_mm: float
    posterior_mm: float
    canal_scale: float


def roof_mm(shape: BaseShape, across: FloatArray, y: FloatArray) -> FloatArray:
    """Return the height of the orbital roofs: higher in front and to the sides."""
    roof = np.maximum(across - np.float32(24.0), 0.0)
    roof *= roof
    roof *= np.float32(0.02)
    roof -= np.float32(0.22) * (y + np.float32(54.0))
    roof += np.float32(_ROOF_MM + shape.roof_mm)
    return np.minimum(roof, np.float32(-1.0), out=roof)


def wing_mm(across: FloatArray, y: FloatArray) -> FloatArray:
    """Return the distance behind the sphenoid's lesser wing, negative in the anterior fossa."""
    aside = np.maximum(across, np.float32(19.0)) - np.float32(37.0)
    slope = np.float32(0.08) * aside
    behind = y + np.float32(39.0)
    behind -= np.float32(0.5) * slope * aside
    behind /= np.sqrt(np.float32(1.0) + slope * slope)
    return behind


def ridge_mm(shape: BaseShape, across: FloatArray) -> FloatArray:
    """Return the height of the petrous ridge's crest."""
    return np.float32(0.28) * across + np.float32(-43.0 + shape.petrous_mm)


def behind_ridge_mm(across: FloatArray, y: FloatArray) -> FloatArray:
    """Return the distance behind the petrous ridge's crest."""
    behind = across - np.float32(36.0)
    bend = np.float32(0.006) * behind
    bend *= behind
    behind *= np.float32(-0.627)
    behind += np.float32(0.78) * y
    behind += bend
    behind -= np.float32(_RIDGE_MM)
    return behind


def middle_mm(shape: BaseShape, across: FloatArray, y: FloatArray) -> FloatArray:
    """Return the height of the middle fossa's floor: a bowl that rises most to the side."""
    rise = np.maximum(across - np.float32(42.0), 0.0)
    rise *= rise
    rise *= np.float32(0.02)
    along = np.clip(y + np.float32(18.0), -21.0, 21.0)
    rise += np.float32(0.012) * along * along
    rise += np.float32(_MIDDLE_FLOOR_MM + shape.middle_mm)
    return rise


def posterior_mm(shape: BaseShape, across: FloatArray, y: FloatArray) -> FloatArray:
    """Return the height of the posterior fossa's floor: a bowl that rises most behind."""
    along = np.clip(y - np.float32(CANAL_Y_MM), -22.0, 60.0)
    rise = np.minimum(across, np.float32(46.0))
    rise *= rise
    rise += np.float32(1.25) * along * along
    rise *= np.float32(0.0055)
    rise += np.float32(POSTERIOR_FLOOR_MM - 1.0 + shape.posterior_mm)
    return rise


def anterior_body(shape: BaseShape, grid: PlaneGrid) -> Body:
    """Return distances to the orbital roofs and, between them, the deeper cribriform plate."""
    y, z = grid.y, grid.z
    across = np.abs(grid.x)
    roof = z - roof_mm(shape, across, y)
    bumps = shape.impressions.on(grid)
    bumps *= np.float32(shape.impressions_mm)
    roof += bumps
    roof *= np.float32(0.93)
    above_plate = z - np.float32(CRIBRIFORM_MM)
    slot = np.float32(0.4) * above_plate
    slot -= across
    slot += bumps
    slot += np.float32(CRIBRIFORM_HALF_MM)
    slot *= np.float32(0.92)
    np.maximum(roof, slot, out=roof)
    body = np.minimum(roof, above_plate, out=roof)
    np.maximum(body, wing_mm(across, y), out=body)
    bone = np.maximum(body, np.float32(-2.0) - body)
    np.maximum(bone, np.float32(_WING_BOTTOM_MM) - z, out=bone)
    return body, bone


def sphenoid_body(grid: PlaneGrid) -> Body:
    """Return distances to planum, side walls and clivus."""
    across = np.abs(grid.x)
    below_planum = grid.z - np.float32(PLANUM_MM)
    clivus = np.float32(0.84) * (grid.y + np.float32(10.0))
    clivus += np.float32(0.54) * below_planum
    body = np.float32(0.4) * below_planum
    body += across
    body -= np.float32(11.0)
    body *= np.float32(0.93)
    np.maximum(body, below_planum, out=body)
    np.maximum(body, clivus, out=body)
    front = np.float32(0.8) * below_planum - np.float32(0.6) * (grid.y + np.float32(44.0))
    np.maximum(body, front, out=body)
    # The clivus ends in the front rim of the foramen magnum; the body holds the sinus.
    bone = np.maximum(np.float32(-32.0) - below_planum, np.float32(-10.0) - clivus)
    np.maximum(bone, across - np.float32(_CLIVUS_HALF_MM), out=bone)
    np.minimum(bone, np.float32(-23.0) - below_planum, out=bone)
    np.maximum(bone, body, out=bone)
    return body, bone


def petrous_and_middle_body(shape: BaseShape, grid: PlaneGrid) -> Body:
    """Return distances to the petrous ridges, gentle in front and steep behind, and before them."""
    y, z = grid.y, grid.z
    across = np.abs(grid.x)
    bumps = shape.impressions.on(grid)
    bumps *= np.float32(0.6 * shape.impressions_mm)
    below_crest = z - ridge_mm(shape, across)
    behind = behind_ridge_mm(across, y)
    rear = np.float32(2.2) * behind
    rear += below_crest
    rear *= np.float32(1.0 / 2.42)
    petrous = np.subtract(below_crest, behind, out=below_crest)
    petrous *= np.float32(0.71)
    np.maximum(petrous, rear, out=petrous)
    petrous += bumps
    below_bottom = np.float32(_PETROUS_BOTTOM_MM) - z
    bone = np.maximum(petrous, below_bottom)
    np.maximum(bone, np.float32(-15.0) - behind, out=bone)
    middle = z - middle_mm(shape, across, y)
    middle += bumps
    middle *= np.float32(0.9)
    np.maximum(middle, rear, out=middle)
    plate = np.float32(-4.0) - middle
    np.maximum(plate, middle, out=plate)
    np.maximum(plate, np.float32(-3.0) - wing_mm(across, y), out=plate)
    np.maximum(plate, below_bottom, out=plate)
    np.minimum(bone, plate, out=bone)
    return np.minimum(petrous, middle, out=petrous), bone


def posterior_body(shape: BaseShape, grid: PlaneGrid) -> Body:
    """Return distances to the floor of the posterior fossa."""
    across = np.abs(grid.x)
    body = grid.z - posterior_mm(shape, across, grid.y)
    body *= np.float32(0.92)
    bone = np.float32(-5.5) - body
    np.maximum(bone, body, out=bone)
    across *= across
    across *= np.float32(0.01)
    across -= grid.y
    across += np.float32(_BASION_Y_MM - 5.0)
    return body, np.maximum(bone, across, out=bone)
