"""Where a slice's voxels are sampled: points on planes, in the head's own frame."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
Vector = tuple[float, float, float]
Window = tuple[slice, slice, slice]


@dataclass(frozen=True)
class PlaneGrid:
    """A regular grid on parallel planes, in mm.

    In the head's own frame the origin is the middle of the brain; x points to the patient's left,
    y to the back, z to the top, as in DICOM's patient coordinates. Columns grow along
    ``column_step``, rows along ``row_step``; planes may be anywhere.

    Attributes:
        origins: First point of each plane, float64, shape (planes, 3).
        row_step: From one row to the next, float64, shape (3,).
        column_step: From one column to the next, float64, shape (3,).
        rows: Rows of a plane.
        columns: Columns of a plane.
    """

    origins: npt.NDArray[np.float64]
    row_step: npt.NDArray[np.float64]
    column_step: npt.NDArray[np.float64]
    rows: int
    columns: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Planes, rows, columns: the shape of every field sampled on the grid."""
        return len(self.origins), self.rows, self.columns

    @cached_property
    def x(self) -> FloatArray:
        """Towards the patient's left."""
        return self._axis(0)

    @cached_property
    def y(self) -> FloatArray:
        """Towards the back."""
        return self._axis(1)

    @cached_property
    def z(self) -> FloatArray:
        """Towards the top."""
        return self._axis(2)

    def _axis(self, axis: int) -> FloatArray:
        # Only the sums are large; in float32 they run at twice the speed.
        origins = self.origins[:, axis].astype(np.float32)
        down = (np.arange(self.rows) * self.row_step[axis]).astype(np.float32)
        across = (np.arange(self.columns) * self.column_step[axis]).astype(np.float32)
        return (origins[:, None] + down)[:, :, None] + across

    def window(self, center_mm: Vector, reach_mm: float | Vector) -> Window | None:
        """Return the part of the grid that may lie in a box, or None if none does.

        Args:
            center_mm: Middle of the box.
            reach_mm: Half the box's edges along x, y and z, or of a cube's.

        Example:
            >>> grid = plane_grid(np.zeros((1, 3)), spacing_mm=1.0, rows=5, columns=5)
            >>> grid.window((1.0, 0.0, 0.0), 1.0)
            (slice(0, 1, None), slice(0, 2, None), slice(0, 3, None))
            >>> grid.window((1.0, 0.0, 9.0), 1.0) is None
            True
        """
        spacing, directions, normal, heights, starts = self._geometry
        reach = (reach_mm,) * 3 if isinstance(reach_mm, int | float) else reach_mm
        x, y, z = center_mm
        a, b, c = reach
        u, v, w = normal
        apart = (x * u + y * v + z * w) - heights
        half = a * abs(u) + b * abs(v) + c * abs(w)
        near = np.flatnonzero(np.abs(apart) <= half + 1e-6)
        if not near.size:
            return None
        first, last = int(near[0]), int(near[-1]) + 1
        found = [slice(first, last)]
        for axis, count in enumerate((self.rows, self.columns)):
            u, v, w = directions[axis]
            middle = x * u + y * v + z * w
            half = a * abs(u) + b * abs(v) + c * abs(w)
            before = starts[axis][first:last]
            nearest, farthest = middle - float(before.max()), middle - float(before.min())
            low = math.ceil((nearest - half) / spacing[axis] - 1e-6)
            high = math.floor((farthest + half) / spacing[axis] + 1e-6) + 1
            low, high = max(low, 0), min(high, count)
            if low >= high:
                return None
            found.append(slice(low, high))
        return found[0], found[1], found[2]

    @cached_property
    def _geometry(
        self,
    ) -> tuple[
        list[float],
        list[Vector],
        Vector,
        npt.NDArray[np.float64],
        tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]],
    ]:
        """Spacings, directions and normal; planes' heights and starts along them."""
        steps = np.stack([self.row_step, self.column_step])
        spacing = np.linalg.norm(steps, axis=1)
        directions = steps / spacing[:, None]
        normal = np.cross(directions[1], directions[0])
        down, across = (self.origins @ direction for direction in directions)
        return (
            spacing.tolist(),
            [(u, v, w) for u, v, w in directions.tolist()],
            (float(normal[0]), float(normal[1]), float(normal[2])),
            self.origins @ normal,
            (down, across),
        )

    def crop(self, window: Window) -> PlaneGrid:
        """Return a part of the grid; coordinates that are known already are shared.

        Example:
            >>> grid = plane_grid(np.zeros((1, 3)), spacing_mm=2.0, rows=3, columns=3)
            >>> grid.crop((slice(0, 1), slice(1, 3), slice(0, 1))).y[0, :, 0].tolist()
            [2.0, 4.0]
        """
        planes, rows, columns = window
        part = PlaneGrid(
            self.origins[planes] + rows.start * self.row_step + columns.start * self.column_step,
            self.row_step,
            self.column_step,
            rows.stop - rows.start,
            columns.stop - columns.start,
        )
        for axis in ("x", "y", "z"):
            if axis in self.__dict__:
                part.__dict__[axis] = self.__dict__[axis][window]
        return part


def plane_grid(
    origins: npt.NDArray[np.float64], *, spacing_mm: float, rows: int, columns: int
) -> PlaneGrid:
    """Return an axis-parallel grid: columns along x, rows along y."""
    return PlaneGrid(
        np.asarray(origins, np.float64),
        np.array([0.0, spacing_mm, 0.0]),
        np.array([spacing_mm, 0.0, 0.0]),
        rows,
        columns,
    )


def bounding_window(inside: npt.NDArray[np.bool_]) -> Window | None:
    """Return the smallest window that holds every true point, or None if there is none.

    Example:
        >>> inside = np.zeros((1, 4, 4), bool)
        >>> inside[0, 1, 2] = True
        >>> bounding_window(inside)
        (slice(0, 1, None), slice(1, 2, None), slice(2, 3, None))
    """
    found = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        hits = np.flatnonzero(inside.any(axis=others))
        if not hits.size:
            return None
        found.append(slice(int(hits[0]), int(hits[-1]) + 1))
    return found[0], found[1], found[2]
