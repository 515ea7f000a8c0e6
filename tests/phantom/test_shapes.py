from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.core.randomness import generator
from examwise.phantom.grid import PlaneGrid
from examwise.phantom.shapes import (
    Ellipsoid,
    FreePoints,
    blend_ellipsoid,
    ellipsoid_window,
    fraction_inside,
)


def _points(coordinates: np.ndarray) -> FreePoints:
    x, y, z = coordinates.astype(np.float32).T
    return FreePoints(x.copy(), y.copy(), z.copy())


def test_distance_to_a_sphere_is_exact() -> None:
    coordinates = generator(0, "points").normal(0, 20, (500, 3))
    found = Ellipsoid((1.0, -2.0, 3.0), (10.0, 10.0, 10.0), 33.0).distance_mm(_points(coordinates))
    expected = np.linalg.norm(coordinates - [1, -2, 3], axis=1) - 10
    np.testing.assert_allclose(found, expected, atol=2e-3)
    assert found.dtype == np.float32


def test_distance_to_an_ellipsoid_is_right_to_first_order() -> None:
    random = generator(1, "points")
    radii = np.array([8.0, 20.0, 13.0])
    directions = random.normal(size=(300, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    surface = directions * radii
    normals = surface / radii**2
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    offset = random.uniform(-0.5, 0.5, size=300)
    found = Ellipsoid((0.0, 0.0, 0.0), (8.0, 20.0, 13.0)).distance_mm(
        _points(surface + offset[:, None] * normals)
    )
    np.testing.assert_allclose(found, offset, atol=0.05)


def test_turning_moves_the_long_axis() -> None:
    turned = Ellipsoid((0.0, 0.0, 0.0), (10.0, 2.0, 2.0), 90.0)
    along_y, along_x = turned.distance_mm(_points(np.array([[0, 9, 0], [9, 0, 0]])))
    assert along_y < 0 < along_x


def test_centre_is_deep_inside() -> None:
    shape = Ellipsoid((0.0, 0.0, 0.0), (10.0, 12.0, 14.0))
    assert shape.distance_mm(_points(np.zeros((1, 3))))[0] <= -10


def test_fraction_runs_from_one_to_zero_over_the_edge() -> None:
    distance = np.linspace(-5, 5, 101, dtype=np.float32)
    fraction = fraction_inside(distance, 4.0)
    assert fraction.dtype == np.float32
    assert (np.diff(fraction) <= 0).all()
    assert fraction[distance <= -2].min() == 1
    assert fraction[distance >= 2].max() == 0
    assert fraction[50] == pytest.approx(0.5)


def test_a_mirrored_ellipsoid_mirrors_its_distances() -> None:
    coordinates = generator(4, "points").normal(0, 20, (200, 3))
    shape = Ellipsoid((5.0, -2.0, 3.0), (10.0, 4.0, 6.0), 33.0)
    found = shape.mirrored().distance_mm(_points(coordinates * [-1, 1, 1]))
    np.testing.assert_allclose(found, shape.distance_mm(_points(coordinates)), atol=1e-3)


@settings(deadline=None, max_examples=40)
@given(
    center=st.tuples(*[st.floats(-12, 12)] * 3),
    radii=st.tuples(*[st.floats(0.5, 8)] * 3),
    turn=st.sampled_from([0.0, 30.0, -75.0]),
    tilt=st.floats(-25, 25),
)
def test_looking_only_in_the_window_changes_nothing(center, radii, turn, tilt) -> None:
    angle = np.radians(tilt)
    normal = np.array([0.0, -np.sin(angle), np.cos(angle)])
    down = np.array([0.0, np.cos(angle), np.sin(angle)])
    across = np.array([1.0, 0.0, 0.0])
    origins = np.outer(np.arange(-3, 4) * 3.0, normal) - 10 * (down + across)
    grid = PlaneGrid(origins, down, across, 21, 21)
    shape = Ellipsoid(center, radii, turn)
    hu = np.zeros(grid.shape, np.float32)
    blend_ellipsoid(hu, grid, shape, 100.0, edge_mm=1.5)
    expected = 100 * fraction_inside(shape.distance_mm(grid), 1.5)
    window = ellipsoid_window(grid, shape, margin_mm=0.75)
    kept = np.zeros(grid.shape, bool)
    if window is not None:
        kept[window] = True
    np.testing.assert_allclose(hu[kept], expected[kept], atol=0.05)
    assert not hu[~kept].any()
    # What is inside is never outside of the window.
    assert expected[~kept].max(initial=0) <= 50
