"""What a blow to the head does outside the brain: swollen scalp, gas, fractures."""

from __future__ import annotations

import numpy as np

from examwise.phantom.mimics.mimic import Circumstances, Mimic, OutsidePart, happens
from examwise.phantom.mimics.scalp import ScalpGas, ScalpSwelling
from examwise.phantom.mimics.skull_gaps import FractureLine
from examwise.phantom.mimics.vault_places import VaultPlace
from examwise.phantom.waves import SmoothField

_SWOLLEN_CHANCE = 0.7
_TORN_CHANCE = 0.15
_FRACTURE_CHANCE = 0.15


def sample_injuries(
    _: np.random.Generator, of_exam: np.random.Generator, who: Circumstances
) -> tuple[Mimic, ...]:
    """Draw what is seen outside the brain after a blow, whether or not there is blood within."""
    hit = happens(of_exam, who.cases.trauma_fraction)
    place = VaultPlace(
        azimuth_degree=of_exam.uniform(-180.0, 180.0),
        elevation_degree=of_exam.uniform(-5.0, 60.0),
        turn_degree=of_exam.uniform(-180.0, 180.0),
    )
    swelling = sample_swelling(of_exam, place, thickness_mm=(2.0, 13.0), hu=(38.0, 64.0))
    gas = _gas(of_exam, place)
    crack = FractureLine(
        place=place,
        half_length_mm=of_exam.uniform(12.0, 45.0),
        width_mm=of_exam.uniform(0.6, 2.0),
        course=SmoothField.sample(of_exam, wavelength_mm=45.0, n_waves=3),
        bend_mm=of_exam.uniform(0.5, 3.0),
    )
    swollen = happens(of_exam, _SWOLLEN_CHANCE)
    torn = happens(of_exam, _TORN_CHANCE)
    broken = happens(of_exam, _FRACTURE_CHANCE)
    if not hit:
        return ()
    found = []
    if swollen or torn:
        parts: tuple[OutsidePart, ...] = (swelling, gas) if torn else (swelling,)
        found.append(Mimic("torn scalp" if torn else "swollen scalp", outside=parts))
    if broken:
        found.append(Mimic("fracture", outside=(crack,)))
    return tuple(found)


def sample_swelling(
    random: np.random.Generator,
    place: VaultPlace,
    *,
    thickness_mm: tuple[float, float],
    hu: tuple[float, float],
) -> ScalpSwelling:
    """Draw a swelling of the scalp.

    Args:
        random: Source of randomness.
        place: Where.
        thickness_mm: Smallest and largest thickness.
        hu: Smallest and largest density.
    """
    thickness = random.uniform(*thickness_mm)
    return ScalpSwelling(
        place=place,
        half_axes_mm=(
            random.uniform(18.0, 28.0) + 2.2 * thickness,
            random.uniform(16.0, 24.0) + 1.6 * thickness,
        ),
        thickness_mm=thickness,
        hu=random.uniform(*hu),
        outline=SmoothField.sample(random, wavelength_mm=38.0, n_waves=4),
        mottle=SmoothField.sample(random, wavelength_mm=11.0, n_waves=16),
    )


def _gas(random: np.random.Generator, place: VaultPlace) -> ScalpGas:
    count = int(random.integers(2, 9))
    along = random.normal(0.0, 9.0, size=(count, 2)).tolist()
    heights = random.uniform(0.5, 5.0, size=count).tolist()
    radii = random.uniform(0.7, 2.6, size=count).tolist()
    return ScalpGas(
        place,
        tuple(
            (sideways, upwards, height, radius)
            for (sideways, upwards), height, radius in zip(along, heights, radii, strict=True)
        ),
    )
