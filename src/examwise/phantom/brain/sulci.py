"""Where the named sulci run, approximately: no atlas was measured for it.

Points are in the head's own frame in mm (see :mod:`examwise.phantom.grid`) for a head of average
size; ``x`` counts from the midline, whatever the side.
"""

from __future__ import annotations

from dataclasses import dataclass

from examwise.phantom.grid import Vector


@dataclass(frozen=True)
class Sulcus:
    """A named furrow of the brain.

    Attributes:
        path: Points along it on the brain's surface.
        depth_mm: How deep it is.
        opening_mm: By how much it is wider than other furrows in an old brain.
    """

    path: tuple[Vector, ...]
    depth_mm: float
    opening_mm: float = 0.0


LATERAL_SULCI = {
    "central": Sulcus(
        ((10, 15, 66), (24, 11, 54), (36, 5, 45), (46, -3, 31), (55, -10, 16), (59, -12, 8)), 17.0
    ),
    "precentral": Sulcus(((19, -6, 60), (31, -10, 50), (42, -18, 35), (51, -24, 18)), 14.0),
    "postcentral": Sulcus(((14, 27, 63), (31, 22, 54), (44, 14, 43), (57, 5, 24)), 14.0),
    "superior frontal": Sulcus(((23, -14, 52), (23, -35, 44), (23, -54, 31), (21, -68, 16)), 16.0),
    "inferior frontal": Sulcus(((40, -22, 27), (42, -39, 20), (40, -54, 10)), 14.0),
    "sylvian": Sulcus(
        ((36, -31, -20), (49, -24, -9), (57, -9, -3), (59, 7, 6), (55, 22, 16)), 27.0, 1.1
    ),
    "sylvian, ascending branch": Sulcus(((50, -26, -7), (52, -28, 4), (50, -31, 10)), 20.0, 1.0),
    "superior temporal": Sulcus(
        ((48, -26, -35), (57, -7, -18), (61, 12, -5), (57, 29, 6), (49, 41, 20)), 19.0
    ),
    "inferior temporal": Sulcus(((49, -11, -41), (57, 12, -24), (55, 33, -13)), 10.0),
    "intraparietal": Sulcus(
        ((40, 20, 41), (32, 33, 44), (27, 47, 39), (25, 58, 25), (28, 66, 12)), 20.0
    ),
    "lateral occipital": Sulcus(((44, 47, 6), (36, 62, 0), (24, 73, -6)), 11.0),
}

MEDIAL_SULCI = {
    "cingulate": Sulcus(
        (
            (0, -46, -10),
            (0, -57, 4),
            (0, -54, 22),
            (0, -40, 36),
            (0, -20, 44),
            (0, 2, 46),
            (0, 16, 50),
            (0, 22, 64),
        ),
        14.0,
    ),
    "subparietal": Sulcus(((0, 20, 40), (0, 32, 34), (0, 38, 26)), 10.0),
    "parieto-occipital": Sulcus(((0, 37, 6), (0, 48, 20), (0, 56, 34), (0, 60, 42)), 20.0),
    "calcarine": Sulcus(((0, 37, 5), (0, 52, -1), (0, 66, -4), (0, 78, -4)), 17.0),
    "rostral": Sulcus(((0, -36, -20), (0, -56, -14), (0, -70, -4)), 8.0),
}
