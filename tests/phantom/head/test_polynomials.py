from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.phantom.grid import PlaneGrid
from examwise.phantom.head.polynomials import Polynomial, ellipsoid_distance
from examwise.phantom.shapes import Ellipsoid

powers = st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(0, 1))


def tilted_grid(rows: int = 7, columns: int = 9) -> PlaneGrid:
    return PlaneGrid(
        np.array([[-40.0, -50.0, -20.0], [-40.0, -49.0, -10.0]]),
        np.array([0.3, 11.0, 2.0]),
        np.array([10.0, -0.4, 1.0]),
        rows,
        columns,
    )


@given(
    terms=st.lists(st.tuples(st.floats(-9, 9), powers), min_size=1, max_size=4),
    columns=st.integers(1, 12),
)
@settings(deadline=None, max_examples=40)
def test_on_a_grid_is_the_polynomial_itself(
    terms: list[tuple[float, tuple[int, int, int]]], columns: int
) -> None:
    grid = tilted_grid(columns=columns)
    polynomial = Polynomial(tuple((a, *ijk) for a, ijk in terms), (67.0, 83.0, 80.0))
    expected = sum(
        a * (grid.x / 67.0) ** i * (grid.y / 83.0) ** j * (grid.z / 80.0) ** k
        for a, (i, j, k) in terms
    )
    np.testing.assert_allclose(polynomial.on(grid), expected, atol=2e-4)


def test_without_terms_it_is_zero() -> None:
    assert not Polynomial((), (1.0, 1.0, 1.0)).on(tilted_grid()).any()


def test_ellipsoid_distance_agrees_with_the_general_one() -> None:
    grid = tilted_grid(rows=12, columns=12)
    shape = Ellipsoid((3.0, -8.0, 5.0), (60.0, 70.0, 65.0))
    found = ellipsoid_distance(grid, shape.center_mm, shape.radii_mm)
    np.testing.assert_allclose(found.mm, shape.distance_mm(grid), atol=1.0)
    near = np.abs(found.mm) < 6.0
    assert near.any()
    np.testing.assert_allclose(found.mm[near], shape.distance_mm(grid)[near], atol=0.05)


def test_ellipsoid_distance_in_the_very_middle_is_a_depth() -> None:
    grid = PlaneGrid(np.zeros((1, 3)), np.array([0, 1.0, 0]), np.array([1.0, 0, 0]), 1, 1)
    found = ellipsoid_distance(grid, (0.0, 0.0, 0.0), (60.0, 70.0, 65.0))
    assert found.mm[0, 0, 0] == pytest.approx(-70.0, abs=1.0)
