"""Bleeds within the brain: lobulated lumps, or patchy ones as contusions are."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from examwise.phantom.bleeds.site import Box, Site
from examwise.phantom.grid import FloatArray
from examwise.phantom.shapes import Ellipsoid
from examwise.phantom.waves import SmoothField

_MERGING_MM = 3.0
_DEEPEST_OUTLINE = 2.2
_MIDLINE_SOFT_MM = 8.0


@dataclass(frozen=True)
class Blobs:
    """Merged ellipsoids with an irregular outline, outside ventricles and dura.

    Attributes:
        parts: The ellipsoids, the main one first.
        outline: Field that makes the outline irregular.
        outline_mm: How far.
        midline_side: 1 or -1 for a bleed that stays on the left or right of the midline, else 0.
        holes: Field whose low values are spared brain, if the bleed is patchy.
        spared: Below which value of that field.
    """

    parts: tuple[Ellipsoid, ...]
    outline: SmoothField
    outline_mm: float
    midline_side: int = 0
    holes: SmoothField | None = None
    spared: float = 0.0

    @property
    def volume_ml(self) -> float:
        """Volume of the parts, overlaps counted once at most roughly."""
        main, *others = (4.0 / 3.0 * math.pi * math.prod(p.radii_mm) for p in self.parts)
        return (main + 0.5 * sum(others)) / 1_000.0

    def box(self) -> Box:
        """Return where the bleed can be."""
        lows, highs = [], []
        for part in self.parts:
            a, b, c = part.radii_mm
            around = max(a, b) if part.turn_degree else 0.0
            reach = np.array((max(a, around), max(b, around), c))
            lows.append(np.array(part.center_mm) - reach)
            highs.append(np.array(part.center_mm) + reach)
        low, high = np.min(lows, axis=0), np.max(highs, axis=0)
        x, y, z = (0.5 * (low + high)).tolist()
        a, b, c = (0.5 * (high - low) + _DEEPEST_OUTLINE * self.outline_mm + 1.0).tolist()
        return Box((x, y, z), (a, b, c))

    def lump_mm(self, site: Site) -> FloatArray:
        """Return the distance to the lump's outline, spared brain not left out."""
        grid = site.grid
        first, *others = self.parts
        distance = first.distance_mm(grid)
        for part in others:
            distance = _merged(distance, part.distance_mm(grid), _MERGING_MM)
        outline = self.outline.on(grid)
        np.clip(outline, -_DEEPEST_OUTLINE, _DEEPEST_OUTLINE, out=outline)
        outline *= np.float32(self.outline_mm)
        distance += outline
        return distance

    def distance_mm(self, site: Site) -> FloatArray:
        """Return the signed distance to the blood."""
        distance = self.lump_mm(site)
        if self.holes is not None:
            spared = np.float32(self.spared) - self.holes.on(site.grid)
            spared *= np.float32(1.0 / self.holes.wave_number)
            np.maximum(distance, spared, out=distance)
        np.maximum(distance, -site.ventricles, out=distance)
        np.maximum(distance, -site.falx, out=distance)
        np.maximum(distance, -site.tentorium, out=distance)
        if self.midline_side:
            # Up against the midline a bleed is flattened, not cut.
            within = np.float32(self.midline_side) * site.grid.x
            distance = -_merged(-distance, within, _MIDLINE_SOFT_MM)
        return distance

    def grown(self, factor: float) -> Blobs:
        """Return the bleed, larger in every direction and less patchy."""
        main = self.parts[0].center_mm
        grown = []
        for part in self.parts:
            a, b, c = (factor * radius for radius in part.radii_mm)
            x, y, z = (
                middle + factor * (own - middle)
                for own, middle in zip(part.center_mm, main, strict=True)
            )
            grown.append(replace(part, center_mm=(x, y, z), radii_mm=(a, b, c)))
        spared = self.spared - 2.0 * (factor - 1.0)
        return replace(self, parts=tuple(grown), spared=spared)


def _merged(one: FloatArray, other: FloatArray, over_mm: float) -> FloatArray:
    """Return the smaller distance, without a crease where both are equal: lower there."""
    near = np.abs(one - other)
    near *= np.float32(-1.0 / over_mm)
    near += np.float32(1.0)
    np.maximum(near, 0.0, out=near)
    near *= near
    near *= np.float32(0.25 * over_mm)
    return np.subtract(np.minimum(one, other), near, out=near)
