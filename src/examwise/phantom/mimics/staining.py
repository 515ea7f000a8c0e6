"""Contrast medium that has leaked into brain after a clot was removed: as bright as blood."""

from __future__ import annotations

import numpy as np

from examwise.phantom.grid import Vector
from examwise.phantom.mimics.lumps import BrainLump, Lump
from examwise.phantom.mimics.mimic import Circumstances, Mimic, happens, some_side
from examwise.phantom.shapes import Ellipsoid
from examwise.phantom.waves import SmoothField

_SHARE_OF_INFARCTS = 0.1
_PLACES: tuple[tuple[Vector, Vector], ...] = (
    # Lentiform nucleus, head of the caudate nucleus, insula, temporal cortex; in the average brain.
    ((24.0, -12.0, 0.0), (6.0, 14.0, 9.0)),
    ((14.5, -21.0, 5.0), (5.0, 8.0, 8.0)),
    ((34.0, -14.0, 0.0), (3.0, 16.0, 12.0)),
    ((48.0, -2.0, 4.0), (9.0, 14.0, 9.0)),
)


def sample_staining(
    _: np.random.Generator, of_exam: np.random.Generator, who: Circumstances
) -> tuple[Mimic, ...]:
    """Draw staining of some grey matter that one middle cerebral artery feeds."""
    side = some_side(of_exam)
    count = int(of_exam.integers(1, len(_PLACES) + 1))
    hu = of_exam.uniform(50.0, 88.0)
    stained = []
    for (x, y, z), radii in _PLACES[:count]:
        a, b, c = (np.array(radii) * of_exam.uniform(0.5, 1.05, size=3)).tolist()
        lump = Lump(
            Ellipsoid((side * x, y, z), (a, b, c), -side * 9.0),
            hu,
            opacity=of_exam.uniform(0.5, 0.95),
            softness_mm=of_exam.uniform(2.0, 5.0),
            wobble=SmoothField.sample(of_exam, wavelength_mm=13.0, n_waves=8),
            wobble_mm=0.25 * a,
        )
        stained.append(BrainLump(lump))
    if not happens(of_exam, _SHARE_OF_INFARCTS * who.cases.infarct_fraction):
        return ()
    return (Mimic("contrast staining", tuple(stained)),)
