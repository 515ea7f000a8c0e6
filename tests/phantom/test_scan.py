from __future__ import annotations

import numpy as np
import pytest

from examwise.phantom.config import PhantomConfig
from examwise.phantom.scan import (
    SUB_PLANES,
    ScanParameters,
    noise_hu,
    outside_circle,
    sample_points,
    sample_scan,
)

CONFIG = PhantomConfig(matrix=32)
SCANS = [sample_scan(CONFIG, number) for number in range(200)]


def test_parameters_stay_in_their_bounds() -> None:
    assert {scan.n_slices for scan in SCANS} == set(range(16, 29))
    assert all(4 <= scan.slice_spacing_mm <= 6 for scan in SCANS)
    assert all(220 <= scan.field_of_view_mm <= 250 for scan in SCANS)
    assert all(4 <= scan.noise_hu <= 8 for scan in SCANS)
    tilts = np.array([scan.tilt_degree for scan in SCANS])
    assert 0.4 < np.mean(tilts != 0) < 0.6
    assert (np.abs(tilts[tilts != 0]) >= 5).all()


def _scan(**changes: object) -> ScanParameters:
    options = {
        "n_slices": 5,
        "slice_spacing_mm": 5.0,
        "tilt_degree": 0.0,
        "field_of_view_mm": 240.0,
        "pixel_spacing_mm": 7.5,
        "pose_degree": (0.0, 0.0, 0.0),
        "head_mm": (0.0, 0.0, 0.0),
        "table_mm": (0.0, 0.0, 0.0),
        "noise_hu": 5.0,
        "noise_correlation_px": 0.6,
    }
    return ScanParameters(**{**options, **changes})


def test_straight_scan_samples_a_regular_grid() -> None:
    points = sample_points(_scan(), 32, range(2, 4))
    assert points.x.shape == (2 * SUB_PLANES, 32, 32)
    np.testing.assert_allclose(points.x[0, 0], (np.arange(32) - 15.5) * 7.5)
    np.testing.assert_allclose(points.y[0, :, 0], (np.arange(32) - 15.5) * 7.5)
    np.testing.assert_allclose(
        points.z[:, 3, 3], [-5 / 3, 0, 5 / 3, 5 - 5 / 3, 5, 5 + 5 / 3], atol=1e-5
    )


@pytest.mark.parametrize("scan", SCANS[:20])
def test_neighbouring_slices_are_apart_along_the_normal(scan: ScanParameters) -> None:
    step = scan.slice_center_mm(1) - scan.slice_center_mm(0)
    np.testing.assert_allclose(step @ scan.normal, scan.slice_spacing_mm)
    assert step[0] == step[1] == 0
    np.testing.assert_allclose(np.cross([1, 0, 0], scan.column_direction), scan.normal, atol=1e-12)


@pytest.mark.parametrize("scan", SCANS[:20])
def test_the_head_frame_is_turned_not_bent(scan: ScanParameters) -> None:
    axes = scan.head_axes()
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(axes) == pytest.approx(1)
    points = sample_points(scan, 16, range(1))
    corners = np.array([[a[1, 0, 0], a[1, 0, 15]] for a in (points.x, points.y, points.z)])
    length = np.linalg.norm(corners[:, 1] - corners[:, 0])
    assert length == pytest.approx(15 * scan.pixel_spacing_mm, rel=1e-4)


def test_a_tilted_gantry_follows_the_head() -> None:
    # Pitch about equals tilt, so slice normals stay near the head's own axis.
    angles = [
        np.degrees(np.arccos((scan.head_axes() @ scan.normal)[2]))
        for scan in SCANS
        if scan.tilt_degree
    ]
    assert np.mean(angles) < 8


def test_noise_has_the_stated_strength_and_is_correlated() -> None:
    noise = noise_hu(0, 1, 2, _scan(), 64)
    assert noise.dtype == np.float32
    assert noise.std() == pytest.approx(5, rel=1e-3)
    assert np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())[0, 1] > 0.1
    assert not np.array_equal(noise, noise_hu(0, 1, 3, _scan(), 64))
    np.testing.assert_array_equal(noise, noise_hu(0, 1, 2, _scan(), 64))


def test_corners_are_not_scanned() -> None:
    outside = outside_circle(64)
    assert outside[0, 0]
    assert not outside[32, 0]
    assert outside.mean() == pytest.approx(1 - np.pi / 4, abs=0.01)
