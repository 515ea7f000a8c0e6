"""Draws bleeds between skull and dura."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from examwise.phantom.bleeds.along_skull import Lens
from examwise.phantom.bleeds.parameters import BleedParameters, LightPart
from examwise.phantom.bleeds.scene import Scene, sample_density, sample_outline, sample_size
from examwise.phantom.bleeds.skull_patch import SkullPatch
from examwise.phantom.waves import SmoothField

_FRESH_HU = (60.0, 80.0)
_FAINT_HU = 52.0
_THICKNESS_MM = 11.5
_THICKNESS_LIMITS_MM = (3.5, 38.0)
_SUTURE_FRACTION = 0.4
_SWIRL_FRACTION = 0.25
_CORONAL_MM, _LAMBDOID_MM = -24.0, 52.0


@dataclass(frozen=True)
class _Region:
    """Where along the skull: weight, azimuth and elevation with their spreads in radians."""

    weight: float
    azimuth: float
    elevation: float
    spread: float


_REGIONS = (
    # Temporal, parietal, frontal, posterior fossa, close to the vertex.
    _Region(0.42, -0.12, -0.08, 0.16),
    _Region(0.24, 0.4, 0.5, 0.2),
    _Region(0.2, -0.95, 0.25, 0.18),
    _Region(0.07, 1.2, -0.5, 0.1),
    _Region(0.07, 0.1, 0.95, 0.12),
)


def sample_epidural(random: np.random.Generator, scene: Scene) -> list[BleedParameters]:
    """Draw an epidural bleed."""
    weights = np.array([region.weight for region in _REGIONS])
    region = _REGIONS[int(random.choice(len(_REGIONS), p=weights / weights.sum()))]
    radii = scene.patient.head.radii_mm
    azimuth = float(np.clip(random.normal(region.azimuth, region.spread), -1.3, 1.35))
    elevation = random.normal(region.elevation, 0.7 * region.spread)
    height = scene.shown(radii[2] * float(np.sin(elevation)))
    thickness = sample_size(random, _THICKNESS_MM * scene.size, 0.5, _THICKNESS_LIMITS_MM)
    # A thick lens is also a wide one: the dura comes off around it.
    wide = 20.0 * (thickness / 9.0) ** 0.6
    oval = float(np.exp(random.normal(0.0, 0.15)))
    patch = SkullPatch(
        azimuth=azimuth,
        elevation=float(np.arcsin(np.clip(height / radii[2], -0.9, 0.9))),
        side=scene.side,
        radii_mm=radii,
        half_length_mm=wide * oval,
        half_height_mm=wide / oval,
    )
    held, swirling = random.uniform(size=2)
    y = patch.center_mm[1]
    coronal = scene.scale * _CORONAL_MM
    nearest = min((coronal, scene.scale * _LAMBDOID_MM), key=lambda suture: abs(suture - y))
    apart = max(abs(nearest - y), 0.25 * wide)
    suture = y + (apart if nearest > y else -apart)
    hu = sample_density(random, scene.cases, fresh=_FRESH_HU, faint=_FAINT_HU)
    swirl = LightPart(
        hu=random.uniform(38.0, 52.0),
        level_mm=None,
        bands=SmoothField(sample_outline(random, wavelengths_mm=(22.0, 12.0), n_waves=5).waves),
        old=False,
    )
    return [
        BleedParameters(
            kind="epidural",
            side=scene.side,
            form=Lens(
                patch,
                thickness,
                sample_outline(random, wavelengths_mm=(40.0,)),
                suture if held < _SUTURE_FRACTION and apart < 0.9 * wide else None,
            ),
            hu=hu,
            texture=SmoothField.sample(random, wavelength_mm=12.0, n_waves=5),
            texture_hu=random.uniform(1.0, 3.0),
            edge_mm=0.2,
            light=swirl if swirling < _SWIRL_FRACTION and thickness > 10.0 else None,
        )
    ]
