"""Which bleeds an exam has: kind, place, size and density, apart from how they are drawn."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from examwise.core.randomness import generator
from examwise.core.schemas.findings import FINDINGS
from examwise.phantom.anatomy import HeadParameters
from examwise.phantom.config import PhantomConfig
from examwise.phantom.fields import floor_mm
from examwise.phantom.shapes import SmoothField

KINDS = FINDINGS[1:]
"""The five kinds of bleeds, in the order in which every file lists them."""

_KIND_WEIGHTS = {
    "epidural": 0.04,
    "intraparenchymal": 0.25,
    "intraventricular": 0.13,
    "subarachnoid": 0.28,
    "subdural": 0.30,
}
_NUMBER_OF_KINDS = (0.62, 0.27, 0.11)
_LOWEST_MM = -40.0


@dataclass(frozen=True)
class BleedParameters:
    """One bleed, in the head's frame.

    Attributes:
        kind: A key of :data:`KINDS`.
        side: 1 left, -1 right.
        center_mm: Middle (x, y, z); of a bleed along the skull only its direction and z count.
        radii_mm: For bleeds along the skull thickness, half length along it and half height; for
            those in ventricles the last is the half height; else semi-axes.
        turn_degree: Turn about z.
        hu: Density of the blood.
        edge_mm: Width over which it merges with what surrounds it, beside the voxel's size.
        wobble: Field that makes its outline irregular.
        wobble_mm: How far.
        swelling_hu: Density change of a rim of oedema, 0 or below.
    """

    kind: str
    side: int
    center_mm: tuple[float, float, float]
    radii_mm: tuple[float, float, float]
    turn_degree: float
    hu: float
    edge_mm: float
    wobble: SmoothField
    wobble_mm: float
    swelling_hu: float

    def grown(self, factor: float) -> BleedParameters:
        """Return the bleed, larger in every direction."""
        thick, long, high = self.radii_mm
        return replace(self, radii_mm=(factor * thick, factor * long, factor * high))


def sample_bleeds(
    config: PhantomConfig,
    exam_number: int,
    head: HeadParameters,
    *,
    scanned_mm: tuple[float, float],
) -> tuple[BleedParameters, ...]:
    """Draw an exam's bleeds: none, or one to three kinds.

    Args:
        config: The archive.
        exam_number: Which exam; draws depend on it and on the seed.
        head: The patient.
        scanned_mm: Lowest and highest z that slices show, in the head's frame.

    Example:
        >>> from examwise.phantom.anatomy import sample_head
        >>> config = PhantomConfig(prevalence=0)
        >>> sample_bleeds(config, 0, sample_head(0, 0), scanned_mm=(-50, 80))
        ()
    """
    random = generator(config.seed, "bleeds", exam_number)
    if random.uniform() >= config.prevalence:
        return ()
    count = 1 + int(random.choice(len(_NUMBER_OF_KINDS), p=_NUMBER_OF_KINDS))
    weights = [_KIND_WEIGHTS[kind] for kind in KINDS]
    chosen = random.choice(len(KINDS), size=count, replace=False, p=weights)
    found: list[BleedParameters] = []
    for kind in sorted(KINDS[index] for index in chosen.tolist()):
        isodense = random.uniform() < config.isodense_fraction
        hu = random.uniform(50.0, 57.0) if isodense else random.uniform(57.0, 85.0)
        found += _SAMPLERS[kind](random, head, scanned_mm, hu)
    return tuple(found)


def _scale(random: np.random.Generator, spread: float) -> float:
    return float(np.clip(math.exp(random.normal(0.0, spread)), 0.3, 2.6))


def _height(
    random: np.random.Generator, scanned_mm: tuple[float, float], top_mm: float, y_mm: float
) -> float:
    """Draw a z that slices show, above the skull's floor and below a top."""
    floor = float(floor_mm(np.zeros(1, np.float32), np.full(1, y_mm, np.float32))[0])
    low, high = scanned_mm
    margin = min(6.0, 0.25 * (high - low))
    low = min(max(low + margin, floor + 8.0, _LOWEST_MM), high - margin)
    high = max(min(high - margin, top_mm), low)
    return random.uniform(low, high)


def _along_skull(
    random: np.random.Generator,
    head: HeadParameters,
    scanned_mm: tuple[float, float],
    *,
    kind: str,
    radii_mm: tuple[float, float, float],
    hu: float,
    side: int = 0,
) -> BleedParameters:
    side = side or int(random.choice((-1, 1)))
    # 0 straight to the side, pi / 2 to the back.
    angle = random.uniform(-0.35 * math.pi, 0.38 * math.pi)
    x = side * head.radii_mm[0] * math.cos(angle)
    y = head.radii_mm[1] * math.sin(angle)
    z = _height(random, scanned_mm, 0.7 * head.radii_mm[2], y)
    return BleedParameters(
        kind=kind,
        side=side,
        center_mm=(x, y, z),
        radii_mm=radii_mm,
        turn_degree=0.0,
        hu=hu,
        edge_mm=1.0,
        wobble=SmoothField.sample(random, wavelength_mm=35.0, n_waves=3),
        wobble_mm=0.12 * radii_mm[0],
        swelling_hu=0.0,
    )


def _epidural(
    random: np.random.Generator, head: HeadParameters, scanned_mm: tuple[float, float], hu: float
) -> list[BleedParameters]:
    scale = _scale(random, 0.4)
    radii = (12.0 * scale, 25.0 * scale**0.7, 20.0 * scale**0.7)
    return [_along_skull(random, head, scanned_mm, kind="epidural", radii_mm=radii, hu=hu)]


def _subdural(
    random: np.random.Generator, head: HeadParameters, scanned_mm: tuple[float, float], hu: float
) -> list[BleedParameters]:
    scale = _scale(random, 0.55)
    radii = (6.5 * scale**0.6, 60.0 * scale**0.6, 24.0 * scale)
    return [_along_skull(random, head, scanned_mm, kind="subdural", radii_mm=radii, hu=hu)]


def _subarachnoid(
    random: np.random.Generator, head: HeadParameters, scanned_mm: tuple[float, float], hu: float
) -> list[BleedParameters]:
    scale = _scale(random, 0.5)
    side = int(random.choice((-1, 1)))
    patches = []
    for _ in range(1 + int(random.integers(1, 4))):
        radii = (
            random.uniform(11.0, 18.0),
            28.0 * scale * random.uniform(0.7, 1.3),
            11.0 * scale * random.uniform(0.7, 1.3),
        )
        patch = _along_skull(
            random, head, scanned_mm, kind="subarachnoid", radii_mm=radii, hu=hu, side=side
        )
        patches.append(patch)
        side = side if random.uniform() < 0.8 else -side
    # Patches of one bleed lie together: their heights gather around the first one's.
    first = patches[0].center_mm[2]
    return [
        replace(patch, center_mm=(*patch.center_mm[:2], first + 0.3 * (patch.center_mm[2] - first)))
        for patch in patches
    ]


def _intraparenchymal(
    random: np.random.Generator, head: HeadParameters, scanned_mm: tuple[float, float], hu: float
) -> list[BleedParameters]:
    side = int(random.choice((-1, 1)))
    size = 11.0 * _scale(random, 0.6)
    stretch = np.exp(random.normal(0.0, 0.2, size=3)).tolist()
    reach = random.uniform(0.3, 0.75)
    angle = random.uniform(-0.45 * math.pi, 0.45 * math.pi)
    x = side * reach * head.radii_mm[0] * math.cos(angle)
    y = reach * head.radii_mm[1] * math.sin(angle)
    return [
        BleedParameters(
            kind="intraparenchymal",
            side=side,
            center_mm=(x, y, _height(random, scanned_mm, 0.6 * head.radii_mm[2], y)),
            radii_mm=(size * stretch[0], size * stretch[1], size * stretch[2]),
            turn_degree=random.uniform(-90.0, 90.0),
            hu=hu,
            edge_mm=2.0,
            wobble=SmoothField.sample(random, wavelength_mm=22.0, n_waves=4),
            wobble_mm=0.16 * size,
            swelling_hu=random.uniform(-12.0, 0.0),
        )
    ]


def _intraventricular(
    random: np.random.Generator, _: HeadParameters, scanned_mm: tuple[float, float], hu: float
) -> list[BleedParameters]:
    side = int(random.choice((-1, 1)))
    sides = (side, -side) if random.uniform() < 0.35 else (side,)
    # Blood settles at the back: in front of this y the ventricle is clear.
    level = random.uniform(-20.0, 28.0)
    z = _height(random, scanned_mm, 18.0, 30.0)
    height = 12.0 * _scale(random, 0.45)
    return [
        BleedParameters(
            kind="intraventricular",
            side=side,
            center_mm=(0.0, level, max(z, 2.0) if scanned_mm[1] > 8.0 else z),
            radii_mm=(6.0, 20.0, height),
            turn_degree=0.0,
            hu=hu,
            edge_mm=1.0,
            wobble=SmoothField.sample(random, wavelength_mm=25.0, n_waves=3),
            wobble_mm=1.0,
            swelling_hu=0.0,
        )
        for side in sides
    ]


_Sampler = Callable[
    [np.random.Generator, HeadParameters, tuple[float, float], float], list[BleedParameters]
]
_SAMPLERS: dict[str, _Sampler] = {
    "epidural": _epidural,
    "intraparenchymal": _intraparenchymal,
    "intraventricular": _intraventricular,
    "subarachnoid": _subarachnoid,
    "subdural": _subdural,
}
