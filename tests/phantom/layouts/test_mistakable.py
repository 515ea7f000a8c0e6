from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from examwise.core.randomness import generator
from examwise.phantom.bleeds.parameters import KINDS
from examwise.phantom.config import PhantomConfig
from examwise.phantom.hospitals import HOSPITALS
from examwise.phantom.layouts.mistakable import TAKEN_FOR, Extent, mistakable
from examwise.phantom.mimics.lumps import speck
from examwise.phantom.mimics.mimic import Mimic
from examwise.phantom.mimics.parameters import MimicParameters, sample_mimics
from examwise.phantom.study import sample_study


def test_slices_that_show_a_place(build) -> None:
    scan = build.scan(5)  # middles at -10, -5, 0, 5, 10 mm, 5 mm thick
    shown = Extent((30.0, 0.0, 4.0), 1.0).shown_in(scan)
    assert shown.tolist() == [False, False, False, True, False]
    assert Extent((30.0, 0.0, 4.0), 2.0).shown_in(scan).tolist() == [
        False,
        False,
        True,
        True,
        False,
    ]


def test_slices_that_show_a_place_in_a_tilted_scan_of_a_moved_head(build) -> None:
    scan = build.scan(5, tilt_degree=20.0, head_mm=(0.0, 0.0, 6.0))
    # Far behind, tilted slices lie higher (rows grow upwards): the same height is in a lower one.
    behind, before = (Extent((0.0, y, 0.0), 0.0).shown_in(scan) for y in (40.0, -30.0))
    # Along the normal: 6 cos 20 - 40 sin 20 = -8.0 and 6 cos 20 + 30 sin 20 = 15.9 mm.
    assert np.flatnonzero(behind).tolist() == [0]
    assert np.flatnonzero(before).tolist() == []
    again = Extent((0.0, -15.0, 0.0), 0.0).shown_in(scan)  # 10.8 mm
    assert np.flatnonzero(again).tolist() == [4]


def test_what_is_dark_is_not_mistaken_for_blood_and_what_is_bright_is(build) -> None:
    dots = (speck((18.0, 0.0, 5.0), 2.0, 100.0), speck((-18.0, 0.0, 6.0), 1.0, 100.0))
    mimics = MimicParameters(
        (
            Mimic("calcified basal ganglia", dots),
            Mimic("cavernoma", dots[:1]),  # of the same kind as what came before
            Mimic("lacunes", (speck((18.0, 0.0, 5.0), 2.0, 5.0),)),
        )
    )
    (found,) = mistakable(build.exam(build.rendered(build.scan(1)), mimics=mimics).study)
    assert found.kind == "intraparenchymal"
    assert found.extents == (Extent((18.0, 0.0, 5.0), 2.0), Extent((-18.0, 0.0, 6.0), 1.0))


@pytest.fixture(scope="module")
def studies():
    one = sample_study(PhantomConfig(prevalence=0), 0, 0)
    cases = HOSPITALS["a"].cases
    return [
        replace(
            one,
            mimics=sample_mimics(
                generator(number, "patient"), generator(number, "exam"), cases, age=age
            ),
        )
        for number in range(500)
        for age in (30.0, 85.0)
    ]


def test_names_are_those_of_mimics_that_occur(studies) -> None:
    assert set(TAKEN_FOR.values()) <= set(KINDS)
    names = {name for study in studies for name in study.mimics.names}
    assert TAKEN_FOR.keys() <= names


def test_each_mimic_has_a_place(studies) -> None:
    for name, kind in TAKEN_FOR.items():
        of_name = [study for study in studies if name in study.mimics.names]
        assert any(
            thing.kind == kind and thing.extents for study in of_name for thing in mistakable(study)
        )
    assert any(not mistakable(study) for study in studies)


def _found(studies, name: str):
    for study in studies:
        for mimic in study.mimics.found:
            if mimic.name == name:
                return mimic, mistakable(replace(study, mimics=MimicParameters((mimic,))))[0]
    raise AssertionError(f"no {name}")


def test_plates_of_the_dura_are_where_they_are(studies) -> None:
    mimic, thing = _found(studies, "calcified falx")
    expected = [Extent(part.shape.center_mm, part.shape.radii_mm[2]) for part in mimic.inside]
    assert list(thing.extents) == expected


def test_a_dense_artery_reaches_from_its_lowest_to_its_highest_point(studies) -> None:
    mimic, thing = _found(studies, "dense middle cerebral artery")
    ((part,), (extent,)) = mimic.inside, thing.extents
    heights = [z for _, _, z in part.path_mm]
    assert extent.center_mm[2] + extent.reach_mm == pytest.approx(max(heights) + part.radius_mm)
    assert extent.center_mm[2] - extent.reach_mm == pytest.approx(min(heights) - part.radius_mm)
