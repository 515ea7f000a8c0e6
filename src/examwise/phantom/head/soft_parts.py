"""Soft parts outside the skull: skin, fat, muscles, glands, ears."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from examwise.phantom.grid import FloatArray, PlaneGrid, bounding_window
from examwise.phantom.head.painter import Painter
from examwise.phantom.head.skin import TEMPORALIS_BOX_MM, SoftShape, temporalis_mm
from examwise.phantom.head.solids import Solid, Tube, both_sides, lump
from examwise.phantom.shapes import blend, fraction_inside
from examwise.phantom.waves import SmoothField

FAT_HU = -98.0
SKIN_HU = 48.0
_GALEA_HU = 5.0
_GALEA_MM = 1.0
_VESSEL_HU, _PAROTID_HU, _CARTILAGE_HU = 45.0, -5.0, 70.0

_FACE_MUSCLES = both_sides(
    Tube((61.0, -46.0, -64.0), (56.0, -24.0, -104.0), 9.5, 1.25),
    Tube((20.0, -30.0, -66.0), (46.0, -6.0, -66.0), 8.5),
    Tube((22.0, -28.0, -76.0), (44.0, -16.0, -106.0), 9.0),
    Tube((54.0, -40.0, -46.0), (50.0, -34.0, -72.0), 11.0, 1.1),
    lump((56.0, -28.0, -36.0), (10.0, 26.0, 24.0)),
    lump((51.0, -30.0, -58.0), (12.0, 21.0, 17.0)),
    lump((33.0, -20.0, -60.0), (15.0, 13.0, 9.0), 20.0),
    lump((10.0, 4.0, -84.0), (11.0, 7.5, 26.0)),
    lump((15.0, -14.0, -78.0), (7.0, 8.0, 18.0)),
    lump((44.0, 8.0, -84.0), (8.0, 8.0, 20.0)),
    lump((26.0, -86.0, -94.0), (20.0, 5.0, 12.0), -25.0),
    lump((45.0, -74.0, -82.0), (5.0, 13.0, 16.0), 35.0),
    lump((35.0, -70.0, -98.0), (5.0, 22.0, 14.0), 28.0),
)
_TONGUE: tuple[Solid, ...] = (
    lump((0.0, -56.0, -103.0), (23.0, 29.0, 16.0)),
    lump((0.0, -90.0, -98.0), (24.0, 6.0, 13.0)),
    lump((0.0, -33.0, -92.0), (15.0, 9.0, 9.0)),
)
_NECK: tuple[Solid, ...] = (
    lump((0.0, 54.0, -98.0), (58.0, 36.0, 56.0)),
    *both_sides(
        lump((56.0, 28.0, -96.0), (12.0, 22.0, 44.0), -25.0),
        lump((30.0, 64.0, -56.0), (26.0, 10.0, 15.0), -28.0),
        lump((10.0, 70.0, -50.0), (13.0, 9.0, 18.0), -10.0),
    ),
)
_VESSELS = both_sides(
    Tube((27.0, 4.0, -66.0), (29.0, 4.0, -130.0), 3.0),
    Tube((33.0, 12.0, -64.0), (37.0, 10.0, -130.0), 4.4),
)
_PAROTIDS = both_sides(lump((58.0, 2.0, -82.0), (12.0, 13.0, 24.0), -15.0))
_EAR_CARTILAGE = both_sides(
    Tube((74.0, 9.0, -49.0), (60.0, 8.5, -49.0), 5.5),
)
_BETWEEN_HU = 40.0
_BETWEEN_LEVEL = 0.5
_BETWEEN_TOP_MM = -38.0
_EAR_TILT = 0.55
_EAR_MIDDLE_MM = (76.0, 21.0, -40.0)
_EAR_HALF_MM = (14.5, 30.0)


@dataclass(frozen=True)
class SoftTissue:
    """What soft parts are made of.

    Attributes:
        strands: Field whose zero level is the fat between muscles.
        septa: Field whose zero level is the thinner fat within muscles.
        crumbs: Field that makes what lies between muscles partly fat, partly not.
        muscle_hu: Density of muscle.
        fatty: How much fat lies between and within muscles, 0 to 1.
    """

    strands: SmoothField
    septa: SmoothField
    crumbs: SmoothField
    muscle_hu: float
    fatty: float


def lay_skin(
    soft: SoftShape, skin: FloatArray, outer: FloatArray, air_hu: float, edge_mm: float
) -> FloatArray:
    """Return densities of skin and the fat under it, in air.

    Args:
        soft: The soft parts' shape.
        skin: Distance to the skin.
        outer: Distance to the skull's outer table.
        air_hu: Density of air.
        edge_mm: Width over which tissues merge.
    """
    hu = fraction_inside(skin + np.float32(soft.skin_mm), edge_mm)
    hu *= np.float32(FAT_HU - SKIN_HU)
    hu += np.float32(SKIN_HU)
    # The galea, a thin sheet, covers the skull.
    galea = np.abs(outer - np.float32(0.4 * soft.scalp_mm))
    galea -= np.float32(0.5 * _GALEA_MM)
    sheet = fraction_inside(galea, edge_mm)
    sheet *= hu < 0.0
    hu += np.float32(0.6) * sheet * (np.float32(_GALEA_HU) - hu)
    hu -= np.float32(air_hu)
    hu *= fraction_inside(skin, edge_mm)
    hu += np.float32(air_hu)
    return hu


def paint_temporalis(
    hu: FloatArray,
    grid: PlaneGrid,
    soft: SoftShape,
    tissue: SoftTissue,
    outer: FloatArray,
    edge_mm: float,
) -> None:
    """Lay the temporal muscles on the sides of the skull."""
    for side in (-1.0, 1.0):
        middle, reach = TEMPORALIS_BOX_MM
        window = grid.window((side * middle[0], middle[1], middle[2]), reach)
        if window is None:
            continue
        part = grid.crop(window)
        above = outer[window]
        thickness = temporalis_mm(soft, part)
        distance = above - thickness
        np.maximum(distance, np.float32(-2.0) - above, out=distance)
        streaks = tissue.strands.on(part)
        streaks *= np.float32(7.0 + 12.0 * tissue.fatty)
        streaks += np.float32(tissue.muscle_hu)
        fraction = fraction_inside(distance, edge_mm)
        # It thins out towards its rim, whatever the edge's width.
        fraction *= np.minimum(thickness, 1.0, out=thickness)
        blend(hu[window], streaks, fraction)


def paint_soft_parts(painter: Painter, tissue: SoftTissue, skin: FloatArray, fat_mm: float) -> None:
    """Lay out muscles, vessels and glands of face and neck.

    Args:
        painter: Densities of the planes.
        tissue: What they are made of.
        skin: Distance to the skin on the same planes.
        fat_mm: How far below the skin muscles begin.
    """
    _fill_between(painter, tissue, skin, fat_mm)
    gap_mm = 0.4 + 0.7 * tissue.fatty
    muscles = [(solid, tissue.muscle_hu) for solid in (*_NECK, *_FACE_MUSCLES, *_TONGUE)]
    glands = [(solid, _PAROTID_HU - 40.0 * tissue.fatty) for solid in _PAROTIDS]
    for solid, hu in (*glands, *muscles):
        if found := painter.near(solid):
            part, distance, window = found
            places = painter.grid.crop(window)
            for field, half_mm in ((tissue.strands, gap_mm), (tissue.septa, 0.45 * gap_mm)):
                between = np.abs(field.on(places))
                between *= np.float32(1.0 / field.wave_number)
                np.maximum(distance, np.float32(half_mm) - between, out=distance)
            np.maximum(distance, skin[window] + np.float32(fat_mm), out=distance)
            blend(part, hu, fraction_inside(distance, painter.edge_mm))
    painter.paint(_VESSELS, _VESSEL_HU)
    painter.paint(_EAR_CARTILAGE, _CARTILAGE_HU)


def _fill_between(painter: Painter, tissue: SoftTissue, skin: FloatArray, fat_mm: float) -> None:
    """Mix vessels, fascia and small muscles, too many to draw, into the fat under the skin's."""
    deep = np.maximum(skin + np.float32(fat_mm), painter.grid.z - np.float32(_BETWEEN_TOP_MM))
    window = bounding_window(deep < np.float32(0.5 * painter.edge_mm))
    if window is None:
        return
    level = np.float32(_BETWEEN_LEVEL * (2.0 * tissue.fatty - 1.0))
    distance = level - tissue.crumbs.on(painter.grid.crop(window))
    distance *= np.float32(1.0 / tissue.crumbs.wave_number)
    np.maximum(distance, deep[window], out=distance)
    part = painter.hu[window]
    # Bone, air and orbits are drawn later; skin and the fat under it are left alone.
    blend(part, _BETWEEN_HU, fraction_inside(distance, painter.edge_mm))


def paint_ears(painter: Painter) -> None:
    """Lay out both ears: thin plates that lean back, with a rolled rim."""
    x0, y0, z0 = (np.float32(value) for value in _EAR_MIDDLE_MM)
    for side in (-1.0, 1.0):
        window = painter.grid.window((side * 80.0, 24.0, -40.0), (18.0, 24.0, 36.0))
        if window is None:
            continue
        points = painter.points
        aside = points.x[window] * np.float32(side) - x0
        back = points.y[window] - y0
        up = (points.z[window] - z0) * np.float32(1.0 / _EAR_HALF_MM[1])
        length = np.float32(np.hypot(1.0, _EAR_TILT))
        off = (aside - np.float32(_EAR_TILT) * back) / length
        along = (back + np.float32(_EAR_TILT) * aside) / (length * np.float32(_EAR_HALF_MM[0]))
        rim = np.sqrt(along * along + up * up)
        rim -= np.float32(1.0)
        rim *= np.float32(_EAR_HALF_MM[0])
        # The plate is wavy: antihelix and concha.
        off += np.float32(2.2) * np.sin(np.float32(4.5) * along)
        plate = np.maximum(np.abs(off) - np.float32(1.4), rim)
        roll = np.sqrt(rim * rim + off * off)
        roll -= np.float32(2.4)
        distance = np.minimum(plate, roll)
        part = painter.hu[window]
        fraction = fraction_inside(distance, painter.edge_mm)
        np.maximum(part, np.float32(-1000.0) + fraction * np.float32(1060.0), out=part)
