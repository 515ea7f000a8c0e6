"""The skull's vault: inner table, thickness and outer table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from examwise.phantom.grid import FloatArray, PlaneGrid, Vector
from examwise.phantom.head.polynomials import Polynomial, ellipsoid_distance
from examwise.phantom.waves import SmoothField

MEAN_RADII_MM: Vector = (65.0, 81.0, 78.0)
"""Semi-axes of an average inner table: to the side, front to back, upwards."""
MEAN_DEPTH_MM = 88.0
THINNEST_MM = 2.8
_MOST_DEVIATION_MM = 14.0
_INNERMOST = 0.45
"""Level of the ellipsoid within which directions no longer count."""
_LOW_OCCIPUT_MM = 16.0
_TEMPLE_MM = (-26.0, 0.0)
"""Where the head is narrowest between forehead and ears: y and z."""


@dataclass(frozen=True)
class VaultShape:
    """How an inner table differs from an ellipsoid, and how thick its bone is.

    Departures are in mm where the coordinates are one semi-axis long, positive outwards; the means
    were measured on an average head (the CT template of Rorden et al., 2012).

    Attributes:
        forward: Departure of the back; the front's is opposite.
        wide_behind: How much wider the head is behind its middle than in front of it.
        square_plan: How far corners of the horizontal section stand out: flat sides.
        square_front: How far corners of the coronal section stand out.
        crown_behind: How far the vertex lies behind the middle, and the forehead leans back.
        pinched: How far forehead and occiput are drawn in beside the midline's ends.
        temples_mm: How far the temples are drawn in.
        skewed: One side's back against the other's: a head that lay on one side.
        outline: Field that makes the outline irregular.
        outline_mm: How far.
        thickness_mm: Mean thickness.
        thin_temples: Share by which the temples are thinner.
        thick_front: Share by which the forehead is thicker.
        thick_back: Share by which the occiput is thicker.
        thick_top: Share by which the vertex is thicker.
        uneven: Field of slow changes of thickness.
    """

    forward: float
    wide_behind: float
    square_plan: float
    square_front: float
    crown_behind: float
    pinched: float
    temples_mm: float
    skewed: float
    outline: SmoothField
    outline_mm: float
    thickness_mm: float
    thin_temples: float
    thick_front: float
    thick_back: float
    thick_top: float
    uneven: SmoothField


def vault_distance(
    shape: VaultShape, radii_mm: Vector, depth_mm: float, grid: PlaneGrid
) -> FloatArray:
    """Return the signed distance to the inner table, closed below.

    Args:
        shape: How it departs from an ellipsoid.
        radii_mm: The ellipsoid's semi-axes.
        depth_mm: Its lower semi-axis.
        grid: Where.
    """
    side, length, height = radii_mm
    middle = 0.5 * (height + depth_mm)
    radii = (side, length, middle)
    found = ellipsoid_distance(grid, (0.0, 0.0, 0.0), radii)
    distance, level = found.mm, found.level
    # Departures depend on direction alone, so that the head's surfaces are parallel.
    np.maximum(level, np.float32(_INNERMOST), out=level)
    departure = np.zeros_like(level)
    for degree in (4, 3, 2, 1):
        terms = _departures(shape, height - depth_mm, degree)
        departure += Polynomial(terms, radii).on(grid)
        departure /= level
    np.clip(departure, -_MOST_DEVIATION_MM, _MOST_DEVIATION_MM, out=departure)
    distance -= departure
    outline = shape.outline.on(grid)
    outline *= np.float32(shape.outline_mm)
    distance -= outline
    z = grid.z
    low = np.flatnonzero(z.min(axis=(1, 2)) < 0)
    if low.size:
        planes = slice(int(low[0]), int(low[-1]) + 1)
        # Below the widest level the occiput slopes forward to the foramen magnum.
        nearer = np.float32(1.0) / level[planes]
        back = np.maximum(grid.y[planes] * nearer, 0.0)
        back *= np.float32(1.0 / length)
        back *= back
        nearer *= z[planes]
        nearer *= np.float32(-_LOW_OCCIPUT_MM / depth_mm)
        back *= np.maximum(nearer, 0.0, out=nearer)
        distance[planes] += back
    for sign in (-1.0, 1.0):
        window = grid.window((sign * 55.0, _TEMPLE_MM[0], _TEMPLE_MM[1]), (40.0, 34.0, 38.0))
        if window is not None:
            part = grid.crop(window)
            along = (part.y - np.float32(_TEMPLE_MM[0])) * np.float32(1.0 / 34.0)
            up = (part.z - np.float32(_TEMPLE_MM[1])) * np.float32(1.0 / 38.0)
            hollow = np.maximum(np.float32(1.0) - along * along - up * up, 0.0)
            hollow *= np.clip(np.abs(part.x) * np.float32(0.04) - np.float32(1.0), 0.0, 1.0)
            hollow *= np.float32(shape.temples_mm)
            distance[window] += hollow
    return distance


def _departures(
    shape: VaultShape, higher_mm: float, degree: int
) -> tuple[tuple[float, int, int, int], ...]:
    """Return a polynomial's terms of one degree: departures from the ellipsoid, in mm."""
    pinched = shape.pinched
    terms = (
        (0.5 * higher_mm, 0, 0, 1),
        (-shape.forward, 0, 1, 0),
        (-pinched, 0, 2, 0),
        (-0.3 * pinched, 2, 0, 0),
        (shape.skewed, 1, 1, 0),
        (shape.wide_behind, 2, 1, 0),
        (shape.crown_behind, 0, 1, 2),
        (pinched, 0, 4, 0),
        (shape.square_plan, 2, 2, 0),
        (shape.square_front, 2, 0, 2),
    )
    return tuple(term for term in terms if sum(term[1:]) == degree)


def vault_thickness(shape: VaultShape, radii_mm: Vector, grid: PlaneGrid) -> FloatArray:
    """Return the thickness of the skull at the nearest place of the vault, in mm."""
    mean = shape.thickness_mm
    front = 0.5 * (shape.thick_front + shape.thick_back)
    tilt = 0.5 * (shape.thick_back - shape.thick_front)
    terms = (
        (mean, 0, 0, 0),
        (mean * front, 0, 2, 0),
        (mean * tilt, 0, 1, 0),
        (mean * shape.thick_top, 0, 0, 2),
        (-mean * shape.thin_temples, 2, 0, 0),
    )
    thickness = Polynomial(terms, radii_mm).on(grid)
    thickness += np.float32(0.09 * mean) * shape.uneven.on(grid)
    return np.clip(thickness, THINNEST_MM, 2.2 * mean, out=thickness)
