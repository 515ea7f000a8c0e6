"""What mimics are drawn on: densities and distances of some slices, looked at in small parts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from examwise.phantom.brain.fields import BrainFields
from examwise.phantom.grid import FloatArray, PlaneGrid, Vector, Window
from examwise.phantom.head.fields import HeadFields
from examwise.phantom.head.parameters import HeadParameters
from examwise.phantom.shapes import Points, fraction_inside
from examwise.phantom.waves import SmoothField

LARGEST_WAVE = 2.0
"""How far fields that make outlines irregular go, so that outlines have a known reach."""


@dataclass(frozen=True)
class Patch:
    """A part of a scene.

    Attributes:
        window: Where it is in the scene.
        grid: Where its voxels are in the head.
        points: The same, or their places in the average brain.
        hu: Densities, a view into the scene's, float32.
        edge_mm: Width over which tissues merge; about the size of a voxel.
    """

    window: Window
    grid: PlaneGrid
    points: Points
    hu: FloatArray
    edge_mm: float

    def of(self, field: FloatArray) -> FloatArray:
        """Return this part of one of the scene's fields."""
        return field[self.window]

    def inside(self, distance_mm: FloatArray, softness_mm: float = 0.0) -> FloatArray:
        """Return how much of each voxel is inside, for an edge softer by some mm."""
        return fraction_inside(distance_mm, self.edge_mm + softness_mm)

    def wave(self, field: SmoothField) -> FloatArray:
        """Return a field that makes an outline irregular, at most ``LARGEST_WAVE``."""
        values = field.on(self.grid)
        return np.clip(values, -LARGEST_WAVE, LARGEST_WAVE, out=values)

    def mix(self, value: FloatArray | float, fraction: FloatArray) -> None:
        """Mix a density in, in place."""
        other = np.asarray(value, np.float32)
        self.hu[...] += fraction * (other - self.hu)


@dataclass(frozen=True)
class _Canvas:
    grid: PlaneGrid
    hu: FloatArray
    edge_mm: float

    def __post_init__(self) -> None:
        if self.hu.shape != self.grid.shape:
            raise ValueError(f"densities of shape {self.hu.shape} on a grid of {self.grid.shape}")

    @cached_property
    def box(self) -> tuple[list[float], list[float]]:
        """The smallest and largest coordinates of the grid."""
        grid = self.grid
        across = np.stack([(grid.rows - 1) * grid.row_step, (grid.columns - 1) * grid.column_step])
        low = grid.origins.min(axis=0) + np.minimum(across, 0.0).sum(axis=0)
        high = grid.origins.max(axis=0) + np.maximum(across, 0.0).sum(axis=0)
        return low.tolist(), high.tolist()

    def patch(self, center_mm: Vector, reach_mm: Vector) -> Patch | None:
        reach_mm = self.widened(reach_mm)
        # Most things are nowhere near: say so without looking at the planes.
        if _apart(center_mm, reach_mm, *self.box):
            return None
        window = self.grid.window(center_mm, reach_mm)
        if window is None:
            return None
        grid = self.grid.crop(window)
        return Patch(window, grid, grid, self.hu[window], self.edge_mm)

    def widened(self, reach_mm: Vector) -> Vector:
        a, b, c = reach_mm
        half = 0.5 * self.edge_mm
        return a + half, b + half, c + half


class InsideScene:
    """The brain of some slices.

    Args:
        fields: The brain's distances.
        hu: Densities, float32, of the fields' shape; changed in place.
        edge_mm: Width over which tissues merge; about the size of a voxel.
    """

    def __init__(self, fields: BrainFields, hu: FloatArray, *, edge_mm: float) -> None:
        self.fields = fields
        self.hu = hu
        self._canvas = _Canvas(fields.head.grid, hu, edge_mm)

    def patch(self, center_mm: Vector, reach_mm: Vector) -> Patch | None:
        """Return the part of the scene that may lie in a box, or None if none does.

        Args:
            center_mm: Middle of the box.
            reach_mm: Half the box's edges along x, y and z.
        """
        return self._canvas.patch(center_mm, reach_mm)

    def brain_patch(self, center_mm: Vector, reach_mm: Vector) -> Patch | None:
        """Return the part that may lie in a box of the average brain, or None if none does.

        What belongs to the brain's anatomy lies where that is, in a small or a pushed brain too.
        """
        canvas, places = self._canvas, self.fields.points
        reach_mm = canvas.widened(reach_mm)
        if _apart(center_mm, reach_mm, *self._brain_box):
            return None
        window = places.window(center_mm, reach_mm)
        if window is None:
            return None
        return Patch(
            window,
            canvas.grid.crop(window),
            places.crop(window),
            canvas.hu[window],
            canvas.edge_mm,
        )

    @cached_property
    def _brain_box(self) -> tuple[list[float], list[float]]:
        bounds = self.fields.points.bounds[::-1]
        low = [float(lows.min()) for lows, _ in bounds]
        return low, [float(highs.max()) for _, highs in bounds]


class OutsideScene:
    """What lies outside the cranial cavity, of some slices.

    Args:
        head: The patient's head.
        fields: Its distances.
        hu: Densities, float32, of the fields' shape; changed in place.
        edge_mm: Width over which tissues merge; about the size of a voxel.
    """

    def __init__(
        self, head: HeadParameters, fields: HeadFields, hu: FloatArray, *, edge_mm: float
    ) -> None:
        self.head = head
        self.fields = fields
        self._canvas = _Canvas(fields.grid, hu, edge_mm)

    def patch(self, center_mm: Vector, reach_mm: Vector) -> Patch | None:
        """Return the part of the scene that may lie in a box, or None if none does."""
        return self._canvas.patch(center_mm, reach_mm)


def _apart(center_mm: Vector, reach_mm: Vector, low: list[float], high: list[float]) -> bool:
    return any(
        center + reach < smallest or center - reach > largest
        for center, reach, smallest, largest in zip(center_mm, reach_mm, low, high, strict=True)
    )
