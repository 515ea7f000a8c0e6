"""Draws bleeds under the dura: over the hemispheres, along falx and tentorium."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from examwise.phantom.bleeds.along_skull import Crescent
from examwise.phantom.bleeds.parameters import BleedParameters, Form, LightPart
from examwise.phantom.bleeds.scene import Scene, sample_density, sample_outline, sample_size
from examwise.phantom.bleeds.sheets import FalxSheet, TentoriumSheet
from examwise.phantom.bleeds.skull_patch import SkullPatch
from examwise.phantom.waves import SmoothField

_FRESH_HU = (50.0, 75.0)
_FAINT_HU = 38.0
_CONVEXITY, _FALX, _TENTORIUM = 0, 1, 2
_PLACES = (0.66, 0.24, 0.1)
_BOTH_SIDES_FRACTION = 0.14
_BESIDES_FALX_FRACTION = 0.16
_OLD_FRACTION = 0.22
_LEVEL_FRACTION = 0.5
_THICKNESS_MM = 3.2
_THICKNESS_LIMITS_MM = (2.0, 25.0)


def sample_subdural(random: np.random.Generator, scene: Scene) -> list[BleedParameters]:
    """Draw subdural blood in one or several places."""
    place = int(random.choice(3, p=_PLACES))
    hu = sample_density(random, scene.cases, fresh=_FRESH_HU, faint=_FAINT_HU)
    if place != _CONVEXITY:
        form = _falx(random, scene) if place == _FALX else _tentorium(random, scene)
        return [_bleed(random, form, scene.side, hu, light=None)]
    both, besides = random.uniform(size=2)
    found = [_over_hemisphere(random, scene, hu)]
    if both < _BOTH_SIDES_FRACTION:
        found.append(_over_hemisphere(random, replace(scene, side=-scene.side), hu))
    if besides < _BESIDES_FALX_FRACTION:
        found.append(_bleed(random, _falx(random, scene), scene.side, hu, light=None))
    return found


def _over_hemisphere(random: np.random.Generator, scene: Scene, hu: float) -> BleedParameters:
    scale = sample_size(random, scene.size, 0.55, (0.2, 3.5))
    thickness = float(np.clip(_THICKNESS_MM * scale**0.9, *_THICKNESS_LIMITS_MM))
    height = float(np.clip(50.0 * scale**0.45 * np.exp(random.normal(0.0, 0.3)), 9.0, 85.0))
    length = float(np.clip(60.0 * scale**0.45 * np.exp(random.normal(0.0, 0.3)), 12.0, 115.0))
    elevation = random.normal(0.36, 0.24)
    top = scene.shown(scene.patient.head.radii_mm[2] * np.sin(elevation))
    patch = SkullPatch(
        azimuth=float(np.clip(random.normal(0.05, 0.5), -1.2, 1.2)),
        elevation=float(np.arcsin(np.clip(top / scene.patient.head.radii_mm[2], -0.9, 0.9))),
        side=scene.side,
        radii_mm=scene.patient.head.radii_mm,
        half_length_mm=length,
        half_height_mm=height,
    )
    outline = sample_outline(random, wavelengths_mm=(70.0, 32.0))
    form = Crescent(patch, thickness, outline, random.uniform(0.1, 0.3))
    return _bleed(random, form, scene.side, hu, light=_old_part(random, patch, thickness))


def _old_part(random: np.random.Generator, patch: SkullPatch, thickness: float) -> LightPart | None:
    """Draw the chronic part that a fresh bleed lies beside: in front of a level, or in bands."""
    has_old, levelled = random.uniform(size=2)
    hu = random.uniform(15.0, 32.0)
    bands = SmoothField.sample(random, wavelength_mm=random.uniform(18.0, 45.0), n_waves=5)
    level = patch.center_mm[1] + 0.6 * patch.half_length_mm * random.uniform(-0.7, 0.6)
    if has_old > _OLD_FRACTION or thickness < 6.0:
        return None
    return LightPart(hu, level if levelled < _LEVEL_FRACTION else None, bands, old=True)


def _falx(random: np.random.Generator, scene: Scene) -> FalxSheet:
    scale = sample_size(random, scene.size, 0.4, (0.4, 2.5))
    at_back = random.uniform() < 0.6
    y = random.normal(42.0, 14.0) if at_back else random.normal(-48.0, 12.0)
    # The falx reaches lower in front and at the back than over the corpus callosum.
    z = scene.shown(random.normal(36.0, 14.0))
    return FalxSheet(
        side=scene.side,
        center_mm=(y, z),
        radii_mm=(
            float(np.clip(30.0 * scale, 12.0, 70.0)),
            float(np.clip(30.0 * scale * np.exp(random.normal(0.0, 0.25)), 9.0, 55.0)),
        ),
        thickness_mm=float(np.clip(3.0 * scale**0.6, 2.0, 6.0)),
        outline=sample_outline(random, wavelengths_mm=(40.0, 20.0)),
    )


def _tentorium(random: np.random.Generator, scene: Scene) -> TentoriumSheet:
    scale = sample_size(random, scene.size, 0.3, (0.5, 2.0))
    return TentoriumSheet(
        side=scene.side,
        center_mm=(scene.side * random.normal(24.0, 5.0), random.normal(45.0, 6.0)),
        radii_mm=(
            float(np.clip(20.0 * scale, 10.0, 45.0)),
            float(np.clip(24.0 * scale, 10.0, 45.0)),
        ),
        thickness_mm=float(np.clip(2.6 * scale**0.6, 1.8, 5.0)),
        outline=sample_outline(random, wavelengths_mm=(40.0, 20.0)),
    )


def _bleed(
    random: np.random.Generator, form: Form, side: int, hu: float, *, light: LightPart | None
) -> BleedParameters:
    return BleedParameters(
        kind="subdural",
        side=side,
        form=form,
        hu=hu,
        texture=SmoothField.sample(random, wavelength_mm=16.0, n_waves=5),
        texture_hu=random.uniform(1.0, 4.0),
        edge_mm=random.uniform(0.2, 0.8),
        light=light,
    )
