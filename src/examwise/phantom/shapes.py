"""Soft-edged shapes: signed distances in mm, negative inside."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from examwise.phantom.grid import FloatArray, PlaneGrid, Vector


class Points(Protocol):
    """Coordinates in mm, float32, of one shape; a :class:`PlaneGrid`, or any points."""

    @property
    def x(self) -> FloatArray:
        """Towards the patient's left."""
        ...

    @property
    def y(self) -> FloatArray:
        """Towards the back."""
        ...

    @property
    def z(self) -> FloatArray:
        """Towards the top."""
        ...


@dataclass(frozen=True)
class FreePoints:
    """Points that lie on no grid, or were moved off it."""

    x: FloatArray
    y: FloatArray
    z: FloatArray


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid, turned about the vertical axis.

    Attributes:
        center_mm: Centre (x, y, z).
        radii_mm: Semi-axes before turning.
        turn_degree: Turn about z.
    """

    center_mm: Vector
    radii_mm: Vector
    turn_degree: float = 0.0

    def distance_mm(self, points: Points) -> FloatArray:
        """Return the signed distance to the surface, exact to first order near it."""
        x = points.x - np.float32(self.center_mm[0])
        y = points.y - np.float32(self.center_mm[1])
        z = points.z - np.float32(self.center_mm[2])
        if self.turn_degree:
            cosine = math.cos(math.radians(self.turn_degree))
            sine = math.sin(math.radians(self.turn_degree))
            x, y = cosine * x + sine * y, cosine * y - sine * x
        return axes_distance(x, y, z, self.radii_mm)

    def mirrored(self) -> Ellipsoid:
        """Return the ellipsoid on the head's other side."""
        x, y, z = self.center_mm
        return replace(self, center_mm=(-x, y, z), turn_degree=-self.turn_degree)


def axes_distance(
    x: FloatArray,
    y: FloatArray,
    z: FloatArray,
    radii_mm: tuple[float | FloatArray, float | FloatArray, float | FloatArray],
) -> FloatArray:
    """Return the first-order signed distance to the ellipsoid with these semi-axes.

    Example:
        >>> one = np.ones(1, np.float32)
        >>> float(axes_distance(12 * one, 0 * one, 0 * one, (10, 20, 30)).round(2)[0])
        2.0
    """
    a, b, c = radii_mm
    qx, qy, qz = x / a, y / b, z / c
    level = np.sqrt(qx * qx + qy * qy + qz * qz)
    qx /= a
    qy /= b
    qz /= c
    slope = np.sqrt(qx * qx + qy * qy + qz * qz)
    # At the very centre level / slope is 0 / 0; any semi-axis is a good enough depth there.
    return (level - 1.0) * ((level + 1e-4) / (slope + 1e-4 / b))


def fraction_inside(distance_mm: FloatArray, edge_mm: float) -> FloatArray:
    """Return how much of a voxel is inside, 0 to 1, for an edge as wide as the voxel or softer.

    Example:
        >>> fraction_inside(np.array([-2, 0, 2], np.float32), 2.0).tolist()
        [1.0, 0.5, 0.0]
    """
    fraction = distance_mm * np.float32(-1.0 / edge_mm)
    fraction += np.float32(0.5)
    return np.clip(fraction, 0.0, 1.0, out=fraction)


def blend(hu: FloatArray, value: FloatArray | float, fraction: FloatArray) -> None:
    """Mix a tissue into densities, in place: ``hu`` where the fraction is 0, ``value`` where 1."""
    hu += fraction * (value - hu)


def blend_ellipsoid(
    hu: FloatArray, grid: PlaneGrid, shape: Ellipsoid, value: float, *, edge_mm: float
) -> None:
    """Mix an ellipsoid's tissue into densities, in place, looking only where it can be.

    Args:
        hu: Densities, float32, of the grid's shape.
        grid: Where they are.
        shape: The ellipsoid.
        value: Its density in HU.
        edge_mm: Width of its edge.

    Example:
        >>> from examwise.phantom.grid import plane_grid
        >>> grid = plane_grid(np.zeros((1, 3)), spacing_mm=1.0, rows=3, columns=3)
        >>> hu = np.zeros(grid.shape, np.float32)
        >>> blend_ellipsoid(hu, grid, Ellipsoid((0, 0, 0), (1, 1, 1)), 100.0, edge_mm=0.5)
        >>> hu[0, 0].tolist()
        [100.0, 50.0, 0.0]
    """
    if window := ellipsoid_window(grid, shape, margin_mm=0.5 * edge_mm):
        part = hu[window]
        distance = shape.distance_mm(grid.crop(window))
        part += fraction_inside(distance, edge_mm) * (np.float32(value) - part)


def ellipsoid_window(
    grid: PlaneGrid, shape: Ellipsoid, *, margin_mm: float
) -> tuple[slice, slice, slice] | None:
    """Return the part of a grid that an ellipsoid with a margin can reach, or None."""
    a, b, c = shape.radii_mm
    if shape.turn_degree:
        a = b = max(a, b)
    return grid.window(shape.center_mm, (a + margin_mm, b + margin_mm, c + margin_mm))
