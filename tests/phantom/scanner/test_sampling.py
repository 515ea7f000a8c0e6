from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from examwise.phantom.config import PhantomConfig
from examwise.phantom.hospitals import HOSPITALS
from examwise.phantom.scanner.parameters import ScanParameters
from examwise.phantom.scanner.sampling import sample_scan

N_EXAMS = 200


@pytest.fixture(scope="module", params=sorted(HOSPITALS))
def scans(request: pytest.FixtureRequest) -> list[ScanParameters]:
    config = PhantomConfig(hospital=request.param)
    return [sample_scan(config, number) for number in range(N_EXAMS)]


def test_numbers_of_slices_are_as_asked_for(scans: list[ScanParameters]) -> None:
    counts = np.array([scan.n_slices for scan in scans])
    assert counts.min() >= 24
    assert counts.max() <= 60
    assert 28 <= np.median(counts) <= 42


def test_slices_rise_and_cover_the_head(scans: list[ScanParameters]) -> None:
    for scan in scans:
        assert np.diff(scan.offsets_mm).min() > 0
        assert scan.offsets_mm[0] == pytest.approx(-scan.offsets_mm[-1], abs=1e-3)
        assert len(scan.thickness_mm) == scan.n_slices
        low, high = scan.scanned_mm()
        assert low < -25
        assert high > 50
    covered = np.array([scan.scanned_mm() for scan in scans])
    assert -95 < np.median(covered[:, 0]) < -65
    assert 78 < np.median(covered[:, 1]) < 98


def test_fields_of_view_and_tilts_are_those_of_practice(scans: list[ScanParameters]) -> None:
    for scan in scans:
        assert 200 <= scan.field_of_view_mm <= 260
        assert scan.pixel_spacing_mm == pytest.approx(scan.field_of_view_mm / 128)
        assert scan.tilt_degree == 0 or 5 <= abs(scan.tilt_degree) <= 22
        assert abs(scan.pose_degree[0] - scan.tilt_degree) < 25
    tilts = np.array([scan.tilt_degree for scan in scans])
    assert (tilts < 0).sum() > 3 * (tilts > 0).sum()
    assert (tilts > 0).any()


def test_hospitals_use_their_own_scanners() -> None:
    config = PhantomConfig()
    for name, hospital in HOSPITALS.items():
        at = replace(config, hospital=name)
        used = {sample_scan(at, number).scanner for number in range(60)}
        assert used == {scanner for _, scanner in hospital.scanners}


def test_rare_ways_of_scanning_are_there() -> None:
    scans = [sample_scan(PhantomConfig(), number) for number in range(400)]
    two = [scan for scan in scans if np.ptp(scan.thickness_mm) > 1]
    assert 0.05 < len(two) / len(scans) < 0.3
    assert all(scan.thickness_mm[0] < scan.thickness_mm[-1] for scan in two)
    restless = [scan for scan in scans if scan.motions]
    assert 0.02 < len(restless) / len(scans) < 0.13
    for scan in restless:
        assert len(scan.motions) <= 0.8 * scan.n_slices
    thin = [scan for scan in scans if scan.purpose == "thin"]
    assert 0.005 < len(thin) / len(scans) < 0.07
    assert all(max(scan.thickness_mm) < 3 for scan in thin)
    # Names of thin series do not stand on thick ones.
    names = {scan.description for scan in thin}
    assert not names & {scan.description for scan in scans if scan.purpose == "plain"}


@pytest.mark.parametrize(("fewest", "most"), [(1, 1), (2, 2), (3, 3), (200, 200)])
def test_tiny_and_huge_exams_cover_the_same(fewest: int, most: int) -> None:
    free = PhantomConfig()
    fixed = replace(free, min_slices=fewest, max_slices=most)
    for number in range(20):
        scan, other = sample_scan(fixed, number), sample_scan(free, number)
        assert scan.n_slices == fewest
        assert scan.scanner == other.scanner
        assert scan.tilt_degree == other.tilt_degree
        if fewest > 1:
            assert scan.offsets_mm[-1] == pytest.approx(other.offsets_mm[-1], abs=6.0)


def test_a_scan_is_a_function_of_seed_hospital_and_number() -> None:
    config = PhantomConfig()
    assert sample_scan(config, 5) == sample_scan(config, 5)
    assert sample_scan(config, 5) == sample_scan(replace(config, n_exams=7, prevalence=1.0), 5)
    assert sample_scan(config, 5) != sample_scan(config, 6)
    assert sample_scan(config, 5) != sample_scan(replace(config, seed=1), 5)
    finer = sample_scan(replace(config, matrix=256), 5)
    assert replace(finer, pixel_spacing_mm=2 * finer.pixel_spacing_mm) == sample_scan(config, 5)
