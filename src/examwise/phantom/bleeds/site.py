"""The part of a brain that a bleed can reach: nothing else is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from examwise.phantom.brain.fields import BrainFields
from examwise.phantom.grid import FloatArray, PlaneGrid, Vector, Window
from examwise.phantom.head.fields import HeadFields


@dataclass(frozen=True)
class Box:
    """A box in the head's frame.

    Attributes:
        center_mm: Its middle.
        reach_mm: Half its edges.
    """

    center_mm: Vector
    reach_mm: Vector

    def window(self, grid: PlaneGrid, *, margin_mm: float) -> Window | None:
        """Return the part of a grid that may lie in the box with a margin, or None."""
        x, y, z = self.reach_mm
        return grid.window(self.center_mm, (x + margin_mm, y + margin_mm, z + margin_mm))


@dataclass(frozen=True)
class Site:
    """A brain's distances in a window; views, taken when they are asked for.

    Attributes:
        fields: Distances of the whole brain.
        window: Which part.
    """

    fields: BrainFields
    window: Window

    @cached_property
    def head(self) -> HeadFields:
        """Distances to the skull."""
        return self.fields.head.crop(self.window)

    @property
    def grid(self) -> PlaneGrid:
        """Where the distances were sampled."""
        return self.head.grid

    @property
    def falx(self) -> FloatArray:
        """To the falx."""
        return self.fields.falx[self.window]

    @property
    def tentorium(self) -> FloatArray:
        """To the tentorium."""
        return self.fields.tentorium[self.window]

    @property
    def above_tentorium(self) -> FloatArray:
        """Height above the tentorium's sheet."""
        return self.fields.above_tentorium[self.window]

    def ventricle(self, name: str) -> FloatArray:
        """Return the distance to a part of the ventricles."""
        return self.fields.ventricles[name][self.window]

    @cached_property
    def ventricles(self) -> FloatArray:
        """To the nearest of all ventricles."""
        parts = [of_part[self.window] for of_part in self.fields.ventricles.values()]
        return np.minimum.reduce(parts)

    @cached_property
    def subarachnoid(self) -> FloatArray:
        """To the fluid around the brain: in folds, cisterns and on the surface."""
        fluid = np.minimum(self.fields.folds[self.window], self.fields.cisterns[self.window])
        return np.minimum(fluid, -self.fields.surface[self.window], out=fluid)
