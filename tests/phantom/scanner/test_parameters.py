from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from examwise.phantom.scanner.motion import Motion
from examwise.phantom.scanner.parameters import ScanParameters

MakeScan = Callable[..., ScanParameters]


def test_corners_by_hand(bare_scan: MakeScan) -> None:
    scan = bare_scan(
        4,
        field_mm=8.0,
        offsets_mm=(-5.0, 5.0),
        thickness_mm=(5.0, 5.0),
        table_mm=(1.0, 2.0, 100.0),
    )
    # Four pixels of 2 mm: the first one's middle is 3 mm from the centre.
    np.testing.assert_allclose(scan.corner_mm(0, 4), [-2.0, -1.0, 95.0])
    np.testing.assert_allclose(scan.corner_mm(1, 4), [-2.0, -1.0, 105.0])


def test_corners_of_a_tilted_series_by_hand(bare_scan: MakeScan) -> None:
    """Tilt of 30 degrees: sine 0.5, cosine 0.8660."""
    scan = bare_scan(
        4,
        field_mm=8.0,
        offsets_mm=(-5.0, 5.0),
        thickness_mm=(5.0, 5.0),
        tilt_degree=-30.0,
        table_mm=(0.0, 0.0, 0.0),
    )
    np.testing.assert_allclose(scan.column_direction, [0.0, 0.8660254, -0.5], atol=1e-7)
    np.testing.assert_allclose(scan.normal, [0.0, 0.5, 0.8660254], atol=1e-7)
    # The table moves 5 / 0.8660 mm; the corner is 3 mm to the right and 3 mm up the slice.
    np.testing.assert_allclose(scan.corner_mm(0, 4), [-3.0, -2.598076, 1.5 - 5.773503], atol=1e-6)
    step = scan.corner_mm(1, 4) - scan.corner_mm(0, 4)
    np.testing.assert_allclose(step, [0.0, 0.0, 11.547005], atol=1e-6)
    assert step @ scan.normal == pytest.approx(10.0)


def test_noise_of_thinner_slices(bare_scan: MakeScan) -> None:
    scan = bare_scan(32, offsets_mm=(0.0, 5.0, 10.0), thickness_mm=(5.0, 1.25, 10.0), noise_hu=4.0)
    found = [scan.slice_noise_hu(index) for index in range(3)]
    np.testing.assert_allclose(found, [4.0, 8.0, 4.0 / 2**0.5])


def test_scanned_range_and_shares(bare_scan: MakeScan) -> None:
    scan = bare_scan(
        32,
        offsets_mm=(-8.0, -4.0, 0.0, 7.0),
        thickness_mm=(4.0, 4.0, 4.0, 7.0),
        head_mm=(0.0, 0.0, -10.0),
    )
    assert scan.scanned_mm() == pytest.approx((2.0, 17.0))
    np.testing.assert_allclose(scan.slice_share_mm()[[0, 1, 3]], [4.0, 4.0, 7.0])
    assert scan.n_slices == 4
    assert bare_scan(32).slice_share_mm().tolist() == [5.0]


def test_head_axes_are_a_rotation(bare_scan: MakeScan) -> None:
    axes = bare_scan(32, pose_degree=(10.0, -4.0, 7.0)).head_axes()
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(axes) == pytest.approx(1.0)


def test_motion_is_found_by_slice(bare_scan: MakeScan) -> None:
    motion = Motion(2, (1.0, 0.0), 0.5)
    scan = bare_scan(32, motions=(motion,))
    assert scan.motion_of(2) is motion
    assert scan.motion_of(1) is None
    assert scan.kernel == scan.scanner.kernel
