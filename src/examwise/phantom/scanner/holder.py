"""The head holder, and what else lies beside a head in the gantry."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from examwise.phantom.grid import FloatArray
from examwise.phantom.shapes import fraction_inside

_AIR_BELOW_HU = -450.0
_AIR_RANGE_HU = 400.0


@dataclass(frozen=True)
class HolderShape:
    """A trough along the table: its cross-section, open to the front.

    Attributes:
        radius_mm: Half its inner width, and radius of its round bottom.
        arms_mm: How far its sides reach to the front of the round bottom's centre; negative where
            they end on the round part.
        wall_mm: Thickness of the wall.
        wall_hu: Density of the wall.
        core_hu: Density of the wall's middle where the wall is a sandwich; else as the wall.
        gap_mm: Least and largest distance between its bottom and the back of a head.
        foam_mm: Thickness of the foam inside.
        foam_hu: Its density.
        skin_hu: Density of the foam's skin, a millimetre thick.
        wave_mm: How much the height of the sides varies along the table.
        widening_mm: How much wider it is at the front, over 100 mm.
    """

    radius_mm: float
    arms_mm: float
    wall_mm: float
    wall_hu: float
    core_hu: float
    gap_mm: tuple[float, float]
    foam_mm: float
    foam_hu: float
    skin_hu: float
    wave_mm: float
    widening_mm: float


@dataclass(frozen=True)
class Band:
    """A strap, a sheet or the edge of a pillow around the head: part of an ellipse.

    Attributes:
        center_mm: Middle (x, y).
        radii_mm: Semi-axes along x and y.
        front: Whether it goes around the front, or the back, of its middle.
        from_mm: Where it ends: this far to the front (or back) of its middle.
        thick_mm: Thickness.
        hu: Density.
        ripple_mm: Height of its waves.
        ripples: Waves on a full turn.
    """

    center_mm: tuple[float, float]
    radii_mm: tuple[float, float]
    front: bool
    from_mm: float
    thick_mm: float
    hu: float
    ripple_mm: float
    ripples: int


@dataclass(frozen=True)
class Rod:
    """A tube or a wire along the table.

    Attributes:
        center_mm: Middle (x, y).
        radius_mm: Outer radius.
        hollow_mm: Inner radius, 0 if solid.
        hu: Density.
        lean: How far it moves to the front per mm upwards.
    """

    center_mm: tuple[float, float]
    radius_mm: float
    hollow_mm: float
    hu: float
    lean: float


@dataclass(frozen=True)
class Surroundings:
    """Everything beside the head, in mm of the gantry's own coordinates.

    Attributes:
        shape: The holder.
        bottom_mm: Deepest point of the holder's inner surface (x, y).
        bands: Straps, sheets, pillows.
        rods: Tubes and wires.
    """

    shape: HolderShape
    bottom_mm: tuple[float, float]
    bands: tuple[Band, ...] = ()
    rods: tuple[Rod, ...] = ()


def surroundings_hu(
    around: Surroundings, *, x_mm: FloatArray, y_mm: FloatArray, z_mm: float
) -> FloatArray:
    """Return densities above that of air, as if there were no head.

    Args:
        around: What there is.
        x_mm: Towards the patient's left, float32, of each column.
        y_mm: Towards the back, float32, of each row.
        z_mm: Height of the slice along the table.

    Returns:
        float32, shape (rows, columns).
    """
    x, y = x_mm[None, :], y_mm[:, None]
    pixel_mm = float(abs(x_mm[1] - x_mm[0]))
    added = _holder(around, x, y, z_mm, pixel_mm)
    for band in around.bands:
        np.maximum(added, _band(band, x, y, pixel_mm), out=added)
    for rod in around.rods:
        middle = np.float32(rod.center_mm[1] - rod.lean * z_mm)
        distance = np.hypot(x - np.float32(rod.center_mm[0]), y - middle)
        material = _layer(
            distance - np.float32(0.5 * (rod.radius_mm + rod.hollow_mm)),
            rod.radius_mm - rod.hollow_mm,
            pixel_mm,
        )
        np.maximum(added, material * np.float32(rod.hu + 1000.0), out=added)
    return added


def place_beside(hu: FloatArray, added: FloatArray) -> None:
    """Add surroundings to densities, in place, where these are air.

    Example:
        >>> hu = np.array([-1000.0, 40.0], np.float32)
        >>> place_beside(hu, np.array([300.0, 300.0], np.float32))
        >>> hu.tolist()
        [-700.0, 40.0]
    """
    airy = hu * np.float32(-1.0 / _AIR_RANGE_HU)
    airy += np.float32(_AIR_BELOW_HU / _AIR_RANGE_HU)
    np.clip(airy, 0.0, 1.0, out=airy)
    airy *= added
    hu += airy


def _holder(
    around: Surroundings, x: FloatArray, y: FloatArray, z_mm: float, pixel_mm: float
) -> FloatArray:
    shape = around.shape
    middle_y = around.bottom_mm[1] - shape.radius_mm
    below = y - np.float32(middle_y)
    widening = np.float32(shape.widening_mm / 100.0) * np.minimum(below, 0.0)
    depth = np.hypot(x - np.float32(around.bottom_mm[0]), np.maximum(below, 0.0))
    depth -= np.float32(shape.radius_mm)
    depth += widening
    # Sides taper off to the front over a centimetre.
    reach = shape.arms_mm + shape.wave_mm * float(np.sin(z_mm / 28.0))
    held = np.clip((below + np.float32(reach)) / np.float32(max(pixel_mm, 3.0)) + 0.5, 0.0, 1.0)
    wall = _layer(depth - np.float32(0.5 * shape.wall_mm), shape.wall_mm, pixel_mm)
    added = wall * np.float32(shape.wall_hu + 1000.0)
    if shape.core_hu != shape.wall_hu:
        core = _layer(
            depth - np.float32(0.5 * shape.wall_mm), max(shape.wall_mm - 2.0, 0.5), pixel_mm
        )
        added += core * np.float32(shape.core_hu - shape.wall_hu)
    if shape.foam_mm:
        foam = _layer(depth + np.float32(0.5 * shape.foam_mm), shape.foam_mm, pixel_mm)
        np.maximum(added, foam * np.float32(shape.foam_hu + 1000.0), out=added)
        skin = _layer(depth + np.float32(shape.foam_mm), 1.0, pixel_mm)
        np.maximum(added, skin * np.float32(shape.skin_hu + 1000.0), out=added)
    added *= held
    return added


def _band(band: Band, x: FloatArray, y: FloatArray, pixel_mm: float) -> FloatArray:
    across = (x - np.float32(band.center_mm[0])) / np.float32(band.radii_mm[0])
    down = (y - np.float32(band.center_mm[1])) / np.float32(band.radii_mm[1])
    level = np.hypot(across, down)
    distance = (level - 1.0) * np.float32(0.5 * sum(band.radii_mm))
    if band.ripple_mm:
        turn = np.arctan2(down, across)
        distance += np.float32(band.ripple_mm) * np.sin(np.float32(band.ripples) * turn)
    ahead = (-down if band.front else down) * np.float32(band.radii_mm[1])
    held = np.clip((ahead - np.float32(band.from_mm)) / np.float32(8.0) + 0.5, 0.0, 1.0)
    layer = _layer(distance, band.thick_mm, pixel_mm)
    layer *= held
    layer *= np.float32(band.hu + 1000.0)
    return layer


def _layer(distance_mm: FloatArray, thick_mm: float, pixel_mm: float) -> FloatArray:
    """Return how much of a pixel a layer fills, given distances to its middle."""
    # A layer thinner than a pixel fills its share of it.
    half = np.float32(0.5 * max(thick_mm, pixel_mm))
    share = np.float32(min(1.0, thick_mm / pixel_mm))
    fraction = fraction_inside(np.abs(distance_mm) - half, pixel_mm)
    fraction *= share
    return fraction
