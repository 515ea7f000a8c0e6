from __future__ import annotations

import numpy as np
import pytest

from examwise.phantom.scanner.motion import Motion
from examwise.phantom.scanner.projection import CELLS, SINOGRAM_SHAPE, projector


def _ring() -> np.ndarray:
    place = np.arange(CELLS) - (CELLS - 1) / 2
    radius = np.hypot(place, place[:, None])
    return (np.clip(26 - radius, 0, 1) - np.clip(22 - radius, 0, 1)).astype(np.float32)


def test_a_ghost_is_the_mean_over_time() -> None:
    spot = np.zeros((32, 32), np.float32)
    spot[10, 12] = 100.0
    found = Motion(0, (4.0, -2.0), 0.25).ghosted(spot, pixel_mm=1.0)
    assert found.dtype == np.float32
    expected = np.zeros((32, 32))
    expected[10, 12], expected[8, 16] = 75.0, 25.0
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_only_inconsistency_is_left_over() -> None:
    motion = Motion(0, (3.0, 0.0), 0.5)
    views = projector().forward(_ring()[None])[0]
    error = motion.inconsistency(views, cell_mm=2.5)
    assert error.shape == SINOGRAM_SHAPE
    # Every view loses on one side of the head what it gains on the other.
    np.testing.assert_allclose(error.sum(axis=-1), 0.0, atol=1e-3 * float(views.max()))
    assert np.abs(error).max() > 0.1
    still = Motion(0, (0.0, 0.0), 0.5).inconsistency(views, cell_mm=2.5)
    assert np.abs(still).max() < 1e-4


def test_before_the_jerk_views_see_less_and_after_it_more() -> None:
    """One view at a time, against shadows moved by hand."""
    motion, cell_mm = Motion(0, (4.0, 2.0), 0.4), 2.0
    views = projector().forward(_ring()[None])[0]
    error = motion.inconsistency(views, cell_mm)
    x, y = projector().across
    place = np.arange(CELLS, dtype=float)
    for view in [(0, 2), (1, 5), (2, 9), (3, 1)]:
        shift = float(x[view] * 4.0 + y[view] * 2.0) / cell_mm
        ahead = np.interp(place - shift / 2, place, views[view])
        behind = np.interp(place + shift / 2, place, views[view])
        turned = np.mod(np.arctan2(y[view], x[view]), np.pi) / np.pi
        weight = (1.0 if turned >= 0.6 else 0.0) - 0.4
        # Linear interpolation rounds the ring's edges a little.
        assert error[view] == pytest.approx(weight * (ahead - behind), abs=0.5)
