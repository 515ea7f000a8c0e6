"""Calcified or ossified plates of falx and tentorium."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from examwise.phantom.mimics.mimic import (
    Circumstances,
    Mimic,
    chance_at,
    happens,
    some_side,
)
from examwise.phantom.mimics.scene import LARGEST_WAVE, InsideScene
from examwise.phantom.mimics.vault_places import VaultPlace
from examwise.phantom.shapes import Ellipsoid
from examwise.phantom.waves import SmoothField

_UNEVEN_MM = 0.9
_NOTCH_MIDDLE_Y_MM, _NOTCH_RADII_MM = 8.0, (18.0, 27.0)


@dataclass(frozen=True)
class DuralPlaque:
    """A plate in a sheet of dura, as thick as the sheet and somewhat more.

    Attributes:
        sheet: Which dura.
        shape: What part of it.
        thicker_mm: How much thicker than the sheet the plate is, on each side.
        hu: Density.
        uneven: Field that makes its outline irregular.
    """

    sheet: Literal["falx", "tentorium"]
    shape: Ellipsoid
    thicker_mm: float
    hu: float
    uneven: SmoothField

    def draw(self, scene: InsideScene) -> None:
        """Mix it in, in place."""
        a, b, c = (radius + LARGEST_WAVE * _UNEVEN_MM for radius in self.shape.radii_mm)
        patch = scene.brain_patch(self.shape.center_mm, (a, b, c))
        if patch is None:
            return
        sheet = scene.fields.falx if self.sheet == "falx" else scene.fields.tentorium
        rim = self.shape.distance_mm(patch.points)
        rim += np.float32(_UNEVEN_MM) * patch.wave(self.uneven)
        # Thick in the middle, thin at its rim.
        share = np.clip(rim * np.float32(-1.0 / min(self.shape.radii_mm[1:])), 0.0, 1.0)
        distance = patch.of(sheet) - np.float32(self.thicker_mm) * np.sqrt(share)
        np.maximum(distance, rim, out=distance)
        patch.mix(self.hu, patch.inside(distance))


def sample_falx_plaques(
    of_patient: np.random.Generator, _: np.random.Generator, who: Circumstances
) -> tuple[Mimic, ...]:
    """Draw plates of the falx: mostly in front, along the skull or in the depth."""
    plaques = []
    for _number in range(1 + int(of_patient.integers(0, 3))):
        # In front from below to the vertex, now and then behind.
        elevation = of_patient.uniform(8.0, 110.0)
        place = VaultPlace(azimuth_degree=-90.0, elevation_degree=elevation)
        y, z = place.point_mm(depth_mm=of_patient.uniform(3.0, 20.0))[1:]
        long, high = of_patient.uniform((2.0, 2.0), (9.0, 7.0)).tolist()
        plaques.append(
            DuralPlaque(
                sheet="falx",
                shape=Ellipsoid((0.0, y, z), (30.0, long, high)),
                thicker_mm=of_patient.uniform(0.2, 2.2),
                hu=of_patient.uniform(110.0, 450.0),
                uneven=_uneven(of_patient),
            )
        )
    chance = chance_at(who.age, (20.0, 50.0, 80.0), (0.02, 0.12, 0.25))
    return (Mimic("calcified falx", tuple(plaques)),) if happens(of_patient, chance) else ()


def sample_tentorium_plaques(
    of_patient: np.random.Generator, _: np.random.Generator, who: Circumstances
) -> tuple[Mimic, ...]:
    """Draw specks of the tentorium's edge and the petroclinoid ligaments."""
    sides = (some_side(of_patient),) if happens(of_patient, 0.5) else (1, -1)
    plaques = []
    for side in sides:
        # Along the free edge, from the petrous tip backwards.
        y = of_patient.uniform(-9.0, 28.0)
        off = (y - _NOTCH_MIDDLE_Y_MM) / _NOTCH_RADII_MM[1]
        x = _NOTCH_RADII_MM[0] * float(np.sqrt(1.0 - off * off)) + 1.5
        long = of_patient.uniform(1.5, 5.0)
        plaques.append(
            DuralPlaque(
                sheet="tentorium",
                shape=Ellipsoid((side * x, y, -20.0), (3.5, long, 30.0)),
                thicker_mm=of_patient.uniform(0.4, 1.4),
                hu=of_patient.uniform(100.0, 300.0),
                uneven=_uneven(of_patient),
            )
        )
    chance = chance_at(who.age, (20.0, 50.0, 80.0), (0.01, 0.06, 0.16))
    return (Mimic("calcified tentorium", tuple(plaques)),) if happens(of_patient, chance) else ()


def _uneven(random: np.random.Generator) -> SmoothField:
    return SmoothField.sample(random, wavelength_mm=7.0, n_waves=8)
