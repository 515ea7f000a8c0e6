"""Mixes solids into densities, each in the window where it can be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from examwise.phantom.grid import FloatArray, PlaneGrid, Window
from examwise.phantom.head.solids import Solid
from examwise.phantom.shapes import FreePoints, blend, fraction_inside
from examwise.phantom.waves import SmoothField


@dataclass(frozen=True)
class Warp:
    """Irregularity of a face: places are shifted by smooth random fields.

    Attributes:
        fields: Of the shifts along x, y and z.
        shift_mm: Their standard deviation.
    """

    fields: tuple[SmoothField, SmoothField, SmoothField]
    shift_mm: float

    @property
    def reach_mm(self) -> float:
        """How far places are shifted at most, for all practical purposes."""
        return 3.5 * self.shift_mm

    def on(self, grid: PlaneGrid) -> FreePoints:
        """Return the grid's points, shifted."""
        shift = np.float32(self.shift_mm)
        x, y, z = (field.on(grid) for field in self.fields)
        x *= shift
        y *= shift
        z *= shift
        x += grid.x
        y += grid.y
        z += grid.z
        return FreePoints(x, y, z)


@dataclass(frozen=True)
class Painter:
    """Densities of some planes, and where they are.

    Attributes:
        hu: Densities, float32, changed in place.
        grid: Where, in the average head's frame.
        points: The same, shifted by the face's irregularity.
        margin_mm: How far they may be shifted, and half the edges' width.
        edge_mm: Width over which tissues merge.
    """

    hu: FloatArray
    grid: PlaneGrid
    points: FreePoints
    margin_mm: float
    edge_mm: float

    @cached_property
    def heights_mm(self) -> tuple[float, float]:
        """Lowest and highest z of any voxel."""
        return float(self.grid.z.min()), float(self.grid.z.max())

    def paint(self, solids: Iterable[Solid], value: float) -> None:
        """Fill solids with a density."""
        for solid in solids:
            if found := self.near(solid):
                part, distance, _ = found
                blend(part, value, fraction_inside(distance, self.edge_mm))

    def shell(
        self, solids: Iterable[Solid], value: float, *, wall_hu: float, wall_mm: float
    ) -> None:
        """Fill solids with a density, and lay a wall around them."""
        for solid in solids:
            if found := self.near(solid, margin_mm=wall_mm):
                part, distance, _ = found
                around = fraction_inside(distance - np.float32(wall_mm), self.edge_mm)
                blend(part, wall_hu, around)
                blend(part, value, fraction_inside(distance, self.edge_mm))

    def cells(
        self,
        solids: Iterable[Solid],
        field: SmoothField,
        *,
        inside_hu: float,
        wall_hu: float,
        wall_mm: float,
    ) -> None:
        """Fill solids with cells, whose walls are the zero level of a field."""
        for solid in solids:
            if found := self.near(solid):
                part, distance, window = found
                wall = np.abs(field.on(self.grid.crop(window)))
                wall *= np.float32(1.0 / field.wave_number)
                np.subtract(np.float32(0.5 * wall_mm), wall, out=wall)
                filled = fraction_inside(wall, self.edge_mm)
                filled *= np.float32(inside_hu - wall_hu)
                filled += np.float32(wall_hu)
                blend(part, filled, fraction_inside(distance, self.edge_mm))

    def near(
        self, solid: Solid, *, margin_mm: float = 0.0
    ) -> tuple[FloatArray, FloatArray, Window] | None:
        """Return the densities near a solid, its distance there, and where that is."""
        center, (a, b, c) = solid.box
        margin = self.margin_mm + margin_mm
        lowest, highest = self.heights_mm
        if center[2] + c + margin < lowest or center[2] - c - margin > highest:
            return None
        window = self.grid.window(center, (a + margin, b + margin, c + margin))
        if window is None:
            return None
        points = FreePoints(self.points.x[window], self.points.y[window], self.points.z[window])
        return self.hu[window], solid.distance_mm(points), window
