from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.phantom.grid import PlaneGrid, bounding_window, plane_grid


def _tilted(degree: float) -> PlaneGrid:
    angle = np.radians(degree)
    normal = np.array([0.0, -np.sin(angle), np.cos(angle)])
    down = 2.0 * np.array([0.0, np.cos(angle), np.sin(angle)])
    across = 2.0 * np.array([1.0, 0.0, 0.0])
    origins = np.outer(np.arange(-5, 6) * 4.0, normal) - 7 * (down + across)
    return PlaneGrid(origins, down, across, 15, 15)


def test_coordinates_follow_origin_and_steps() -> None:
    grid = _tilted(20)
    points = np.stack([grid.x, grid.y, grid.z], axis=-1)
    assert points.dtype == np.float32
    assert points.shape == (*grid.shape, 3)
    expected = grid.origins[3] + 5 * grid.row_step + 9 * grid.column_step
    np.testing.assert_allclose(points[3, 5, 9], expected, atol=1e-4)


@settings(deadline=None, max_examples=60)
@given(
    center=st.tuples(*[st.floats(-40, 40)] * 3),
    reach=st.tuples(*[st.floats(0.1, 20)] * 3),
    tilt=st.floats(-30, 30),
)
def test_a_window_holds_every_point_of_its_box(center, reach, tilt) -> None:
    grid = _tilted(tilt)
    within = np.ones(grid.shape, bool)
    for axis, values in enumerate((grid.x, grid.y, grid.z)):
        within &= np.abs(values - center[axis]) <= reach[axis] - 1e-4
    window = grid.window(center, reach)
    if window is None:
        assert not within.any()
    else:
        kept = np.zeros_like(within)
        kept[window] = True
        assert not (within & ~kept).any()


@pytest.mark.parametrize("known", [True, False])
def test_a_crop_is_a_part(known: bool) -> None:
    grid = _tilted(10)
    whole = [grid.x, grid.y, grid.z] if known else []
    window = (slice(2, 4), slice(1, 9), slice(3, 5))
    part = grid.crop(window)
    assert part.shape == (2, 8, 2)
    for axis, values in zip("xyz", whole, strict=False):
        assert np.shares_memory(getattr(part, axis), values)
    for axis in "xyz":
        expected = getattr(grid, axis)[window]
        np.testing.assert_allclose(getattr(part, axis), expected, atol=1e-4)


def test_bounding_window_of_nothing_is_none() -> None:
    assert bounding_window(np.zeros((2, 3, 4), bool)) is None
    assert plane_grid(np.zeros((1, 3)), spacing_mm=1, rows=2, columns=3).shape == (1, 2, 3)
