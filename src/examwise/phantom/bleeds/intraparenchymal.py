"""Draws bleeds within the brain: spontaneous ones, contusions, torn white matter."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from examwise.phantom.bleeds.blobs import Blobs
from examwise.phantom.bleeds.parameters import BleedParameters, LightPart
from examwise.phantom.bleeds.scene import Scene, sample_density, sample_outline, sample_size
from examwise.phantom.grid import Vector
from examwise.phantom.shapes import Ellipsoid
from examwise.phantom.waves import SmoothField

_FRESH_HU = (56.0, 84.0)
_FAINT_HU = 46.0
_SMALLEST_MM = 3.9
_FLUID_LEVEL_FRACTION = 0.04
_PATCHY_FRACTION = 0.55
_TORN_FRACTION = 0.2


@dataclass(frozen=True)
class _Territory:
    """Where bleeds of one sort lie: on the left, or on the midline.

    Attributes:
        weight: Relative frequency.
        center_mm: Middle.
        spread_mm: Standard deviation of places.
        radius_mm: Median radius.
        stretch: Typical shape.
        depth: How deep below the skull at least, in radii.
        largest_mm: Largest radius.
    """

    weight: float
    center_mm: Vector
    spread_mm: Vector
    radius_mm: float
    stretch: Vector = (1.0, 1.0, 1.0)
    depth: float = 0.9
    largest_mm: float = 30.0


_SPONTANEOUS = (
    # Putamen and external capsule, thalamus, caudate head.
    _Territory(0.28, (27.0, -6.0, 5.0), (2.5, 6.0, 5.0), 12.0, (0.8, 1.35, 1.0), 0.9, 25.0),
    _Territory(0.17, (12.0, 9.0, 5.0), (2.0, 3.0, 3.0), 10.0, (0.9, 1.2, 1.0), 0.9, 19.0),
    _Territory(0.03, (13.0, -22.0, 12.0), (2.0, 3.0, 3.0), 6.5, largest_mm=12.0),
    # Lobes: frontal, parietal, temporal, occipital.
    _Territory(0.14, (28.0, -44.0, 24.0), (9.0, 11.0, 14.0), 13.0),
    _Territory(0.14, (30.0, 32.0, 32.0), (9.0, 12.0, 13.0), 13.0),
    _Territory(0.08, (44.0, 6.0, -16.0), (4.0, 12.0, 6.0), 11.5, (0.8, 1.3, 0.9)),
    _Territory(0.06, (22.0, 56.0, 10.0), (6.0, 8.0, 8.0), 11.0),
    # Pons and cerebellum.
    _Territory(0.04, (0.0, 20.0, -36.0), (2.0, 2.0, 5.0), 7.0, (1.2, 0.8, 1.0), 0.9, 12.0),
    _Territory(0.06, (22.0, 48.0, -40.0), (5.0, 6.0, 5.0), 10.0, largest_mm=22.0),
)
_CONTUSIONS = (
    # Frontal pole, above the orbit, temporal pole, below and beside the temporal lobe.
    _Territory(0.26, (17.0, -64.0, 2.0), (7.0, 6.0, 8.0), 9.5, (1.0, 1.1, 0.9), 0.5),
    _Territory(0.26, (16.0, -48.0, -8.0), (7.0, 9.0, 4.0), 9.0, (1.0, 1.2, 0.8), 0.5),
    _Territory(0.18, (36.0, -24.0, -26.0), (5.0, 5.0, 5.0), 8.5, (1.0, 1.0, 0.9), 0.5),
    _Territory(0.2, (50.0, 2.0, -16.0), (5.0, 14.0, 8.0), 8.5, (0.8, 1.2, 1.0), 0.5),
    _Territory(0.1, (30.0, 10.0, 58.0), (12.0, 22.0, 8.0), 6.5, (1.0, 1.0, 0.8), 0.5),
)
# Where grey meets white matter, and in the corpus callosum.
_TORN = (
    _Territory(0.8, (28.0, -12.0, 34.0), (9.0, 26.0, 10.0), 4.8),
    _Territory(0.2, (7.0, 18.0, 24.0), (3.0, 10.0, 4.0), 4.2),
)
_INSIDE_MM: Vector = (10.0, 0.0, 12.0)
_INSIDE_FOSSA_MM: Vector = (0.0, 40.0, -40.0)


def sample_intraparenchymal(random: np.random.Generator, scene: Scene) -> list[BleedParameters]:
    """Draw one or several bleeds within the brain."""
    if not scene.traumatic:
        return [_bleed(random, scene, _SPONTANEOUS, spread=0.6, contused=False)]
    if random.uniform() < _TORN_FRACTION:
        count = 1 + int(random.poisson(0.8))
        return [_bleed(random, scene, _TORN, spread=0.25, contused=False) for _ in range(count)]
    count = 1 + int(random.poisson(0.7))
    found = []
    for number in range(count):
        # Where the brain is thrown against the other side of the skull, it is contused as well.
        other = number > 0 and random.uniform() < 0.4
        of_side = replace(scene, side=-scene.side) if other else scene
        found.append(_bleed(random, of_side, _CONTUSIONS, spread=0.5, contused=True))
    return found


def _bleed(
    random: np.random.Generator,
    scene: Scene,
    territories: tuple[_Territory, ...],
    *,
    spread: float,
    contused: bool,
) -> BleedParameters:
    weights = np.array([territory.weight for territory in territories])
    chosen = territories[int(random.choice(len(territories), p=weights / weights.sum()))]
    radius = sample_size(
        random, chosen.radius_mm * scene.size, spread, (_SMALLEST_MM, chosen.largest_mm)
    )
    side = scene.side if chosen.center_mm[0] else 0
    center = _center(random, scene, chosen, radius)
    # Sharp when fresh; days later the rim is wide and the blood less dense.
    age = random.uniform()
    hu = sample_density(random, scene.cases, fresh=_FRESH_HU, faint=_FAINT_HU)
    large = float(np.clip((radius - 4.0) / 8.0, 0.15, 1.0))
    patchy = contused and random.uniform() < _PATCHY_FRACTION
    form = Blobs(
        parts=_parts(random, center, radius, chosen.stretch, contused=contused),
        outline=sample_outline(random, wavelengths_mm=(1.9 * radius + 4.0, 0.7 * radius + 4.0)),
        outline_mm=random.uniform(0.09, 0.2) * radius,
        midline_side=side if abs(center[0]) > 5.0 else 0,
        holes=SmoothField.sample(random, wavelength_mm=random.uniform(7.0, 11.0), n_waves=8)
        if patchy
        else None,
        spared=random.uniform(-0.7, 0.0),
    )
    level = _fluid_level(random, center, radius)
    return BleedParameters(
        kind="intraparenchymal",
        side=side,
        form=form,
        hu=hu - 5.0 * age * (hu > _FRESH_HU[0] + 5.0),
        texture=SmoothField.sample(random, wavelength_mm=10.0, n_waves=5),
        texture_hu=random.uniform(1.5, 4.0),
        edge_mm=random.uniform(1.0, 2.2) if contused else random.uniform(0.4, 1.2),
        swelling_hu=-large * random.uniform(7.0, 15.0),
        swelling_mm=large * (2.0 + 8.0 * age),
        light=level,
    )


def _center(
    random: np.random.Generator, scene: Scene, territory: _Territory, radius: float
) -> Vector:
    offsets = random.normal(0.0, territory.spread_mm)
    x, y, z = (scene.scale * (np.array(territory.center_mm) + offsets)).tolist()
    if territory.center_mm[0]:
        # Large ones grow sideways: the midline and its dura hold.
        x = max(x, 0.8 * radius * territory.stretch[0] + 1.0)
    start = _INSIDE_FOSSA_MM if z < -25.0 and y > 10.0 else _INSIDE_MM
    side = scene.side
    begin = (side * start[0], start[1], start[2])
    wish = (side * x, y, scene.shown(z))
    return scene.inside(begin, wish, depth_mm=territory.depth * radius)


def _parts(
    random: np.random.Generator,
    center: Vector,
    radius: float,
    stretch: Vector,
    *,
    contused: bool,
) -> tuple[Ellipsoid, ...]:
    own = np.array(stretch) * np.exp(random.normal(0.0, 0.14, size=3))
    turn = random.uniform(-25.0, 25.0)
    a, b, c = (radius * own).tolist()
    parts = [Ellipsoid(center, (a, b, c), turn)]
    # Lobes grow out of the surface of the first lump; large bleeds have more of them.
    for _ in range(int(random.poisson(min(0.16 * radius, 3.0)))):
        direction = random.normal(size=3)
        direction /= np.linalg.norm(direction)
        size = radius * random.uniform(0.35, 0.65)
        place = np.array(center) + direction * np.array((a, b, c)) * random.uniform(0.6, 1.0)
        x, y, z = place.tolist()
        oval = size * np.exp(random.normal(0.0, 0.2, size=3))
        parts.append(
            Ellipsoid(
                (x, y, z),
                (float(oval[0]), float(oval[1]), float(oval[2])),
                random.uniform(-60.0, 60.0) if contused else 0.0,
            )
        )
    return tuple(parts)


def _fluid_level(random: np.random.Generator, center: Vector, radius: float) -> LightPart | None:
    has_level = random.uniform() < _FLUID_LEVEL_FRACTION and radius > 9.0
    level = center[1] + radius * random.uniform(-0.4, 0.4)
    bands = SmoothField.sample(random, wavelength_mm=2.0 * math.pi * radius, n_waves=3)
    hu = random.uniform(38.0, 48.0)
    return LightPart(hu, level, bands, old=False) if has_level else None
