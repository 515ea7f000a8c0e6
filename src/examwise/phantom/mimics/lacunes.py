"""Lacunes: small old holes in deep grey and white matter."""

from __future__ import annotations

import numpy as np

from examwise.phantom.mimics.lumps import BrainLump, Lump
from examwise.phantom.mimics.mimic import (
    Circumstances,
    Mimic,
    chance_at,
    happens,
    some_side,
)
from examwise.phantom.shapes import Ellipsoid
from examwise.phantom.waves import SmoothField

_PLACES = (
    # Putamen, caudate nucleus and capsule, thalamus, corona radiata (twice), pons.
    ((25.0, -12.0, 1.0), (3.0, 7.0, 4.0)),
    ((15.5, -17.0, 7.0), (2.0, 5.0, 4.0)),
    ((12.0, 6.0, 2.0), (3.0, 6.0, 3.5)),
    ((25.0, -4.0, 24.0), (4.0, 12.0, 5.0)),
    ((25.0, 8.0, 28.0), (4.0, 12.0, 5.0)),
    ((5.0, 4.0, -35.0), (2.5, 3.0, 4.0)),
)
_MOST = 5
_SLIT_CHANCE = 0.12


def sample_lacunes(
    of_patient: np.random.Generator, _: np.random.Generator, who: Circumstances
) -> tuple[Mimic, ...]:
    """Draw none to a few; now and then a slit beside the putamen that an old bleed has left."""
    holes = []
    for _number in range(1 + min(int(of_patient.geometric(0.5)), _MOST - 1)):
        center, spread = _PLACES[int(of_patient.integers(len(_PLACES)))]
        x, y, z = of_patient.normal(center, spread).tolist()
        a, b, c = of_patient.uniform((1.6, 2.0, 2.5), (4.0, 6.0, 6.0)).tolist()
        holes.append(_hole(of_patient, (some_side(of_patient) * x, y, z), (a, b, c)))
    slit = _hole(
        of_patient,
        (some_side(of_patient) * 30.5, of_patient.normal(-10.0, 3.0), of_patient.normal(3.0, 2.0)),
        (
            of_patient.uniform(1.2, 2.5),
            of_patient.uniform(9.0, 16.0),
            of_patient.uniform(6.0, 12.0),
        ),
    )
    with_slit = happens(of_patient, _SLIT_CHANCE)
    chance = chance_at(who.age, (35.0, 50.0, 65.0, 85.0), (0.005, 0.06, 0.2, 0.38))
    if not happens(of_patient, chance):
        return ()
    return (Mimic("lacunes", (*holes, slit) if with_slit else tuple(holes)),)


def _hole(
    random: np.random.Generator,
    center_mm: tuple[float, float, float],
    radii_mm: tuple[float, float, float],
) -> BrainLump:
    side = 1.0 if center_mm[0] > 0 else -1.0
    hole = Lump(
        Ellipsoid(center_mm, radii_mm, side * random.uniform(-30.0, 5.0)),
        random.uniform(7.0, 15.0),
        softness_mm=random.uniform(0.0, 1.0),
        wobble=SmoothField.sample(random, wavelength_mm=7.0, n_waves=3),
        wobble_mm=0.3 * min(radii_mm),
    )
    return BrainLump(hole)
