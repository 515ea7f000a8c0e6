"""Blood in the brain's fluid: settled in ventricles, spread in folds and cisterns."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from examwise.phantom.bleeds.site import Box, Site
from examwise.phantom.grid import FloatArray
from examwise.phantom.shapes import Ellipsoid
from examwise.phantom.waves import SmoothField

_GROWTH_MM = 12.0
_OUTLINE_MM = 2.0


@dataclass(frozen=True)
class VentricleBlood:
    """Blood in parts of the ventricles: settled at the back, a clot, or all of a part.

    The patient lies on the back: blood sinks towards +y, and its surface is level.

    Attributes:
        parts: Which parts; keys of :attr:`BrainFields.ventricles`.
        level_mm: The y behind which it lies, if it has settled.
        region: Where it can be.
        widening_mm: How far it widens the ventricle.
        outline: Field that makes its level uneven.
    """

    parts: tuple[str, ...]
    level_mm: float | None
    region: Ellipsoid
    widening_mm: float
    outline: SmoothField

    def box(self) -> Box:
        """Return where the blood can be."""
        a, b, c = (radius + _OUTLINE_MM for radius in self.region.radii_mm)
        return Box(self.region.center_mm, (a, b, c))

    def distance_mm(self, site: Site) -> FloatArray:
        """Return the signed distance to the blood."""
        ventricles = [site.ventricle(part) for part in self.parts]
        distance = np.minimum.reduce(ventricles) - np.float32(self.widening_mm)
        within = self.region.distance_mm(site.grid)
        outline = np.clip(self.outline.on(site.grid), -_OUTLINE_MM, _OUTLINE_MM)
        within += outline
        np.maximum(distance, within, out=distance)
        if self.level_mm is not None:
            above = np.float32(self.level_mm) - site.grid.y
            above += np.float32(0.5) * outline
            np.maximum(distance, above, out=distance)
        return distance

    def grown(self, factor: float) -> VentricleBlood:
        """Return the bleed with a higher level, in a wider ventricle."""
        more = _GROWTH_MM * (factor - 1.0)
        a, b, c = self.region.radii_mm
        return replace(
            self,
            level_mm=None if self.level_mm is None else self.level_mm - more,
            region=replace(self.region, radii_mm=(a + more, b + more, c + more)),
            widening_mm=self.widening_mm + 0.2 * more,
        )


@dataclass(frozen=True)
class SpreadBlood:
    """Blood in folds and cisterns, in some regions, in patches.

    Attributes:
        regions: Where it can be.
        widening_mm: How far it widens what it fills.
        patches: Field whose low values are free of blood.
        spared: Below which value.
        outline_mm: How irregular the regions are.
    """

    regions: tuple[Ellipsoid, ...]
    widening_mm: float
    patches: SmoothField
    spared: float
    outline_mm: float

    def box(self) -> Box:
        """Return where the blood can be."""
        reach = np.array([np.full(3, max(part.radii_mm)) for part in self.regions])
        middles = np.array([part.center_mm for part in self.regions])
        low, high = (middles - reach).min(axis=0), (middles + reach).max(axis=0)
        x, y, z = (0.5 * (low + high)).tolist()
        a, b, c = (0.5 * (high - low) + 2.0 * self.outline_mm).tolist()
        return Box((x, y, z), (a, b, c))

    def distance_mm(self, site: Site) -> FloatArray:
        """Return the signed distance to the blood."""
        within = np.minimum.reduce([part.distance_mm(site.grid) for part in self.regions])
        patches = np.clip(self.patches.on(site.grid), -_OUTLINE_MM, _OUTLINE_MM)
        within -= np.float32(self.outline_mm) * patches
        patches -= np.float32(self.spared)
        patches *= np.float32(-1.0 / self.patches.wave_number)
        np.maximum(within, patches, out=within)
        np.maximum(within, site.subarachnoid - np.float32(self.widening_mm), out=within)
        return np.maximum(within, np.float32(0.5) - site.ventricles, out=within)

    def grown(self, factor: float) -> SpreadBlood:
        """Return the bleed, in larger regions and wider folds, less patchy."""
        grown = []
        for part in self.regions:
            a, b, c = part.radii_mm
            grown.append(replace(part, radii_mm=(factor * a, factor * b, factor * c)))
        return replace(
            self,
            regions=tuple(grown),
            widening_mm=self.widening_mm + 1.5 * (factor - 1.0),
            spared=self.spared - 2.0 * (factor - 1.0),
        )
