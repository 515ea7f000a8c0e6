"""One bleed: kind, place, size and density, apart from how it is drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace

from examwise.core.schemas.findings import FINDINGS
from examwise.phantom.bleeds.along_skull import Crescent, Lens
from examwise.phantom.bleeds.blobs import Blobs
from examwise.phantom.bleeds.in_fluid import SpreadBlood, VentricleBlood
from examwise.phantom.bleeds.sheets import FalxSheet, TentoriumSheet
from examwise.phantom.waves import SmoothField

KINDS = FINDINGS[1:]
"""The five kinds of bleeds, in the order in which every file lists them."""

SkullForm = Crescent | Lens
BrainForm = Blobs | FalxSheet | TentoriumSheet | VentricleBlood | SpreadBlood
Form = SkullForm | BrainForm


@dataclass(frozen=True)
class LightPart:
    """What of a bleed is less dense: serum above settled cells, or old blood beside fresh.

    Attributes:
        hu: Its density.
        level_mm: In front of this y it lies; None if it is in bands.
        bands: Field whose low values it fills (bands), or that makes the level uneven.
        old: Whether it is too old to count as a bleed that is seen.
    """

    hu: float
    level_mm: float | None
    bands: SmoothField
    old: bool


@dataclass(frozen=True)
class BleedParameters:
    """One bleed, in the head's frame.

    Attributes:
        kind: A key of :data:`KINDS`.
        side: 1 left, -1 right, 0 both or midline.
        form: Place and shape.
        hu: Density of the blood.
        texture: Field that makes the density uneven.
        texture_hu: How far.
        edge_mm: Width over which it merges with what surrounds it, beside the voxel's size.
        swelling_hu: Density change of a rim of oedema, 0 or below.
        swelling_mm: Width of the rim.
        light: Its less dense part, if it has one.
    """

    kind: str
    side: int
    form: Form
    hu: float
    texture: SmoothField
    texture_hu: float = 2.0
    edge_mm: float = 1.0
    swelling_hu: float = 0.0
    swelling_mm: float = 0.0
    light: LightPart | None = None

    @property
    def has_old_part(self) -> bool:
        """Whether part of it is chronic."""
        return self.light is not None and self.light.old

    def grown(self, factor: float) -> BleedParameters:
        """Return the bleed, larger in every direction."""
        return replace(self, form=self.form.grown(factor))
