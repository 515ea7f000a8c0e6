"""Bones of the face, of the ear's surroundings and of the upper neck."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from examwise.phantom.grid import FloatArray
from examwise.phantom.head.painter import Painter
from examwise.phantom.head.solids import Block, Solid, Tube, both_sides, lump
from examwise.phantom.shapes import blend, fraction_inside

_COMPACT_HU, _THIN_HU, _MARROW_HU = 1050.0, 520.0, 330.0
_OTIC_HU, _TEETH_HU = 1750.0, 2300.0
_TABLE_MM = 1.3
_SKIN_OVER_BONE_MM = 2.5

_ZYGOMAS: tuple[Solid, ...] = (
    Tube((46.5, -68.5, -28.0), (45.5, -67.0, -52.0), 3.4),
    Tube((46.0, -66.0, -54.0), (40.0, -76.0, -62.0), 4.2),
    Tube((40.0, -76.0, -62.0), (26.0, -84.0, -58.0), 3.4),
    Tube((50.0, -63.0, -56.0), (61.0, -44.0, -57.0), 2.6, 1.2),
    Tube((61.0, -44.0, -57.0), (66.0, -24.0, -56.0), 2.4, 1.3),
    Tube((66.0, -24.0, -56.0), (62.0, -2.0, -53.0), 2.6, 1.3),
)
_MAXILLAS: tuple[Solid, ...] = (
    Tube((16.0, -82.0, -48.0), (20.0, -85.0, -60.0), 2.6),
    Tube((16.0, -80.0, -80.0), (34.0, -64.0, -82.0), 4.0),
    Tube((0.0, -87.0, -87.0), (14.0, -83.0, -87.0), 3.6),
    Tube((14.0, -83.0, -87.0), (23.0, -68.0, -87.0), 4.0),
    Tube((23.0, -68.0, -87.0), (26.0, -50.0, -87.0), 4.2),
)
_SUPRAORBITAL: tuple[Solid, ...] = (
    Tube((12.0, -87.0, -27.0), (32.0, -84.0, -22.0), 3.6),
    Tube((32.0, -84.0, -22.0), (48.0, -70.0, -28.0), 3.6),
)
_NASAL: tuple[Solid, ...] = (
    Tube((4.0, -89.0, -33.0), (5.5, -97.0, -55.0), 1.6),
    Tube((9.0, -84.0, -40.0), (10.0, -90.0, -60.0), 1.7),
    Tube((5.5, -97.0, -50.0), (10.0, -88.0, -54.0), 1.3),
)
_PTERYGOIDS: tuple[Solid, ...] = (
    Block((13.5, -34.0, -68.0), (0.9, 6.5, 15.0), 0.8, -8.0),
    Block((20.0, -33.0, -68.0), (0.9, 8.0, 14.0), 0.8, 25.0),
    lump((16.0, -39.0, -58.0), (4.5, 4.5, 10.0)),
)
_MANDIBLE: tuple[Solid, ...] = (
    lump((52.0, -1.0, -61.0), (9.0, 4.3, 5.5), -12.0),
    Tube((51.5, -3.0, -66.0), (50.0, -8.0, -78.0), 3.8, 1.3),
    Tube((51.0, -36.0, -64.0), (50.5, -28.0, -82.0), 2.8, 1.6),
    Block((49.0, -18.0, -98.0), (2.6, 15.0, 20.0), 2.0, -6.0),
)
_STYLOID: tuple[Solid, ...] = (Tube((38.0, 12.0, -62.0), (33.0, 4.0, -84.0), 1.7),)
_CONDYLES: tuple[Solid, ...] = (lump((19.0, 17.0, -66.0), (6.0, 11.0, 6.5), -28.0),)
_OTIC: tuple[Solid, ...] = (
    lump((34.0, 9.0, -43.0), (6.5, 4.0, 5.0), 35.0),
    lump((28.0, 5.0, -46.0), (5.0, 4.5, 4.5), 35.0),
)
_ATLAS: tuple[Solid, ...] = (
    lump((21.0, 25.0, -77.0), (8.5, 11.0, 7.0), -20.0),
    Tube((26.0, 27.0, -78.0), (39.0, 29.0, -79.0), 3.4),
    Tube((0.0, 10.0, -78.0), (16.0, 17.0, -77.0), 3.2),
    Tube((0.0, 47.0, -79.0), (13.0, 44.0, -79.0), 3.4),
    Tube((13.0, 44.0, -79.0), (21.0, 33.0, -78.0), 3.0),
    lump((16.0, 24.0, -92.0), (10.0, 10.0, 7.0)),
)
_MIDLINE: tuple[Solid, ...] = (
    Tube((0.0, 17.5, -69.0), (0.0, 16.5, -90.0), 5.2),
    lump((0.0, 10.0, -100.0), (13.0, 10.0, 13.0)),
    lump((0.0, 50.0, -97.0), (4.0, 10.0, 6.0)),
    lump((0.0, -62.0, -85.0), (13.0, 17.0, 1.4)),
)
_TEETH = both_sides(
    *(
        Block((float(x), float(y), -97.0), (3.0, 3.4, 9.0), 2.0, float(-turn))
        for x, y, turn in (
            (4.0, -88.0, 5.0),
            (11.0, -85.5, 20.0),
            (17.0, -80.0, 40.0),
            (21.0, -73.0, 60.0),
            (24.0, -65.0, 75.0),
            (26.0, -56.0, 85.0),
        )
    )
)


@dataclass(frozen=True)
class FaceBones:
    """What differs between patients' facial bones.

    Attributes:
        dense_hu: Density of compact bone against the mean.
        teeth: Whether there are teeth.
        mastoid_size: Size of the mastoid processes.
    """

    dense_hu: float
    teeth: bool
    mastoid_size: float

    @cached_property
    def strong(self) -> tuple[Solid, ...]:
        """Bones with marrow between compact tables."""
        size = self.mastoid_size
        mastoid: tuple[Solid, ...] = (
            lump((55.0, 26.0, -52.0), (10.5 * size, 15.0 * size, 20.0 * size), -15.0),
            lump((50.0, 16.0, -41.0), (13.0, 8.5, 9.0), 35.0),
            lump((52.0, -4.0, -51.0), (14.0, 11.0, 3.5)),
        )
        return (
            both_sides(
                *mastoid,
                *_ZYGOMAS,
                *_MAXILLAS,
                *_SUPRAORBITAL,
                *_MANDIBLE,
                *_STYLOID,
                *_CONDYLES,
                *_ATLAS,
            )
            + _MIDLINE
        )

    @cached_property
    def thin(self) -> tuple[Solid, ...]:
        """Thin plates."""
        return both_sides(*_NASAL, *_PTERYGOIDS)


def paint_face_bones(
    painter: Painter, bones: FaceBones, grain: FloatArray, skin: FloatArray
) -> None:
    """Lay out the face's bones; spongy inside, where they are thick.

    Args:
        painter: Densities of the planes.
        bones: The patient's.
        grain: Texture of spongy bone on the same planes, in HU.
        skin: Distance to the skin there; bones stay below it.
    """
    compact = np.float32(_COMPACT_HU + bones.dense_hu)
    below_skin = skin + np.float32(_SKIN_OVER_BONE_MM)
    for solid in bones.strong:
        if found := painter.near(solid):
            part, distance, window = found
            np.maximum(distance, below_skin[window], out=distance)
            value = np.clip(distance + np.float32(_TABLE_MM + 1.0), 0.0, 1.0)
            value *= compact - np.float32(_MARROW_HU)
            value += np.float32(_MARROW_HU)
            value += grain[window]
            blend(part, value, fraction_inside(distance, painter.edge_mm))
    for solid in bones.thin:
        if found := painter.near(solid):
            part, distance, window = found
            np.maximum(distance, below_skin[window], out=distance)
            blend(part, _THIN_HU, fraction_inside(distance, painter.edge_mm))
    if bones.teeth:
        painter.paint(_TEETH, _TEETH_HU)


def paint_otic_capsules(painter: Painter, bones: FaceBones) -> None:
    """Lay out the densest bone of the body around the inner ear."""
    painter.paint(both_sides(*_OTIC), _OTIC_HU + bones.dense_hu)
