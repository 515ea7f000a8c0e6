from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.phantom.config import PhantomConfig
from examwise.phantom.grid import FloatArray
from examwise.phantom.scanner.image import acquire_slice, outside_circle
from examwise.phantom.scanner.motion import Motion
from examwise.phantom.scanner.parameters import ScanParameters
from examwise.phantom.scanner.sampling import sample_scan

MakeScan = Callable[..., ScanParameters]
MakeWater = Callable[..., FloatArray]


def _slices(hu: FloatArray, scan: ScanParameters, count: int) -> np.ndarray:
    return np.stack(
        [acquire_slice(hu, scan, 0, np.random.default_rng(seed)) for seed in range(count)]
    ).astype(float)


def _middle(images: np.ndarray) -> np.ndarray:
    size = images.shape[-1]
    part = slice(size // 2 - size // 10, size // 2 + size // 10)
    return images[..., part, part]


def test_noise_in_water_is_as_asked(bare_scan: MakeScan, water: MakeWater) -> None:
    """Within a tenth, at 5 mm and pixels of half a millimetre."""
    scan = bare_scan(460, field_mm=230.0, noise_hu=4.0)
    images = _slices(water(460, field_mm=230.0), scan, 4)
    assert _middle(images).std() == pytest.approx(4.0, rel=0.1)
    assert _middle(images).mean() == pytest.approx(0.0, abs=0.3)


def test_noise_falls_with_the_root_of_thickness(bare_scan: MakeScan, water: MakeWater) -> None:
    hu = water(128)
    stds = [
        _middle(_slices(hu, bare_scan(128, thickness_mm=(thick,), noise_hu=8.0), 12)).std()
        for thick in (10.0, 2.5)
    ]
    assert stds[1] / stds[0] == pytest.approx(2.0, rel=0.06)


def test_slices_agree_over_matrices(bare_scan: MakeScan, water: MakeWater) -> None:
    """512 × 512 averaged four by four against 128 × 128: densities and noise."""
    rods = ((-40.0, 10.0, 14.0, 1000.0), (40.0, 10.0, 14.0, 1000.0), (0.0, -40.0, 20.0, 60.0))
    fine = _slices(water(512, rods), bare_scan(512, hardening_hu=10.0), 3)
    coarse = _slices(water(128, rods), bare_scan(128, hardening_hu=10.0), 12)
    averaged = fine.reshape(-1, 128, 4, 128, 4).mean(axis=(2, 4))
    assert _middle(averaged).std() == pytest.approx(_middle(coarse).std(), rel=0.06)
    calm = averaged.mean(axis=0) - coarse.mean(axis=0)
    far = np.abs(np.diff(water(128, rods), axis=0, prepend=-1000)) < 1
    far &= np.abs(np.diff(water(128, rods), axis=1, prepend=-1000)) < 1
    assert np.abs(calm[far & ~outside_circle(128)]).mean() < 2.0
    # Edges are as wide as a coarse pixel in both.
    assert np.median(np.abs(calm[~far])) < 25


def test_the_kernel_blurs_edges(bare_scan: MakeScan, water: MakeWater) -> None:
    hu = water(512, ((0.0, 0.0, 30.0, 1000.0),))
    found = []
    for kernel in ("soft_kernel", "sharp_kernel"):
        scan = bare_scan(512, noise_hu=0.01)
        scan = replace(scan, convolution=getattr(scan.scanner, kernel))
        row = acquire_slice(hu, scan, 0, np.random.default_rng(0))[256].astype(float)
        found.append((np.abs(np.diff(row)).max(), row.max()))
    assert found[1][0] > 1.3 * found[0][0]
    assert found[1][1] > found[0][1] + 50


def test_a_slice_depends_on_itself_alone(water: MakeWater) -> None:
    """Whatever was rendered before it, and whatever its neighbours in memory are."""
    scan = sample_scan(PhantomConfig(matrix=64), 1)
    block = np.stack([water(64), water(64, ((0.0, 0.0, 20.0, 900.0),)), water(64) * 0.5])
    kept = block.copy()

    def acquired(index: int) -> np.ndarray:
        return acquire_slice(block[index], scan, index, np.random.default_rng(index))

    forwards = [acquired(index) for index in range(3)]
    backwards = [acquired(index) for index in (2, 1, 0)][::-1]
    alone = acquire_slice(block[1].copy(), scan, 1, np.random.default_rng(1))
    np.testing.assert_array_equal(forwards, backwards)
    np.testing.assert_array_equal(forwards[1], alone)
    np.testing.assert_array_equal(block, kept)


@settings(deadline=None, max_examples=12)
@given(st.integers(16, 300), st.integers(0, 50))
def test_any_matrix(matrix: int, number: int) -> None:
    scan = sample_scan(PhantomConfig(matrix=matrix), number)
    place = (np.arange(matrix) - (matrix - 1) / 2) * scan.pixel_spacing_mm
    hu = np.where(np.hypot(place, place[:, None]) < 85, 30.0, -1000.0).astype(np.float32)
    image = acquire_slice(hu, scan, scan.n_slices // 2, np.random.default_rng(0))
    assert image.shape == (matrix, matrix)
    assert image.dtype == np.int16
    assert image.min() >= -1024
    assert image.max() <= 3071
    assert np.median(image[np.hypot(place, place[:, None]) < 40]) == pytest.approx(30, abs=6)


def test_the_largest_matrix() -> None:
    scan = sample_scan(PhantomConfig(matrix=1024), 0)
    hu = np.full((1024, 1024), 30.0, np.float32)
    assert acquire_slice(hu, scan, 0, np.random.default_rng(0)).shape == (1024, 1024)


def test_the_holder_is_seen_beside_the_head_and_not_in_it(water: MakeWater) -> None:
    scan = replace(
        sample_scan(PhantomConfig(), 0), motions=(), hardening_hu=0.0, water_hu=0.0, noise_hu=0.01
    )
    field = scan.field_of_view_mm
    without = water(128, field_mm=field)
    seen = acquire_slice(without, scan, scan.n_slices // 2, np.random.default_rng(0))
    place = (np.arange(128) - 63.5) * scan.pixel_spacing_mm
    radius = np.hypot(place, place[:, None])
    added = seen - without
    assert np.abs(added[radius < 86]).max() < 10
    assert (added[(radius > 96) & ~outside_circle(128)] > 300).sum() > 20


def test_motion_doubles_edges_and_leaves_streaks(bare_scan: MakeScan, water: MakeWater) -> None:
    hu = water(128, ((0.0, 0.0, 85.0, 1000.0), (0.0, 0.0, 77.0, 35.0)))
    still = bare_scan(128, noise_hu=0.01)
    moved = replace(still, motions=(Motion(0, (3.0, 1.0), 0.4),))
    calm, shaken = (
        acquire_slice(hu, scan, 0, np.random.default_rng(0)).astype(float)
        for scan in (still, moved)
    )
    place = (np.arange(128) - 63.5) * 1.8
    brain = np.hypot(place, place[:, None]) < 65
    assert calm[brain].std() < 2
    assert 1.5 < (shaken - calm)[brain].std() < 60
    assert abs((shaken - calm)[brain].mean()) < 5
    other = replace(still, motions=(Motion(1, (3.0, 1.0), 0.4),))
    np.testing.assert_array_equal(calm, acquire_slice(hu, other, 0, np.random.default_rng(0)))


def test_the_scanned_circle_touches_the_edges() -> None:
    outside = outside_circle(64)
    assert outside[0, 0]
    assert not outside[0, 32]
    assert not outside[32, 0]
    assert outside.mean() == pytest.approx(1 - np.pi / 4, abs=0.02)


def test_a_calibration_that_is_off_shifts_water_and_not_air(
    bare_scan: MakeScan, water: MakeWater
) -> None:
    hu = water(64)
    right, off = (
        np.mean(_slices(hu, bare_scan(64, water_hu=shift), 3), axis=0) for shift in (0.0, 4.0)
    )
    assert np.median((off - right)[hu > -1]) == pytest.approx(4.0, abs=0.3)
    assert np.abs((off - right)[hu < -999]).max() <= 1
