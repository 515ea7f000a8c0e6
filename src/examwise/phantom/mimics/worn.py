"""What people wear on the head, or in the mouth: metal that makes streaks."""

from __future__ import annotations

import numpy as np

from examwise.phantom.mimics.hardware import SurfaceDots
from examwise.phantom.mimics.lumps import speck
from examwise.phantom.mimics.mimic import (
    Circumstances,
    Mimic,
    chance_at,
    happens,
    some_side,
)
from examwise.phantom.mimics.tubes import Tube
from examwise.phantom.mimics.vault_places import VaultPlace

_EAR_MM = (76.0, 14.0, -52.0)
_MOLAR_MM = (25.0, -48.0, -92.0)
_METAL_HU = 4_000.0
_AMALGAM_HU = 8_000.0
_HAIRPIN_CHANCE = 0.007
_ELECTRODES_CHANCE = 0.006


def sample_fillings(
    of_patient: np.random.Generator, _: np.random.Generator, who: Circumstances
) -> tuple[Mimic, ...]:
    """Draw metal fillings of molars: seen in the few exams that reach so low."""
    fillings = []
    for _number in range(int(of_patient.integers(1, 6))):
        x, y, z = (np.array(_MOLAR_MM) + of_patient.normal(0.0, (1.5, 6.0, 3.0))).tolist()
        tooth = (some_side(of_patient) * x, y, z)
        fillings.append(speck(tooth, of_patient.uniform(1.5, 3.0), _AMALGAM_HU))
    chance = chance_at(who.age, (15.0, 40.0, 65.0, 90.0), (0.1, 0.5, 0.5, 0.25))
    return (Mimic("fillings", outside=tuple(fillings)),) if happens(of_patient, chance) else ()


def sample_worn(
    _: np.random.Generator, of_exam: np.random.Generator, who: Circumstances
) -> tuple[Mimic, ...]:
    """Draw earrings, a hearing aid, a hairpin or electrodes on the scalp."""
    ears = {side: _ear(of_exam, side) for side in (1, -1)}
    earrings = tuple(speck(ears[side], of_exam.uniform(1.0, 2.0), _METAL_HU) for side in (1, -1))
    aid = speck(ears[some_side(of_exam)], of_exam.uniform(3.0, 5.0), 1_800.0, height_mm=6.0)
    pinned = VaultPlace(of_exam.uniform(-180.0, 180.0), of_exam.uniform(5.0, 60.0))
    pin = Tube(
        (pinned.point_mm(-15.0), pinned.point_mm(-15.0, of_exam.uniform(15.0, 40.0))),
        0.7,
        _METAL_HU,
    )
    electrodes = SurfaceDots(
        VaultPlace(0.0, 90.0),
        tuple(
            (radius * float(np.cos(angle)), radius * float(np.sin(angle)))
            for radius, count in ((45.0, 6), (85.0, 10))
            for angle in np.linspace(0.0, 2.0 * np.pi, count, endpoint=False)
        ),
        4.0,
        0.7,
        _METAL_HU,
        on_skin=True,
    )
    worn = (
        ("earrings", earrings, chance_at(who.age, (18.0, 70.0), (0.05, 0.03))),
        ("hearing aid", (aid,), chance_at(who.age, (50.0, 90.0), (0.002, 0.05))),
        ("hairpin", (pin,), _HAIRPIN_CHANCE),
        ("electrodes", (electrodes,), _ELECTRODES_CHANCE),
    )
    return tuple(
        Mimic(name, outside=parts) for name, parts, chance in worn if happens(of_exam, chance)
    )


def _ear(random: np.random.Generator, side: int) -> tuple[float, float, float]:
    x, y, z = (np.array(_EAR_MM) + random.normal(0.0, 2.0, size=3)).tolist()
    return side * x, y, z
