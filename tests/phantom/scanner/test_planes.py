from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from examwise.phantom.scanner.parameters import ScanParameters
from examwise.phantom.scanner.planes import SUB_PLANES, mean_of_planes, slice_grid

MakeScan = Callable[..., ScanParameters]


def test_points_of_a_straight_scan_by_hand(bare_scan: MakeScan) -> None:
    scan = bare_scan(
        4,
        field_mm=8.0,
        offsets_mm=(0.0, 6.0),
        thickness_mm=(6.0, 3.0),
        head_mm=(1.0, 0.0, -10.0),
    )
    grid = slice_grid(scan, 4, range(2))
    assert grid.shape == (2 * SUB_PLANES, 4, 4)
    # The head's middle is 1 mm to the left and 10 mm below the stack's.
    np.testing.assert_allclose(grid.x[0, 0], [-4.0, -2.0, 0.0, 2.0])
    np.testing.assert_allclose(grid.y[0, :, 0], [-3.0, -1.0, 1.0, 3.0])
    np.testing.assert_allclose(grid.z[:, 0, 0], [8.0, 10.0, 12.0, 15.0, 16.0, 17.0], rtol=1e-6)


def test_a_head_posed_like_the_gantry_is_cut_straight(bare_scan: MakeScan) -> None:
    scan = bare_scan(
        8,
        offsets_mm=(-20.0, 20.0),
        thickness_mm=(5.0, 5.0),
        tilt_degree=-20.0,
        pose_degree=(-20.0, 0.0, 0.0),
    )
    grid = slice_grid(scan, 8, range(2))
    for plane in range(2 * SUB_PLANES):
        assert np.ptp(grid.z[plane]) < 1e-3
    middle = grid.z.reshape(2, SUB_PLANES, 8, 8).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(middle, [-20.0, 20.0], atol=1e-3)
    # The table runs obliquely through such a head: up, it drifts to the slices' front.
    drift = grid.y[SUB_PLANES + 1].mean() - grid.y[1].mean()
    assert drift == pytest.approx(40.0 * np.tan(np.radians(-20.0)), rel=1e-3)


def test_planes_average_to_slices() -> None:
    sampled = np.arange(12, dtype=np.float32).reshape(6, 1, 2)
    np.testing.assert_array_equal(mean_of_planes(sampled), [[[2.0, 3.0]], [[8.0, 9.0]]])
