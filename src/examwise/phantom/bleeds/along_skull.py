"""Bleeds between skull and brain: crescents under the dura, lenses outside of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from examwise.phantom.bleeds.site import Box
from examwise.phantom.bleeds.skull_patch import SkullPatch
from examwise.phantom.grid import FloatArray, PlaneGrid
from examwise.phantom.head.fields import HeadFields
from examwise.phantom.waves import SmoothField

_MIDLINE_MM = 1.5
_THICKEST = 1.6
# Where the tentorium meets the skull: in front of it the temporal fossa reaches lower.
_TRANSVERSE_SINUS_MM = -8.0
_TENTORIUM_FRONT_MM = 15.0


@dataclass(frozen=True)
class Crescent:
    """Subdural blood over a hemisphere: across sutures, up to the midline.

    Attributes:
        patch: Where along the skull.
        thickness_mm: Largest thickness.
        outline: Field that makes the thickness uneven.
        unevenness: How uneven, relative.
    """

    patch: SkullPatch
    thickness_mm: float
    outline: SmoothField
    unevenness: float

    def box(self) -> Box:
        """Return where the blood can be."""
        return self.patch.box(_THICKEST * self.thickness_mm)

    def distance_mm(self, head: HeadFields) -> FloatArray:
        """Return the signed distance to the blood."""
        profile = self.patch.profile(head.grid)
        # The square root keeps a crescent thick up to its tips; a lens thins out from the middle.
        thickness = np.copysign(np.sqrt(np.abs(profile)), profile)
        uneven = self.outline.on(head.grid)
        uneven *= np.float32(self.unevenness)
        uneven += np.float32(1.0)
        np.clip(uneven, 0.3, _THICKEST, out=uneven)
        thickness *= uneven
        thickness *= np.float32(self.thickness_mm)
        distance = -head.vault - thickness
        grid = head.grid
        np.maximum(distance, _across_midline(grid, self.patch.side), out=distance)
        below = np.minimum(
            np.float32(_TRANSVERSE_SINUS_MM) - grid.z, grid.y - np.float32(_TENTORIUM_FRONT_MM)
        )
        return np.maximum(distance, below, out=distance)

    def grown(self, factor: float) -> Crescent:
        """Return the bleed, larger in every direction."""
        return replace(
            self, patch=self.patch.grown(factor), thickness_mm=factor * self.thickness_mm
        )


@dataclass(frozen=True)
class Lens:
    """Epidural blood: biconvex, held by sutures.

    Attributes:
        patch: Where along the skull.
        thickness_mm: Largest thickness.
        outline: Field that makes the inner side a little uneven.
        suture_mm: The y of a suture that holds it, where there is one near.
    """

    patch: SkullPatch
    thickness_mm: float
    outline: SmoothField
    suture_mm: float | None = None

    def box(self) -> Box:
        """Return where the blood can be."""
        return self.patch.box(self.thickness_mm)

    def distance_mm(self, head: HeadFields) -> FloatArray:
        """Return the signed distance to the blood."""
        thickness = self.patch.profile(head.grid)
        thickness *= np.float32(self.thickness_mm)
        distance = -head.vault - thickness
        distance += np.float32(0.06 * self.thickness_mm) * self.outline.on(head.grid)
        grid = head.grid
        np.maximum(distance, _across_midline(grid, self.patch.side), out=distance)
        if self.suture_mm is not None:
            side = 1.0 if self.patch.center_mm[1] > self.suture_mm else -1.0
            beyond = (np.float32(self.suture_mm) - grid.y) * np.float32(side)
            np.maximum(distance, beyond, out=distance)
        return distance

    def grown(self, factor: float) -> Lens:
        """Return the bleed, larger in every direction."""
        return replace(
            self, patch=self.patch.grown(factor), thickness_mm=factor * self.thickness_mm
        )


def _across_midline(grid: PlaneGrid, side: int) -> FloatArray:
    return np.float32(_MIDLINE_MM) - np.float32(side) * grid.x
