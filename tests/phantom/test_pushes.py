from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.phantom.grid import plane_grid
from examwise.phantom.pushes import Push, unpushed
from examwise.phantom.shapes import FreePoints

GRID = plane_grid(
    np.array([(-60.0, -60.0, z) for z in (-20.0, 0.0, 20.0)]), spacing_mm=4.0, rows=31, columns=31
)
coordinate = st.floats(-40.0, 40.0)


def _shifts(pushes: list[Push]) -> np.ndarray:
    moved = unpushed(GRID, pushes)
    return np.stack([GRID.x - moved.x, GRID.y - moved.y, GRID.z - moved.z])


def test_without_pushes_nothing_moves_and_nothing_is_copied() -> None:
    assert unpushed(GRID, ()) is GRID


@settings(deadline=None, max_examples=25)
@given(
    center=st.tuples(coordinate, coordinate, coordinate),
    shift=st.tuples(*[st.floats(-6.0, 6.0)] * 3),
    radius=st.floats(0.0, 9.0),
)
def test_no_point_moves_farther_than_the_largest(
    center: tuple[float, float, float], shift: tuple[float, float, float], radius: float
) -> None:
    push = Push(center, shift, reach_mm=25.0, radius_mm=radius)
    shifts = _shifts([push])
    assert shifts.dtype == np.float32
    assert np.isfinite(shifts).all()
    assert np.sqrt((shifts**2).sum(axis=0)).max() <= push.largest_mm + 1e-3


@pytest.mark.parametrize("radius_mm", [3.0, 10.0])
def test_what_surrounds_a_ball_keeps_its_volume(radius_mm: float) -> None:
    """A shell from nothing to r becomes one from the ball's radius on."""
    push = Push((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), reach_mm=1.0, radius_mm=radius_mm)
    now = np.linspace(1.05 * radius_mm, 60.0, 40, dtype=np.float32)
    zero = np.zeros_like(now)
    before = unpushed(FreePoints(now, zero, zero), [push]).x
    np.testing.assert_allclose(before**3, now**3 - radius_mm**3, rtol=2e-3, atol=0.5)
    assert (np.diff(before) > 0).all()


def test_pushes_fade_with_distance_and_add_up() -> None:
    push = Push((10.0, 0.0, 0.0), (-4.0, 0.0, 0.0), reach_mm=20.0)
    single = _shifts([push])[0]
    assert single.min() == pytest.approx(-4.0, abs=0.05)
    assert abs(single[1, 15, 0]) < 0.05
    np.testing.assert_allclose(_shifts([push, push])[0], 2 * single, atol=1e-4)
    np.testing.assert_allclose(_shifts([push.scaled(0.5)])[0], 0.5 * single, atol=1e-4)
    assert push.scaled(0.5).largest_mm == pytest.approx(2.0)
