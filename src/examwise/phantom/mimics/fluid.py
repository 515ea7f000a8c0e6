"""Fluid where brain should be: cysts, a wide cistern, hygromas, old subdural collections."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from examwise.phantom.grid import Vector
from examwise.phantom.mimics.lumps import Lump
from examwise.phantom.mimics.mimic import (
    Circumstances,
    Mimic,
    chance_at,
    happens,
    some_side,
)
from examwise.phantom.mimics.scene import LARGEST_WAVE, InsideScene
from examwise.phantom.mimics.vault_places import VaultPlace, signed_root
from examwise.phantom.pushes import Push
from examwise.phantom.shapes import Ellipsoid
from examwise.phantom.waves import SmoothField

_MIDLINE_MM = 1.5
_UNEVEN = 0.12
_CYST_CHANCE = 0.012
_WIDE_CISTERN_CHANCE = 0.012
_CYST_PLACES: tuple[tuple[Vector, Vector], ...] = (
    # Middle fossa in front of the temporal lobe (by far the most frequent), convexity, beside the
    # cerebellum.
    ((44.0, -42.0, -26.0), (14.0, 15.0, 14.0)),
    ((46.0, -38.0, -24.0), (16.0, 19.0, 17.0)),
    ((38.0, -38.0, 42.0), (20.0, 20.0, 14.0)),
    ((34.0, 44.0, -44.0), (14.0, 11.0, 11.0)),
)


@dataclass(frozen=True)
class SubduralLayer:
    """Fluid between skull and brain, over one hemisphere.

    Attributes:
        place: Its middle.
        half_axes_mm: How far it reaches along the skull.
        thickness_mm: Thickness in the middle.
        hu: Density.
        wobble: Field that makes its inner side irregular.
        side: 1 left, -1 right: it ends at the midline.
    """

    place: VaultPlace
    half_axes_mm: tuple[float, float]
    thickness_mm: float
    hu: float
    wobble: SmoothField
    side: int

    def draw(self, scene: InsideScene) -> None:
        """Mix it in, in place."""
        wider = (1.0 + (LARGEST_WAVE * _UNEVEN) ** 2) ** 0.5
        reach = self.place.reach_mm(wider * max(self.half_axes_mm))
        patch = scene.patch(self.place.point_mm(), reach)
        if patch is None:
            return
        thickness = signed_root(self.place.profile(patch.grid, self.half_axes_mm))
        thickness *= np.float32(self.thickness_mm)
        thickness += np.float32(_UNEVEN * self.thickness_mm) * patch.wave(self.wobble)
        distance = -patch.of(scene.fields.head.cavity) - thickness
        beyond = np.float32(_MIDLINE_MM) - np.float32(self.side) * patch.grid.x
        np.maximum(distance, beyond, out=distance)
        np.maximum(distance, -patch.of(scene.fields.above_tentorium), out=distance)
        patch.mix(self.hu, patch.inside(distance))


def sample_cysts(
    of_patient: np.random.Generator, _: np.random.Generator, who: Circumstances
) -> tuple[Mimic, ...]:
    """Draw an arachnoid cyst, or a wide cistern behind the cerebellum: both lifelong."""
    del who
    found = []
    side = some_side(of_patient)
    (x, y, z), (a, b, c) = _CYST_PLACES[int(of_patient.integers(len(_CYST_PLACES)))]
    scale = of_patient.uniform(0.6, 1.25)
    wobble = SmoothField.sample(of_patient, wavelength_mm=30.0, n_waves=3)
    cyst = Lump(
        Ellipsoid((side * x, y, z), (scale * a, scale * b, scale * c), side * 25.0),
        of_patient.uniform(3.0, 9.0),
        wobble=wobble,
        wobble_mm=1.5,
    )
    wide = Lump(
        Ellipsoid(
            (of_patient.normal(0.0, 4.0), 66.0, -46.0),
            (of_patient.uniform(12.0, 28.0), of_patient.uniform(7.0, 14.0), 15.0),
        ),
        of_patient.uniform(4.0, 9.0),
        wobble=wobble,
        wobble_mm=1.5,
    )
    if happens(of_patient, _CYST_CHANCE):
        found.append(Mimic("arachnoid cyst", (cyst,)))
    if happens(of_patient, _WIDE_CISTERN_CHANCE):
        found.append(Mimic("wide cisterna magna", (wide,)))
    return tuple(found)


def sample_hygroma(
    _: np.random.Generator, of_exam: np.random.Generator, who: Circumstances
) -> tuple[Mimic, ...]:
    """Draw subdural fluid without blood, over one or both hemispheres."""
    first = some_side(of_exam)
    layers = tuple(
        _layer(of_exam, side, thickness_mm=(3.0, 9.0), hu=(6.0, 14.0)) for side in (first, -first)
    )
    both = happens(of_exam, 0.5)
    chance = chance_at(who.age, (30.0, 60.0, 85.0), (0.004, 0.015, 0.035))
    if not happens(of_exam, chance):
        return ()
    return (Mimic("hygroma", layers if both else layers[:1]),)


def sample_old_subdural(
    _: np.random.Generator, of_exam: np.random.Generator, who: Circumstances
) -> tuple[Mimic, ...]:
    """Draw an old subdural collection: its blood has turned to fluid, darker than brain."""
    side = some_side(of_exam)
    layer = _layer(of_exam, side, thickness_mm=(6.0, 15.0), hu=(12.0, 24.0))
    shift_mm = 0.4 * layer.thickness_mm
    push = Push((side * 30.0, 0.0, 25.0), (-side * shift_mm, 0.0, 0.0), reach_mm=45.0)
    chance = chance_at(who.age, (40.0, 60.0, 85.0), (0.001, 0.005, 0.015))
    if not happens(of_exam, chance):
        return ()
    return (Mimic("old subdural collection", (layer,), pushes=(push,)),)


def _layer(
    random: np.random.Generator,
    side: int,
    *,
    thickness_mm: tuple[float, float],
    hu: tuple[float, float],
) -> SubduralLayer:
    azimuth = random.uniform(-60.0, -15.0)
    return SubduralLayer(
        place=VaultPlace(azimuth if side > 0 else 180.0 - azimuth, random.uniform(15.0, 40.0)),
        half_axes_mm=(random.uniform(40.0, 75.0), random.uniform(28.0, 50.0)),
        thickness_mm=random.uniform(*thickness_mm),
        hu=random.uniform(*hu),
        wobble=SmoothField.sample(random, wavelength_mm=35.0, n_waves=4),
        side=side,
    )
