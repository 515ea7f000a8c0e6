"""Heads that were operated on: what stays for life, and what is seen in the first days."""

from __future__ import annotations

import numpy as np

from examwise.phantom.mimics.fluid import SubduralLayer
from examwise.phantom.mimics.free_air import sample_air
from examwise.phantom.mimics.hardware import (
    ANEURYSM_PLACES_MM,
    PLATE_HU,
    STAPLE_HU,
    SurfaceDots,
    catheter,
    outline_dots,
    sample_clip,
    sample_coil,
    valve,
)
from examwise.phantom.mimics.injuries import sample_swelling
from examwise.phantom.mimics.lumps import Lump
from examwise.phantom.mimics.mimic import (
    Circumstances,
    InsidePart,
    Mimic,
    OutsidePart,
    happens,
    some_side,
)
from examwise.phantom.mimics.skull_gaps import BoneFlap, BurrHole
from examwise.phantom.mimics.vault_places import VaultPlace
from examwise.phantom.shapes import Ellipsoid
from examwise.phantom.waves import SmoothField

OPERATIONS = {
    "craniotomy": 0.32,
    "resection": 0.18,
    "burr holes": 0.18,
    "shunt": 0.12,
    "craniectomy": 0.09,
    "clipped aneurysm": 0.06,
    "coiled aneurysm": 0.05,
}
"""Operations and how often each was done on those who had one."""

_RECENT_CHANCE = 0.4
_AIR_CHANCE = 0.7
_STAPLES_CHANCE = 0.75


def sample_operation(
    of_patient: np.random.Generator, of_exam: np.random.Generator, who: Circumstances
) -> tuple[Mimic, ...]:
    """Draw an operation; the opened skull lasts, air and staples are of some exams alone."""
    name = tuple(OPERATIONS)[int(of_patient.choice(len(OPERATIONS), p=tuple(OPERATIONS.values())))]
    side = some_side(of_patient)
    operated = happens(of_patient, who.cases.postoperative_fraction)
    place = _place(of_patient, name, side)
    half_axes = of_patient.uniform((24.0, 20.0), (38.0, 32.0))
    long, high = (half_axes * (1.5 if name == "craniectomy" else 1.0)).tolist()
    inside, outside = _LASTING[name](of_patient, place, (long, high), side)
    recent = _recent(of_exam, place, (long, high), side)
    if not operated:
        return ()
    found = (Mimic(name, inside, outside),)
    return found if name == "coiled aneurysm" else found + recent


_Parts = tuple[tuple[InsidePart, ...], tuple[OutsidePart, ...]]


def _place(random: np.random.Generator, name: str, side: int) -> VaultPlace:
    azimuth, elevation = random.uniform(-55.0, 40.0), random.uniform(15.0, 50.0)
    if name == "clipped aneurysm":
        azimuth, elevation = -42.0, 12.0
    elif name == "craniectomy":
        azimuth, elevation = -8.0, 28.0
    elif name == "shunt":
        # In front of the coronal suture, or above the back of the ear.
        azimuth, elevation = (-55.0, 58.0) if happens(random, 0.5) else (48.0, 22.0)
    return VaultPlace(azimuth if side > 0 else 180.0 - azimuth, elevation)


def _craniotomy(
    random: np.random.Generator, place: VaultPlace, half_axes: tuple[float, float], _: int
) -> _Parts:
    long, high = half_axes
    corners = tuple((0.84 * x * long, 0.84 * y * high) for x in (-1, 1) for y in (-1, 1))
    count = int(random.integers(1, 4))
    holes = tuple(
        BurrHole(_moved(place, *corner), random.uniform(4.0, 6.5)) for corner in corners[:count]
    )
    plates = SurfaceDots(place, corners[:count], 5.0, 0.4, PLATE_HU, on_skin=False)
    flap = BoneFlap(place, half_axes, random.uniform(1.2, 2.6), missing=False)
    return (), (flap, *holes, plates)


def _craniectomy(
    random: np.random.Generator, place: VaultPlace, half_axes: tuple[float, float], side: int
) -> _Parts:
    # Fluid gathers under the missing bone.
    layer = SubduralLayer(
        place,
        (0.9 * half_axes[0], 0.9 * half_axes[1]),
        random.uniform(1.0, 5.0),
        random.uniform(8.0, 18.0),
        SmoothField.sample(random, wavelength_mm=25.0, n_waves=4),
        side,
    )
    return (layer,), (BoneFlap(place, half_axes, 0.0, missing=True),)


def _resection(
    random: np.random.Generator, place: VaultPlace, half_axes: tuple[float, float], side: int
) -> _Parts:
    a, b, c = random.uniform(9.0, 20.0, size=3).tolist()
    hole = Lump(
        Ellipsoid(place.point_mm(random.uniform(8.0, 16.0)), (a, b, c)),
        random.uniform(6.0, 14.0),
        softness_mm=1.5,
        wobble=SmoothField.sample(random, wavelength_mm=18.0, n_waves=4),
        wobble_mm=2.0,
    )
    scar = Lump(
        Ellipsoid(place.point_mm(12.0), (a + 5.0, b + 5.0, c + 5.0)),
        22.0,
        opacity=0.5,
        softness_mm=6.0,
        wobble=hole.wobble,
        wobble_mm=3.0,
    )
    return (scar, hole), _craniotomy(random, place, half_axes, side)[1]


def _burr_holes(
    random: np.random.Generator, place: VaultPlace, _: tuple[float, float], __: int
) -> _Parts:
    apart = random.uniform(30.0, 55.0)
    count = int(random.integers(1, 3))
    holes = (place, _moved(place, apart, 0.0))[:count]
    return (), tuple(BurrHole(hole, random.uniform(5.0, 7.5)) for hole in holes)


def _shunt(
    random: np.random.Generator, place: VaultPlace, _: tuple[float, float], side: int
) -> _Parts:
    from_front = place.elevation_degree > 40.0
    end = (side * 5.0, -12.0, 6.0) if from_front else (side * 9.0, -16.0, 14.0)
    x, y, z = random.normal(end, 1.5).tolist()
    tube = catheter(place, (x, y, z))
    return (tube,), (BurrHole(place, 4.0), tube, *valve(place, random.uniform(40.0, 70.0)))


def _clipped(
    random: np.random.Generator, place: VaultPlace, _: tuple[float, float], side: int
) -> _Parts:
    clip = sample_clip(random, _aneurysm(random, side))
    return (clip,), _craniotomy(random, place, (26.0, 21.0), side)[1]


def _coiled(
    random: np.random.Generator, _: VaultPlace, __: tuple[float, float], side: int
) -> _Parts:
    return (sample_coil(random, _aneurysm(random, side)),), ()


def _aneurysm(random: np.random.Generator, side: int) -> tuple[float, float, float]:
    x, y, z = ANEURYSM_PLACES_MM[int(random.integers(len(ANEURYSM_PLACES_MM)))]
    x, y, z = random.normal((side * x, y, z), 1.0).tolist()
    return x, y, z


def _recent(
    random: np.random.Generator, place: VaultPlace, half_axes: tuple[float, float], side: int
) -> tuple[Mimic, ...]:
    swelling = sample_swelling(random, place, thickness_mm=(2.0, 8.0), hu=(25.0, 55.0))
    count, share = int(random.integers(8, 22)), random.uniform(0.4, 0.75)
    long, high = half_axes
    dots = outline_dots((1.1 * long, 1.1 * high), count=count, share=share)
    staples = SurfaceDots(place, dots, 1.0, 0.4, STAPLE_HU, on_skin=True)
    air = sample_air(random, place, side)
    with_air, with_staples = happens(random, _AIR_CHANCE), happens(random, _STAPLES_CHANCE)
    if not happens(random, _RECENT_CHANCE):
        return ()
    outside: tuple[OutsidePart, ...] = (swelling, staples) if with_staples else (swelling,)
    found = (Mimic("fresh operation", outside=outside),)
    return (*found, Mimic("free air", air)) if with_air else found


def _moved(place: VaultPlace, sideways_mm: float, upwards_mm: float) -> VaultPlace:
    x, y, z = place.point_mm(0.0, sideways_mm, upwards_mm)
    return VaultPlace(
        float(np.degrees(np.arctan2(y, x))), float(np.degrees(np.arctan2(z, np.hypot(x, y))))
    )


_LASTING = {
    "craniotomy": _craniotomy,
    "resection": _resection,
    "burr holes": _burr_holes,
    "shunt": _shunt,
    "craniectomy": _craniectomy,
    "clipped aneurysm": _clipped,
    "coiled aneurysm": _coiled,
}
