"""Ridges and grooves of the inner table: crests, protuberance, sinus groove, thick foreheads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from examwise.phantom.grid import FloatArray, PlaneGrid, Vector

TORCULAR_MM = -13.0
"""Height of the internal occipital protuberance, where the tentorium meets the back."""
_CREST_HALF_MM = 3.0
_GROOVE_HALF_MM = 6.0


@dataclass(frozen=True)
class InnerRidges:
    """How far the inner table stands in or out, in mm.

    Attributes:
        frontal_crest_mm: Height of the frontal crest.
        protuberance_mm: Height of the internal occipital protuberance.
        occipital_crest_mm: Height of the internal occipital crest below it.
        groove_mm: Depth of the sagittal sinus's groove.
        hyperostosis_mm: Thickening of the forehead's inside to both sides of the midline.
    """

    frontal_crest_mm: float
    protuberance_mm: float
    occipital_crest_mm: float
    groove_mm: float
    hyperostosis_mm: float


def inner_ridges(
    ridges: InnerRidges, radii_mm: Vector, grid: PlaneGrid, vault: FloatArray
) -> FloatArray:
    """Return the distance to the inner table with its ridges, as a new array."""
    cavity = vault.copy()
    length = radii_mm[1]
    # Near the midline alone; the box is as high as a head.
    if window := grid.window((0.0, 0.0, 0.0), (2.5 * _GROOVE_HALF_MM, 200.0, 120.0)):
        part = grid.crop(window)
        y, z = part.y, part.z
        apart = np.abs(part.x)
        apart *= np.float32(1.0 / _CREST_HALF_MM)
        narrow = np.float32(1.0) / (np.float32(1.0) + apart * apart)
        narrow *= narrow
        broad = np.maximum(np.float32(1.0) - apart * np.float32(_CREST_HALF_MM / 14.0), 0.0)
        front = np.clip(y * np.float32(-1.0 / length), 0.0, 1.0)
        back = np.clip(y * np.float32(1.0 / length), 0.0, 1.0)
        high = np.clip((z + np.float32(5.0)) * np.float32(1.0 / 45.0), 0.0, 1.0)
        crest = np.float32(ridges.frontal_crest_mm) * narrow
        crest *= np.clip(np.float32(4.0) * front - np.float32(2.4), 0.0, 1.0)
        crest *= np.float32(1.0) - high
        level = (z - np.float32(TORCULAR_MM)) * np.float32(1.0 / 11.0)
        knob = np.float32(1.0) / (np.float32(1.0) + level * level)
        knob *= np.float32(ridges.protuberance_mm) * (np.float32(0.5) * (narrow + broad * broad))
        below = np.clip((np.float32(TORCULAR_MM) - z) * np.float32(0.1), 0.0, 1.0)
        below *= np.float32(ridges.occipital_crest_mm) * narrow
        knob += below
        knob *= np.clip(np.float32(5.0) * back - np.float32(1.8), 0.0, 1.0)
        groove = np.float32(ridges.groove_mm) * np.maximum(
            np.float32(1.0) - np.square(apart * np.float32(_CREST_HALF_MM / _GROOVE_HALF_MM)), 0.0
        )
        groove *= high
        crest += knob
        crest -= groove
        cavity[window] += crest
    if ridges.hyperostosis_mm > 0.0 and (
        window := grid.window((0.0, -60.0, 22.0), (48.0, 35.0, 40.0))
    ):
        part = grid.crop(window)
        aside = np.abs(part.x)
        bump = np.clip(aside * np.float32(0.15) - np.float32(0.3), 0.0, 1.0)
        bump *= np.clip((np.float32(46.0) - aside) * np.float32(0.06), 0.0, 1.0)
        bump *= np.clip((np.float32(-32.0) - part.y) * np.float32(0.06), 0.0, 1.0)
        bump *= np.clip((np.float32(56.0) - part.z) * np.float32(0.04), 0.0, 1.0)
        bump *= np.clip((part.z + np.float32(18.0)) * np.float32(0.08), 0.0, 1.0)
        bump *= np.float32(ridges.hyperostosis_mm)
        cavity[window] += bump
    return cavity
