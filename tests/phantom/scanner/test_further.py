from __future__ import annotations

from dataclasses import replace

import pytest

from examwise.phantom.config import PhantomConfig
from examwise.phantom.scanner.further import MOST_THIN_SLICES, sample_further_scans
from examwise.phantom.scanner.parameters import ScanParameters
from examwise.phantom.scanner.sampling import sample_scan

CONFIG = PhantomConfig(hospital="b", further_series=1.0)


@pytest.fixture(scope="module")
def studies() -> list[tuple[ScanParameters, tuple[ScanParameters, ...]]]:
    scans = [sample_scan(CONFIG, number) for number in range(150)]
    return [(scan, sample_further_scans(CONFIG, number, scan)) for number, scan in enumerate(scans)]


Studies = list[tuple[ScanParameters, tuple[ScanParameters, ...]]]


def test_every_chosen_study_has_some_and_all_purposes_occur(studies: Studies) -> None:
    assert all(further for _, further in studies)
    purposes = [tuple(scan.purpose for scan in further) for _, further in studies]
    assert {name for found in purposes for name in found} == {"bone", "thin", "contrast"}
    assert {1, 2, 3} == {len(found) for found in purposes}


def test_they_are_of_the_same_head_and_visit(studies: Studies) -> None:
    for exam, further in studies:
        for scan in further:
            assert scan.scanner == exam.scanner
            assert scan.pose_degree == exam.pose_degree
            assert scan.tilt_degree == exam.tilt_degree
            assert scan.table_mm == exam.table_mm
            assert scan.pixel_spacing_mm == pytest.approx(scan.field_of_view_mm / CONFIG.matrix)
            apart = max(abs(a - b) for a, b in zip(scan.head_mm, exam.head_mm, strict=True))
            assert apart == 0 or (scan.contrast and apart < 4)


def test_each_kind_is_what_it_says(studies: Studies) -> None:
    for exam, further in studies:
        for scan in further:
            assert scan.contrast == (scan.purpose == "contrast")
            assert (scan.kernel == exam.scanner.bone_kernel) == (scan.purpose == "bone")
            if scan.purpose == "thin":
                assert exam.purpose == "plain"
                assert max(scan.thickness_mm) <= 2.5
                assert exam.n_slices < scan.n_slices <= MOST_THIN_SLICES
                assert scan.offsets_mm[-1] == pytest.approx(exam.offsets_mm[-1], abs=2.0)
            else:
                assert scan.offsets_mm == exam.offsets_mm
            if scan.purpose == "bone":
                assert 2 * exam.noise_hu < scan.noise_hu < 6 * exam.noise_hu
            else:
                assert scan.noise_hu == exam.noise_hu


def test_as_many_studies_have_them_as_asked_for() -> None:
    rare = replace(CONFIG, further_series=0.2)
    found = [sample_further_scans(rare, n, sample_scan(rare, n)) for n in range(300)]
    assert 0.13 < sum(bool(scans) for scans in found) / 300 < 0.27
    # Asking for fewer changes nothing in those that have some.
    for number, scans in enumerate(found[:60]):
        if scans:
            assert scans == sample_further_scans(CONFIG, number, sample_scan(CONFIG, number))
