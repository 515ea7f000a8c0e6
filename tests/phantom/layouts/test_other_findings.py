from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from examwise.phantom.layouts.other_findings import (
    fractured_slices,
    has_hidden_fracture,
    has_mass_effect,
    has_midline_shift,
    has_old_blood,
    has_vault_fracture,
)
from examwise.phantom.mimics.mimic import Mimic
from examwise.phantom.mimics.parameters import MimicParameters
from examwise.phantom.mimics.skull_gaps import FractureLine
from examwise.phantom.mimics.vault_places import VaultPlace
from examwise.phantom.pushes import Push
from examwise.phantom.waves import SmoothField


def _pushed(build, *pushes: Push):
    mass = Mimic("tumour", pushes=pushes)
    return build.exam(build.rendered(build.scan(1)), mimics=MimicParameters((mass,))).study


@pytest.mark.parametrize(
    ("center", "shift", "expected"),
    [
        ((30.0, 0.0, 12.0), (-12.0, 0.0, 0.0), (True, True)),
        # Far from the midline it only presses on what is near.
        ((60.0, 0.0, 50.0), (-8.0, 0.0, 0.0), (False, True)),
        ((0.0, 0.0, 12.0), (0.0, 8.0, 0.0), (False, True)),
        ((30.0, 0.0, 12.0), (-0.5, 0.0, 0.0), (False, False)),
    ],
)
def test_masses_shift_the_midline_and_press_on_the_brain(build, center, shift, expected) -> None:
    study = _pushed(build, Push(center, shift, reach_mm=25.0))
    assert (has_midline_shift(study), has_mass_effect(study)) == expected


def test_nothing_is_shifted_without_a_mass(build) -> None:
    study = _pushed(build)
    assert not has_midline_shift(study)
    assert not has_mass_effect(study)


def test_old_blood_beside_fresh_blood_or_alone(build) -> None:
    series = build.rendered(build.scan(1))
    collection = MimicParameters((Mimic("old subdural collection"),))
    assert has_old_blood(build.exam(series, mimics=collection).study)
    assert has_old_blood(build.exam(series, bleeds=[build.bleed("subdural", 1, old=True)]).study)
    assert not has_old_blood(build.exam(series, bleeds=[build.bleed("subdural", 1)]).study)


def _crack(turn_degree: float) -> MimicParameters:
    line = FractureLine(
        place=VaultPlace(azimuth_degree=0.0, elevation_degree=0.0, turn_degree=turn_degree),
        half_length_mm=20.0,
        width_mm=1.0,
        course=SmoothField.sample(np.random.default_rng(0), wavelength_mm=45.0, n_waves=2),
        bend_mm=0.5,
    )
    return MimicParameters((Mimic("fracture", outside=(line,)),))


def test_slices_of_a_fracture(build) -> None:
    series = build.rendered(build.scan(13))  # middles from -30 to 30 mm
    upright, level = (build.exam(series, mimics=_crack(turn)) for turn in (90.0, 0.0))
    # 20.5 mm up and down from the middle, or 0.5 mm; slices are 5 mm thick.
    assert np.flatnonzero(fractured_slices(upright)).tolist() == list(range(2, 11))
    assert np.flatnonzero(fractured_slices(level)).tolist() == [6]
    assert has_vault_fracture(upright.study)
    assert not has_vault_fracture(build.exam(series).study)
    assert not fractured_slices(build.exam(series)).any()


def test_head_turned_in_the_scanner(build) -> None:
    series = build.rendered(build.scan(13))
    # The head lies 10 mm lower: so does the crack.
    moved = replace(series, scan=replace(series.scan, head_mm=(0.0, 0.0, -10.0)))
    exam = build.exam(moved, mimics=_crack(0.0))
    assert np.flatnonzero(fractured_slices(exam)).tolist() == [4]


def test_few_have_a_fracture_that_no_image_shows() -> None:
    random = np.random.default_rng(0)
    assert 0.01 < np.mean([has_hidden_fracture(random) for _ in range(2000)]) < 0.06
