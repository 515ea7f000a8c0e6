"""A patient's head: the parameters that all exams of the patient share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from examwise.core.randomness import generator
from examwise.phantom.shapes import Ellipsoid, SmoothField

VENTRICLES = ("left", "right", "middle")


@dataclass(frozen=True)
class Calcification:
    """A dense speck that is no bleed.

    Attributes:
        shape: Where and how large.
        hu: Density.
    """

    shape: Ellipsoid
    hu: float


@dataclass(frozen=True)
class HeadParameters:
    """Size, shape and densities of a head, in the head's own frame.

    Attributes:
        radii_mm: Semi-axes of the skull's inner table: to the side, front to back, upwards.
        depth_mm: Semi-axis of the inner table downwards.
        widening: How much wider the back of the head is than the front, relative.
        outline: Field that makes the outline irregular.
        skull_mm: Thickness of the skull.
        scalp_mm: Thickness of the scalp.
        skull_hu: Density of compact bone.
        grey_hu: Density of grey matter.
        white_hu: Density of white matter.
        texture: Field of slow density changes.
        texture_hu: Their standard deviation.
        folds: Field whose zero level is the folds (sulci).
        fold_mm: Width of the folds.
        gap_mm: Width of the fluid between brain and skull.
        ventricles: Ellipsoids of the left and right lateral and of the middle ventricles.
        nuclei: Ellipsoids of the deep grey matter.
        falx_hu: Density of the falx.
        calcifications: Pineal gland, choroid plexus, basal ganglia.
        old_lesion: An old low-density area, or None.
    """

    radii_mm: tuple[float, float, float]
    depth_mm: float
    widening: float
    outline: SmoothField
    skull_mm: float
    scalp_mm: float
    skull_hu: float
    grey_hu: float
    white_hu: float
    texture: SmoothField
    texture_hu: float
    folds: SmoothField
    fold_mm: float
    gap_mm: float
    ventricles: dict[str, tuple[Ellipsoid, ...]]
    nuclei: tuple[Ellipsoid, ...]
    falx_hu: float
    calcifications: tuple[Calcification, ...]
    old_lesion: Ellipsoid | None


def sample_head(seed: int, patient_number: int) -> HeadParameters:
    """Draw a patient's head; a function of seed and patient number alone.

    Example:
        >>> sample_head(0, 1) == sample_head(0, 1), sample_head(0, 1) == sample_head(0, 2)
        (True, False)
    """
    random = generator(seed, "head", patient_number)
    size = random.normal(1.0, 0.025)
    age = random.uniform()  # 0 young, 1 old: more fluid, more calcium
    width = (0.55 + 0.9 * age) * random.uniform(0.85, 1.2)
    mean_hu = random.uniform(-4.0, 4.0)
    return HeadParameters(
        radii_mm=(
            size * random.normal(67.0, 1.8),
            size * random.normal(83.0, 2.0),
            size * random.normal(80.0, 2.5),
        ),
        depth_mm=size * random.normal(88.0, 3.0),
        widening=random.uniform(0.03, 0.14),
        outline=SmoothField.sample(random, wavelength_mm=110.0, n_waves=3),
        skull_mm=random.uniform(5.0, 8.5),
        scalp_mm=random.uniform(4.0, 8.0),
        skull_hu=random.uniform(850.0, 1150.0),
        grey_hu=36.0 + mean_hu + random.uniform(-1.0, 1.0),
        white_hu=28.5 + mean_hu + random.uniform(-1.0, 1.0),
        texture=SmoothField.sample(random, wavelength_mm=45.0, n_waves=4),
        texture_hu=random.uniform(0.8, 2.0),
        folds=SmoothField.sample(random, wavelength_mm=27.0, n_waves=6),
        fold_mm=1.2 + 3.0 * age * random.uniform(0.7, 1.2),
        gap_mm=0.8 + 3.0 * age**2,
        ventricles={
            "left": _lateral_ventricle(random, size, width, side=1),
            "right": _lateral_ventricle(random, size, width, side=-1),
            "middle": (
                Ellipsoid((0.0, 2.0, -4.0), (1.2 + 1.8 * width, 13.0, 10.0)),
                Ellipsoid((0.0, 36.0, -36.0), (7.0, 4.0 + 2.0 * width, 8.0)),
            ),
        },
        nuclei=tuple(
            Ellipsoid((side * x, y, z), radii, side * turn)
            for side in (-1, 1)
            for x, y, z, radii, turn in (
                (11.0, 9.0, 2.0, (7.0, 12.0, 9.0), 20.0),
                (23.0, -8.0, 3.0, (6.0, 14.0, 9.0), -15.0),
            )
        ),
        falx_hu=random.uniform(42.0, 62.0),
        calcifications=_calcifications(random, age),
        old_lesion=_old_lesion(random) if random.uniform() < 0.2 * age + 0.05 else None,
    )


def _lateral_ventricle(
    random: np.random.Generator, size: float, width: float, *, side: int
) -> tuple[Ellipsoid, ...]:
    uneven = random.uniform(0.85, 1.15)
    thick = 6.0 * width * uneven
    return (
        Ellipsoid((side * 10.0, -14.0 * size, 14.0), (thick, 21.0 * size, 9.0), side * 14.0),
        Ellipsoid((side * 15.0, 10.0 * size, 18.0), (1.1 * thick, 20.0 * size, 8.0), -side * 14.0),
        Ellipsoid((side * 24.0, 33.0 * size, 8.0), (1.1 * thick, 17.0 * size, 8.0), -side * 12.0),
    )


def _calcifications(random: np.random.Generator, age: float) -> tuple[Calcification, ...]:
    places = [(0.5 + 0.4 * age, (0.0, 21.0, 3.0))]
    places += [(0.25 + 0.6 * age, (side * 24.0, 29.0, 8.0)) for side in (-1, 1)]
    places += [(0.15 * age, (side * 20.0, -6.0, 2.0)) for side in (-1, 1)]
    found = []
    for chance, center in places:
        x, y, z = (np.asarray(center) + random.normal(0.0, 1.5, size=3)).tolist()
        radii = random.uniform(1.5, 4.0, size=3).tolist()
        hu = random.uniform(100.0, 200.0)
        if random.uniform() < chance:
            shape = Ellipsoid((x, y, z), (radii[0], radii[1], radii[2]))
            found.append(Calcification(shape, hu))
    return tuple(found)


def _old_lesion(random: np.random.Generator) -> Ellipsoid:
    side = random.choice([-1.0, 1.0])
    x = float(side * random.uniform(25.0, 48.0))
    y, z = random.uniform(-35.0, 40.0), random.uniform(-5.0, 40.0)
    radii = random.uniform(7.0, 18.0, size=3).tolist()
    return Ellipsoid((x, y, z), (radii[0], radii[1], radii[2]), random.uniform(-40.0, 40.0))
