from __future__ import annotations

import numpy as np
import pytest

from examwise.core.randomness import generator
from examwise.phantom.grid import PlaneGrid
from examwise.phantom.shapes import FreePoints
from examwise.phantom.waves import SmoothField


def _points(coordinates: np.ndarray) -> FreePoints:
    x, y, z = coordinates.astype(np.float32).T
    return FreePoints(x.copy(), y.copy(), z.copy())


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


def test_on_a_grid_and_at_its_points_are_the_same() -> None:
    random = generator(0, "tilted")
    field = SmoothField.sample(random, wavelength_mm=30, n_waves=50)
    grid = PlaneGrid(
        random.normal(0, 60, (4, 3)), random.normal(size=3), random.normal(size=3), 33, 20
    )
    found = field.on(grid)
    assert found.shape == grid.shape
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, field.at(grid), atol=2e-4)
