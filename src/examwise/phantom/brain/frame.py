"""Coordinates of the brain's anatomy: those of an average brain, wherever a patient has it.

Structures are described once, in mm of an average brain. A patient's brain is larger or smaller,
not quite regular and maybe pushed aside: each point of a grid has the place in the average brain
that its tissue has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from examwise.phantom.grid import FloatArray, PlaneGrid, Vector, Window
from examwise.phantom.pushes import Push, unpushed
from examwise.phantom.shapes import Ellipsoid, FreePoints, Points
from examwise.phantom.waves import SmoothField

FAR_MM = 20.0
_FALX_SHARE = 0.35

Bounds = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


@dataclass(frozen=True)
class BrainPoints:
    """Places in the average brain, in mm, float32, of a grid's shape.

    Attributes:
        x: Towards the patient's left.
        y: Towards the back.
        z: Towards the top.
    """

    x: FloatArray
    y: FloatArray
    z: FloatArray

    @cached_property
    def across(self) -> FloatArray:
        """Distance from the midline."""
        return np.abs(self.x)

    @cached_property
    def bounds(self) -> tuple[Bounds, Bounds, Bounds]:
        """The smallest and largest z of each plane, y of each row, x of each column."""
        return (
            (self.z.min(axis=(1, 2)), self.z.max(axis=(1, 2))),
            (self.y.min(axis=(0, 2)), self.y.max(axis=(0, 2))),
            (self.x.min(axis=(0, 1)), self.x.max(axis=(0, 1))),
        )

    def window(self, center_mm: Vector, reach_mm: Vector) -> Window | None:
        """Return the part that may lie in a box, or None if none does.

        Args:
            center_mm: Middle of the box in the average brain.
            reach_mm: Half the box's edges.

        Example:
            >>> axis = np.arange(4, dtype=np.float32)
            >>> z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
            >>> BrainPoints(x, y, z).window((0, 1, 2), (1, 1, 0.5))
            (slice(2, 3, None), slice(0, 3, None), slice(0, 2, None))
        """
        found = []
        for (low, high), center, reach in zip(
            self.bounds, center_mm[::-1], reach_mm[::-1], strict=True
        ):
            near = ((high >= center - reach) & (low <= center + reach)).nonzero()[0]
            if not near.size:
                return None
            found.append(slice(int(near[0]), int(near[-1]) + 1))
        return found[0], found[1], found[2]

    def crop(self, window: Window) -> FreePoints:
        """Return a part of the points, as views."""
        return FreePoints(self.x[window], self.y[window], self.z[window])

    def lower(self, field: FloatArray, shape: Ellipsoid, *, margin_mm: float) -> None:
        """Take an ellipsoid's distance into a field of distances where it is less, in place."""
        a, b, c = shape.radii_mm
        if shape.turn_degree:
            a = b = max(a, b)
        reach = (a + margin_mm, b + margin_mm, c + margin_mm)
        if window := self.window(shape.center_mm, reach):
            found = shape.distance_mm(self.crop(window))
            self.lower_within(field, window, found, shape.center_mm, reach)

    def lower_within(
        self,
        field: FloatArray,
        window: Window,
        found: FloatArray,
        center_mm: Vector,
        reach_mm: Vector,
    ) -> None:
        """Take distances into a field where they are less, in place, within a box alone.

        A window holds more than its box does, the more so the more of the grid there is; what a
        point is given must not depend on that.

        Args:
            field: Distances to all.
            window: Where the new ones are.
            found: New ones.
            center_mm: Middle of the box.
            reach_mm: Half the box's edges.
        """
        near = self.crop(window)
        inside = np.ones(found.shape, np.bool_)
        for axis, center, reach in zip((near.x, near.y, near.z), center_mm, reach_mm, strict=True):
            inside &= np.abs(axis - np.float32(center)) <= np.float32(reach)
        part = field[window]
        np.minimum(part, found, out=part, where=inside)


@dataclass(frozen=True)
class BrainFrame:
    """How a patient's brain differs from the average one.

    Attributes:
        scale: Its size over the average one's, along x, y and z.
        warps: Fields that make it irregular, along x, y and z.
        warp_mm: Their standard deviation.
    """

    scale: Vector
    warps: tuple[SmoothField, SmoothField, SmoothField]
    warp_mm: float

    def points(self, grid: PlaneGrid, pushes: Sequence[Push] = ()) -> BrainPoints:
        """Return the places of a grid's points in the average brain."""
        moved = unpushed(grid, pushes)
        return BrainPoints(*self._placed(grid, moved))

    def falx_x(self, grid: PlaneGrid, points: BrainPoints, pushes: Sequence[Push]) -> FloatArray:
        """Return x for the falx, which bends less than the brain beside it is moved."""
        if not pushes:
            return points.x
        still = grid.x * np.float32(1.0 / self.scale[0])
        still += np.float32(self.warp_mm) * self.warps[0].on(grid)
        still += np.float32(_FALX_SHARE) * (points.x - still)
        return still

    def _placed(self, grid: PlaneGrid, moved: Points) -> tuple[FloatArray, FloatArray, FloatArray]:
        x, y, z = (
            axis * np.float32(1.0 / scale)
            for axis, scale in zip((moved.x, moved.y, moved.z), self.scale, strict=True)
        )
        for axis, warp in zip((x, y, z), self.warps, strict=True):
            axis += np.float32(self.warp_mm) * warp.on(grid)
        return x, y, z


def far(points: BrainPoints) -> FloatArray:
    """Return a field of distances to something that is nowhere near."""
    return np.full(points.x.shape, FAR_MM, np.float32)
