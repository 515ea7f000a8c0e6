"""Draws blood around the brain: in some folds after a blow, everywhere from an aneurysm."""

from __future__ import annotations

import numpy as np

from examwise.phantom.bleeds.in_fluid import SpreadBlood
from examwise.phantom.bleeds.parameters import BleedParameters
from examwise.phantom.bleeds.scene import Scene, sample_density, sample_size
from examwise.phantom.grid import Vector
from examwise.phantom.shapes import Ellipsoid
from examwise.phantom.waves import SmoothField

_FRESH_HU = (46.0, 68.0)
_FAINT_HU = 37.0
# Where aneurysms burst: anterior communicating, middle cerebral, posterior communicating and
# internal carotid, basilar artery.
_ANEURYSMS: tuple[tuple[float, Vector], ...] = (
    (0.36, (0.0, -24.0, -18.0)),
    (0.24, (34.0, -14.0, -12.0)),
    (0.28, (9.0, -6.0, -24.0)),
    (0.12, (0.0, 6.0, -26.0)),
)
_NEAR_MM = 26.0
_WIDE_FOLDS_AGE = 55.0
_DEEPEST_MM = 16.0


def sample_subarachnoid(random: np.random.Generator, scene: Scene) -> list[BleedParameters]:
    """Draw subarachnoid blood of one cause."""
    hu = sample_density(random, scene.cases, fresh=_FRESH_HU, faint=_FAINT_HU)
    if scene.traumatic:
        return _over_folds(random, scene, hu)
    return [_from_aneurysm(random, scene, hu)]


def _from_aneurysm(random: np.random.Generator, scene: Scene, hu: float) -> BleedParameters:
    weights = np.array([weight for weight, _ in _ANEURYSMS])
    x, y, z = _ANEURYSMS[int(random.choice(len(_ANEURYSMS), p=weights / weights.sum()))][1]
    center: Vector = (
        scene.scale * scene.side * x,
        scene.scale * y,
        scene.shown(scene.scale * z),
    )
    reach = sample_size(random, 24.0 * scene.size, 0.5, (10.0, 60.0))
    flat = random.uniform(0.65, 1.0)
    side = scene.side if abs(x) > 15.0 and reach < 40.0 else 0
    return _bleed(random, scene, (Ellipsoid(center, (1.1 * reach, reach, flat * reach)),), side, hu)


def _over_folds(random: np.random.Generator, scene: Scene, hu: float) -> list[BleedParameters]:
    count = 1 + int(random.poisson(0.5))
    scale = sample_size(random, scene.size, 0.5, (0.35, 2.4))
    first = _fold(random, scene, scene.near_mm)
    regions = [(first, scene.side)]
    for _ in range(count - 1):
        apart = random.uniform() < 0.2
        middle = _fold(random, scene, None if apart else first)
        regions.append((middle, 1 if middle[0] > 0 else -1))
    found = []
    for middle, _side in regions:
        radius = 12.5 * scale * random.uniform(0.7, 1.3)
        a, b, c = (radius * np.exp(random.normal(0.0, 0.2, size=3))).tolist()
        found.append(Ellipsoid(middle, (a, b, c)))
    sides = {side for _, side in regions}
    return [_bleed(random, scene, tuple(found), sides.pop() if len(sides) == 1 else 0, hu)]


def _fold(random: np.random.Generator, scene: Scene, near_mm: Vector | None) -> Vector:
    """Draw a place in the fluid around the brain, near another if one is given."""
    fields = scene.survey.fields
    depth = -fields.head.cavity
    fluid = np.minimum(fields.folds, fields.cisterns)
    possible = (depth > 1.0) & (depth < _DEEPEST_MM) & (fields.above_tentorium > 4.0)
    chosen = possible & (fluid < 1.0)
    points = scene.survey.points_mm(chosen if chosen.any() else depth > 0.0)
    place, which = random.uniform(size=2)
    if not len(points):
        return scene.side * 30.0, 0.0, scene.shown(20.0)
    if near_mm is None:
        weights = np.where(points[:, 0] * scene.side > 0, 1.0, 0.05)
    else:
        apart = ((points - np.array(near_mm)) ** 2).sum(axis=1)
        weights = np.exp(-0.5 * (apart - apart.min()) / _NEAR_MM**2)
    del place
    total = np.cumsum(weights)
    x, y, z = points[int(np.searchsorted(total, which * total[-1]))].tolist()
    return x, y, z


def _bleed(
    random: np.random.Generator,
    scene: Scene,
    regions: tuple[Ellipsoid, ...],
    side: int,
    hu: float,
) -> BleedParameters:
    # The folds of the young are narrow: what can be seen there has widened them.
    narrow = max(0.0, 1.0 - scene.patient.age / _WIDE_FOLDS_AGE)
    return BleedParameters(
        kind="subarachnoid",
        side=side,
        form=SpreadBlood(
            regions=regions,
            widening_mm=random.uniform(0.0, 0.5) + narrow,
            patches=SmoothField.sample(random, wavelength_mm=random.uniform(18, 34), n_waves=8),
            spared=random.uniform(-1.2, 0.0),
            outline_mm=4.0,
        ),
        hu=hu,
        texture=SmoothField.sample(random, wavelength_mm=18.0, n_waves=5),
        texture_hu=random.uniform(1.0, 5.0),
        edge_mm=random.uniform(0.2, 0.8),
    )
