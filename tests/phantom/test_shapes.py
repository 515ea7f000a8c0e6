from __future__ import annotations

import numpy as np
import pytest

from examwise.core.randomness import generator
from examwise.phantom.shapes import Ellipsoid, Points, SmoothField, fraction_inside


def _points(coordinates: np.ndarray) -> Points:
    x, y, z = coordinates.astype(np.float32).T
    return Points(x.copy(), y.copy(), z.copy())


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


def test_field_has_unit_variance_and_the_slope_it_states() -> None:
    field = SmoothField.sample(generator(2, "field"), wavelength_mm=20, n_waves=6)
    coordinates = generator(3, "points").uniform(-400, 400, (40_000, 3))
    values = field.at(_points(coordinates))
    assert values.std() == pytest.approx(1, abs=0.05)
    assert values.mean() == pytest.approx(0, abs=0.05)
    step = 0.05
    gradient = [
        (field.at(_points(coordinates + step * axis)) - values) / step for axis in np.eye(3)
    ]
    slope = np.sqrt(np.mean(np.sum(np.square(gradient), axis=0)))
    assert slope == pytest.approx(field.wave_number, rel=0.05)
