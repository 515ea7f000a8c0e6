"""Calcifications that most adults have, or many old ones: harmless, and as bright as blood."""

from __future__ import annotations

import numpy as np

from examwise.phantom.mimics.lumps import BrainLump, Lump, cluster
from examwise.phantom.mimics.mimic import Circumstances, Mimic, chance_at, happens
from examwise.phantom.mimics.tubes import Tube
from examwise.phantom.shapes import Ellipsoid
from examwise.phantom.waves import SmoothField

# Places in the average brain.
_PINEAL_MM = (0.0, 18.5, 0.0)
_ATRIUM_MM = (22.5, 29.5, 6.5)
_PALLIDUM_MM = (19.5, -9.0, -1.0)
_DENTATE_MM = (14.0, 38.0, -42.0)
_SIPHON_MM = (9.0, -17.5, -26.5)
_VERTEBRAL_MM = ((7.0, 15.0, -66.0), (2.0, 4.0, -50.0))
_ONE_SIDED = 0.15


def sample_pineal(
    of_patient: np.random.Generator, _: np.random.Generator, who: Circumstances
) -> tuple[Mimic, ...]:
    """Draw a calcified pineal gland: in about 60% of adults."""
    specks = cluster(
        of_patient,
        (float(of_patient.normal(0.0, 0.8)), *_PINEAL_MM[1:]),
        spread_mm=(1.0, 1.3, 1.0),
        most=4,
        radius_mm=(0.9, 2.3),
        hu=(90.0, 300.0),
    )
    chance = chance_at(who.age, (10.0, 20.0, 30.0, 60.0), (0.08, 0.3, 0.55, 0.68))
    return (Mimic("calcified pineal gland", specks),) if happens(of_patient, chance) else ()


def sample_choroid(
    of_patient: np.random.Generator, _: np.random.Generator, who: Circumstances
) -> tuple[Mimic, ...]:
    """Draw calcified choroid plexus in the ventricles' atria, mostly on both sides."""
    lumps = []
    for side in (1, -1):
        x, y, z = (np.array(_ATRIUM_MM) + of_patient.normal(0.0, (1.2, 2.0, 1.5))).tolist()
        radii = of_patient.uniform((2.0, 2.5, 2.0), (4.0, 5.5, 4.5)).tolist()
        shape = Ellipsoid(
            (side * x, y, z), (radii[0], radii[1], radii[2]), -side * of_patient.uniform(5.0, 35.0)
        )
        plexus = Lump(
            shape,
            of_patient.uniform(60.0, 140.0),
            wobble=SmoothField.sample(of_patient, wavelength_mm=6.0, n_waves=3),
            wobble_mm=0.7,
            grain=SmoothField.sample(of_patient, wavelength_mm=5.0, n_waves=3),
            grain_hu=of_patient.uniform(30.0, 140.0),
        )
        lumps.append(BrainLump(plexus, "left" if side > 0 else "right"))
    lone = happens(of_patient, _ONE_SIDED)
    chance = chance_at(who.age, (15.0, 30.0, 50.0, 80.0), (0.06, 0.25, 0.5, 0.75))
    shown = tuple(lumps[:1] if lone else lumps)
    return (Mimic("calcified choroid plexus", shown),) if happens(of_patient, chance) else ()


def sample_basal_ganglia(
    of_patient: np.random.Generator, _: np.random.Generator, who: Circumstances
) -> tuple[Mimic, ...]:
    """Draw calcified basal ganglia: specks on both sides, in few, and mostly old, people."""
    return _paired(
        of_patient,
        "calcified basal ganglia",
        _PALLIDUM_MM,
        spread_mm=(1.8, 3.0, 2.0),
        chance=chance_at(who.age, (20.0, 40.0, 60.0, 85.0), (0.003, 0.01, 0.04, 0.1)),
    )


def sample_dentate(
    of_patient: np.random.Generator, _: np.random.Generator, who: Circumstances
) -> tuple[Mimic, ...]:
    """Draw calcified dentate nuclei of the cerebellum: rare."""
    return _paired(
        of_patient,
        "calcified dentate nuclei",
        _DENTATE_MM,
        spread_mm=(2.5, 2.0, 1.5),
        chance=chance_at(who.age, (30.0, 80.0), (0.002, 0.03)),
    )


def sample_vessel_walls(
    of_patient: np.random.Generator, _: np.random.Generator, who: Circumstances
) -> tuple[Mimic, ...]:
    """Draw calcified walls of the carotid siphons and vertebral arteries of the old."""
    siphons = []
    vertebral = []
    for side in (1, -1):
        x, y, z = (np.array(_SIPHON_MM) + of_patient.normal(0.0, 1.2, size=3)).tolist()
        reach, hu = of_patient.uniform(1.5, 4.5), of_patient.uniform(150.0, 500.0)
        # Plaque lines both sides of the vessel: two parallel tracks.
        for wall in (-1.8, 1.8):
            path = ((side * x + wall, y - reach, z), (side * x + 0.6 * wall, y + reach, z - 2.0))
            siphons.append(Tube(path, of_patient.uniform(0.5, 1.0), hu, of_brain=True))
        # Somewhere between the foramen magnum and the basilar artery.
        low, high = np.array(_VERTEBRAL_MM)
        start, stop = np.sort(of_patient.uniform(0.0, 1.0, size=2)).tolist()
        ends = [(low + share * (high - low)) * (side, 1.0, 1.0) for share in (start, stop)]
        course = tuple((x, y, z) for x, y, z in np.array(ends).tolist())
        vertebral.append(Tube(course, of_patient.uniform(0.8, 1.4), hu, of_brain=True))
    with_siphons = happens(
        of_patient, chance_at(who.age, (40.0, 50.0, 65.0, 85.0), (0.02, 0.15, 0.5, 0.8))
    )
    with_vertebral = happens(of_patient, chance_at(who.age, (50.0, 65.0, 85.0), (0.02, 0.15, 0.4)))
    lone = happens(of_patient, 0.5)
    found = []
    if with_siphons:
        found.append(Mimic("calcified carotid siphons", tuple(siphons)))
    if with_vertebral:
        found.append(
            Mimic("calcified vertebral arteries", tuple(vertebral[:1] if lone else vertebral))
        )
    return tuple(found)


def _paired(
    random: np.random.Generator,
    name: str,
    center_mm: tuple[float, float, float],
    *,
    spread_mm: tuple[float, float, float],
    chance: float,
) -> tuple[Mimic, ...]:
    x, y, z = center_mm
    specks: tuple[BrainLump, ...] = ()
    for side in (1, -1):
        specks += cluster(
            random,
            (side * x, y, z),
            spread_mm=spread_mm,
            most=5,
            radius_mm=(0.8, 2.2),
            hu=(60.0, 180.0),
        )
    return (Mimic(name, specks),) if happens(random, chance) else ()
