"""Masses that are no bleeds: meningiomas, cavernomas, swelling around a metastasis."""

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
from examwise.phantom.mimics.vault_places import VaultPlace
from examwise.phantom.pushes import Push
from examwise.phantom.shapes import Ellipsoid
from examwise.phantom.waves import SmoothField

_CORTEX_MM, _SOFT_MM = 3.5, 6.0
_CAVERNOMA_CHANCE = 0.004
_TUMOUR_CHANCE = 0.015


@dataclass(frozen=True)
class WhiteMatterSwelling:
    """Water in white matter, in fingers between the cortex's folds.

    Attributes:
        shape: How far it reaches.
        hu: Density that it goes to.
        wobble: Field that makes its outline irregular.
        wobble_mm: How far.
    """

    shape: Ellipsoid
    hu: float
    wobble: SmoothField
    wobble_mm: float

    def draw(self, scene: InsideScene) -> None:
        """Mix it in, in place."""
        reach = max(self.shape.radii_mm) + LARGEST_WAVE * self.wobble_mm + 0.5 * _SOFT_MM
        patch = scene.patch(self.shape.center_mm, (reach, reach, reach))
        if patch is None:
            return
        fields = scene.fields
        distance = self.shape.distance_mm(patch.grid)
        distance += np.float32(self.wobble_mm) * patch.wave(self.wobble)
        fraction = patch.inside(distance, _SOFT_MM)
        for nearest in (fields.folds, -fields.surface, fields.cisterns):
            fraction *= patch.inside(np.float32(_CORTEX_MM) - patch.of(nearest), 1.5)
        fraction *= patch.hu > np.float32(self.hu)
        patch.mix(self.hu, np.float32(0.9) * fraction)


@dataclass(frozen=True)
class DuralMass:
    """A round mass that sits on the skull's inside.

    Attributes:
        place: Where on the skull.
        radius_mm: Radius.
        hu: Density.
        wobble: Field that makes its outline irregular, and its density uneven.
        grains_hu: Density of calcified grains, beside its own.
    """

    place: VaultPlace
    radius_mm: float
    hu: float
    wobble: SmoothField
    grains_hu: float

    def draw(self, scene: InsideScene) -> None:
        """Mix it in, in place."""
        patch = scene.patch(
            self.place.point_mm(), self.place.reach_mm(self.radius_mm, 1.6 * self.radius_mm)
        )
        if patch is None:
            return
        sideways, upwards = self.place.along(patch.grid)
        depth = patch.of(scene.fields.head.cavity) + np.float32(0.5 * self.radius_mm)
        sideways *= sideways
        upwards *= upwards
        depth *= depth
        distance = np.sqrt(sideways + upwards + depth) - np.float32(self.radius_mm)
        wave = patch.wave(self.wobble)
        fraction = patch.inside(distance + wave * np.float32(0.07 * self.radius_mm), 0.5)
        grains = np.maximum(wave - np.float32(0.8), np.float32(0.0))
        patch.mix(np.float32(self.hu) + grains * np.float32(self.grains_hu), fraction)


def sample_meningioma(
    of_patient: np.random.Generator, _: np.random.Generator, who: Circumstances
) -> tuple[Mimic, ...]:
    """Draw a meningioma of the convexity or the falx: dense, round, as bright as blood."""
    side = some_side(of_patient)
    radius = of_patient.uniform(5.0, 17.0)
    hu = of_patient.uniform(44.0, 60.0)
    grains_hu = of_patient.uniform(60.0, 250.0) * happens(of_patient, 0.35)
    wobble = SmoothField.sample(of_patient, wavelength_mm=8.0, n_waves=14)
    at_falx = happens(of_patient, 0.35)
    place = VaultPlace(
        azimuth_degree=_azimuth(side, of_patient.uniform(-70.0, 50.0)),
        elevation_degree=of_patient.uniform(0.0, 65.0),
    )
    of_vertex = VaultPlace(-90.0, of_patient.uniform(30.0, 130.0))
    swollen = happens(of_patient, 0.3) and radius > 8.0
    part: Lump | DuralMass = DuralMass(place, radius, hu, wobble, grains_hu)
    center = place.point_mm(depth_mm=0.5 * radius)
    if at_falx:
        y, z = of_vertex.point_mm(depth_mm=radius + 2.0)[1:]
        center = (side * 0.85 * radius, y, z)
        part = _round(center, radius, hu, wobble, grains_hu)
    found = (part,)
    swelling = _swelling(of_patient, center, radius + of_patient.uniform(8.0, 16.0))
    chance = chance_at(who.age, (30.0, 60.0, 85.0), (0.002, 0.012, 0.025))
    if not happens(of_patient, chance):
        return ()
    return (
        Mimic(
            "meningioma",
            (swelling, *found) if swollen else found,
            pushes=(Push(center, (0.0, 0.0, 0.0), 25.0, radius_mm=0.6 * radius),),
        ),
    )


def sample_cavernoma(
    of_patient: np.random.Generator, _: np.random.Generator, who: Circumstances
) -> tuple[Mimic, ...]:
    """Draw a cavernoma: a dense, grainy spot without swelling around it."""
    del who
    direction = of_patient.normal(size=3)
    direction /= np.linalg.norm(direction)
    x, y, z = (direction * of_patient.uniform(20.0, 48.0, size=3)).tolist()
    radius = of_patient.uniform(2.5, 7.0)
    part = _round(
        (x, y, abs(z)),
        radius,
        of_patient.uniform(46.0, 62.0),
        SmoothField.sample(of_patient, wavelength_mm=5.0, n_waves=12),
        of_patient.uniform(20.0, 120.0),
    )
    return (Mimic("cavernoma", (part,)),) if happens(of_patient, _CAVERNOMA_CHANCE) else ()


def sample_tumour(
    _: np.random.Generator, of_exam: np.random.Generator, who: Circumstances
) -> tuple[Mimic, ...]:
    """Draw a metastasis, as dense as brain, in a wide area of swollen white matter."""
    azimuth = _azimuth(some_side(of_exam), of_exam.uniform(-60.0, 70.0))
    place = VaultPlace(azimuth, of_exam.uniform(0.0, 50.0))
    x, y, z = place.point_mm(depth_mm=of_exam.uniform(22.0, 38.0))
    radius = of_exam.uniform(4.0, 12.0)
    nodule = Lump(
        Ellipsoid((x, y, z), (radius, radius, radius)),
        of_exam.uniform(28.0, 42.0),
        softness_mm=2.0,
        wobble=SmoothField.sample(of_exam, wavelength_mm=12.0, n_waves=4),
        wobble_mm=0.15 * radius,
    )
    swelling = _swelling(of_exam, (x, y, z), radius + of_exam.uniform(8.0, 20.0))
    push = _push((x, y, z), of_exam.uniform(0.0, 6.0))
    chance = _TUMOUR_CHANCE * chance_at(who.age, (20.0, 55.0, 90.0), (0.3, 1.0, 1.3))
    if not happens(of_exam, chance):
        return ()
    return (Mimic("swelling around a metastasis", (swelling, nodule), pushes=push),)


def _azimuth(side: int, degree: float) -> float:
    return degree if side > 0 else 180.0 - degree


def _round(
    center_mm: Vector, radius_mm: float, hu: float, wobble: SmoothField, grains_hu: float
) -> Lump:
    return Lump(
        Ellipsoid(center_mm, (radius_mm, radius_mm, radius_mm)),
        hu,
        softness_mm=0.5,
        wobble=wobble,
        wobble_mm=0.1 * radius_mm,
        grain=wobble,
        grain_hu=0.3 * grains_hu,
    )


def _swelling(
    random: np.random.Generator, center_mm: Vector, radius_mm: float
) -> WhiteMatterSwelling:
    a, b, c = (radius_mm * random.uniform(0.8, 1.3, size=3)).tolist()
    return WhiteMatterSwelling(
        Ellipsoid(center_mm, (a, b, c), random.uniform(-90.0, 90.0)),
        random.uniform(15.0, 21.0),
        SmoothField.sample(random, wavelength_mm=25.0, n_waves=4),
        0.15 * radius_mm,
    )


def _push(center_mm: Vector, shift_mm: float) -> tuple[Push, ...]:
    if shift_mm < 1.5:
        return ()
    x, y, z = center_mm
    away = -shift_mm if x > 0 else shift_mm
    return (Push((0.5 * x, y, z), (away, 0.0, 0.0), reach_mm=28.0),)
