"""Orbits: eyes, muscles, optic nerves and fat within thin walls."""

from __future__ import annotations

from dataclasses import dataclass

from examwise.phantom.head.painter import Painter
from examwise.phantom.head.solids import Cut, Tube, both_sides, lump

_FAT_HU = -95.0
_VITREOUS_HU, _EYE_WALL_HU, _LENS_HU = 7.0, 68.0, 85.0
_MUSCLE_HU, _NERVE_HU, _GLAND_HU = 50.0, 34.0, 42.0
_EYE_WALL_MM = 1.5
_WALL_HU = 550.0
_ORBITS = both_sides(lump((27.0, -64.0, -37.5), (15.0, 28.0, 14.5), 20.0))
# Open in front, more to the side than to the nose.
_WALLS = both_sides(
    Cut(
        lump((27.0, -64.0, -37.5), (16.2, 29.2, 15.5), 20.0),
        (0.45, -1.0, 0.0),
        (31.0, -75.0, -38.0),
    )
)
_EYES = both_sides(lump((31.0, -78.5, -38.0), (11.0, 11.2, 11.0)))
_LENSES = both_sides(lump((31.5, -86.0, -38.0), (4.6, 2.1, 4.6)))
_LENSES_REPLACED = both_sides(lump((31.5, -86.0, -38.0), (3.2, 0.8, 3.2)))
_MUSCLES = both_sides(
    Tube((18.5, -78.0, -38.0), (15.0, -48.0, -36.0), 3.6, 2.0),
    Tube((42.5, -74.0, -38.0), (20.0, -46.0, -36.0), 3.4, 1.6),
    Tube((31.0, -78.0, -27.5), (18.0, -46.0, -32.0), 2.4, 0.6),
    Tube((31.0, -78.0, -48.5), (18.0, -46.0, -41.0), 2.6, 0.6),
)
_NERVES = both_sides(
    Tube((30.0, -68.0, -38.0), (22.0, -55.0, -36.0), 2.4),
    Tube((22.0, -55.0, -36.0), (13.0, -38.0, -33.5), 2.2),
)
_GLANDS = both_sides(lump((42.0, -78.0, -30.0), (3.0, 7.0, 6.0), 30.0))


@dataclass(frozen=True)
class Orbits:
    """What differs between patients' orbits.

    Attributes:
        lenses_replaced: Whether cataract operations left thin artificial lenses.
    """

    lenses_replaced: bool


def paint_orbits(painter: Painter, orbits: Orbits) -> None:
    """Lay out orbits and eyes."""
    painter.paint(_WALLS, _WALL_HU)
    painter.paint(_ORBITS, _FAT_HU)
    painter.paint(_MUSCLES, _MUSCLE_HU)
    painter.paint(_NERVES, _NERVE_HU)
    painter.paint(_GLANDS, _GLAND_HU)
    painter.shell(_EYES, _VITREOUS_HU, wall_hu=_EYE_WALL_HU, wall_mm=_EYE_WALL_MM)
    if orbits.lenses_replaced:
        painter.paint(_LENSES_REPLACED, 130.0)
    else:
        painter.paint(_LENSES, _LENS_HU)
