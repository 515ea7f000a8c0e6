"""Smooth changes over the head: polynomials in its three coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from examwise.phantom.grid import FloatArray, PlaneGrid, Vector

_INNERMOST = 1e-2


@dataclass(frozen=True)
class Distance:
    """A distance, and what it was made of; float32.

    Attributes:
        mm: Signed distance, negative inside.
        level: 0 in the middle, 1 on the surface, growing evenly outwards.
    """

    mm: FloatArray
    level: FloatArray


@dataclass(frozen=True)
class Polynomial:
    """A polynomial in x, y and z, each in units of its own length.

    Attributes:
        terms: Coefficient and powers of x, y and z of each term.
        units_mm: What counts as 1 along x, y and z.
    """

    terms: tuple[tuple[float, int, int, int], ...]
    units_mm: Vector

    @cached_property
    def degree(self) -> int:
        """Highest sum of powers."""
        return max((sum(powers) for _, *powers in self.terms), default=0)

    def at(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return values at points of shape (..., 3)."""
        scaled = np.moveaxis(points, -1, 0) / np.array(self.units_mm).reshape(
            3, *(1,) * (points.ndim - 1)
        )
        total = np.zeros(points.shape[:-1])
        for coefficient, *powers in self.terms:
            term: npt.NDArray[np.float64] | float = coefficient
            for axis, power in enumerate(powers):
                for _ in range(power):
                    term = term * scaled[axis]
            total += term
        return total

    def on(self, grid: PlaneGrid) -> FloatArray:
        """Return values on a grid; the number of terms hardly matters.

        Along a row it is a polynomial of the column: as many nodes as its degree needs, and one
        thin matrix product, give all columns.

        Example:
            >>> from examwise.phantom.grid import plane_grid
            >>> grid = plane_grid(np.zeros((1, 3)), spacing_mm=1.0, rows=1, columns=4)
            >>> Polynomial(((2.0, 2, 0, 0), (1.0, 0, 0, 0)), (1, 1, 1)).on(grid).round(3).tolist()
            [[[1.0, 3.0, 9.0, 19.0]]]
        """
        count = self.degree + 1
        last = max(grid.columns - 1, 1)
        nodes = 0.5 - 0.5 * np.cos(np.pi * (np.arange(count) + 0.5) / count)
        columns = np.arange(grid.columns) / last
        fit = np.linalg.solve(
            np.vander(nodes, count).T, np.vander(columns, count).T
        )  # (nodes, columns)
        starts = grid.origins[:, None] + np.arange(grid.rows)[:, None] * grid.row_step
        points = starts[:, :, None] + (nodes * last)[:, None] * grid.column_step
        return self.at(points).astype(np.float32) @ fit.astype(np.float32)


def ellipsoid_distance(grid: PlaneGrid, center_mm: Vector, radii_mm: Vector) -> Distance:
    """Return the first-order signed distance to an ellipsoid, and its level, 1 on its surface.

    As :func:`examwise.phantom.shapes.axes_distance`; on a grid of some size it takes a third of
    the time, for the squares of level and slope are polynomials.

    Example:
        >>> from examwise.phantom.grid import plane_grid
        >>> grid = plane_grid(np.array([[12.0, 0.0, 0.0]]), spacing_mm=1.0, rows=1, columns=1)
        >>> found = ellipsoid_distance(grid, (0.0, 0.0, 0.0), (10.0, 20.0, 30.0))
        >>> float(found.mm.round(1)[0, 0, 0]), float(found.level[0, 0, 0]) > 1.0
        (2.0, True)
    """
    level_squared = _shifted_squares(center_mm, radii_mm, 2).on(grid)
    slope = _shifted_squares(center_mm, radii_mm, 4).on(grid)
    np.maximum(level_squared, 0.0, out=level_squared)
    level = np.sqrt(level_squared)
    np.maximum(slope, 0.0, out=slope)
    np.sqrt(slope, out=slope)
    # (level - 1) * level / slope; in the very middle, where both vanish, a semi-axis.
    slope += np.float32(_INNERMOST / radii_mm[1])
    distance = np.subtract(level, np.float32(1.0), out=level_squared)
    distance /= slope
    distance *= np.add(level, np.float32(_INNERMOST), out=slope)
    return Distance(distance, level)


def _shifted_squares(center_mm: Vector, radii_mm: Vector, power: int) -> Polynomial:
    terms: list[tuple[float, int, int, int]] = []
    for (middle, radius), (i, j, k) in zip(
        zip(center_mm, radii_mm, strict=True), ((1, 0, 0), (0, 1, 0), (0, 0, 1)), strict=True
    ):
        scale = 1.0 / radius**power
        terms += [(scale, 2 * i, 2 * j, 2 * k), (-2.0 * middle * scale, i, j, k)]
        terms.append((middle**2 * scale, 0, 0, 0))
    return Polynomial(tuple(term for term in terms if term[0]), (1.0, 1.0, 1.0))
