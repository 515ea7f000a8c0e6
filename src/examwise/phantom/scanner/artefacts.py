"""What goes wrong in the projections, and what it does to the image.

A scanner takes every projection for that of water. Bone hardens the beam more: rays through much
bone and much tissue come out too transparent, and the image is too dark between dense bones and a
little too bright beside them. Rays through much bone also carry few photons: noise, in streaks
along them. A head that moves halfway makes projections that do not belong together.
Only the errors are projected back, on a coarse grid; they are smooth enough for it.

Source: the second-order error of water-corrected projections (Joseph and Spital, 1978, "A method
for correcting bone induced artifacts in computed tomography scanners"); metal counts as much
bone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from examwise.phantom.grid import FloatArray
from examwise.phantom.scanner.motion import Motion
from examwise.phantom.scanner.projection import (
    CELLS,
    SINOGRAM_SHAPE,
    Projector,
    from_cells,
    projector,
    to_cells,
)

WATER_PER_MM = 0.0193
"""Attenuation of water at the mean energy of a 120 kV beam behind a head."""

REFERENCE_HEAD_MM = 180.0
"""Diameter of the water cylinder in whose middle the noise has the stated standard deviation."""

_BONE_FROM_HU = 130.0
_METAL_FROM_HU = 2500.0
_METAL_WEIGHT = 6.0
_HARDENING_PER_HU = 4.2e-5
_BONE_SHARE = 2.5
_BOWTIE_SHARE = 0.85
_SPILLING_HU = 100.0
_LEAST_WEIGHT = 2e-3
_STARVED_FROM = 1.6
_STARVED_GAIN = 3.0
_STARVED_MOST = 60.0


@dataclass(frozen=True)
class SliceErrors:
    """What the projections' errors do to one slice, float32, shape (matrix, matrix) each.

    Attributes:
        error_hu: To be added.
        noise_factor: Standard deviation of the noise, against the middle of a head of water.
    """

    error_hu: FloatArray
    noise_factor: FloatArray


def slice_errors(
    hu: FloatArray,
    *,
    pixel_mm: float,
    hardening_hu: float,
    streak_hu: float,
    motion: Motion | None,
    random: np.random.Generator,
) -> SliceErrors:
    """Return one slice's artefacts.

    Args:
        hu: Densities without noise, all that is in the gantry; float32, (matrix, matrix).
        pixel_mm: Between rows, and between columns.
        hardening_hu: Density error halfway between two rods of bone, 30 mm thick and 70 mm apart,
            in the reference head.
        streak_hu: Standard deviation of the noise averaged over a coarse cell.
        motion: How the head moved meanwhile.
        random: Source of the noise in starved rays.
    """
    matrix = len(hu)
    cell_mm = pixel_mm * matrix / CELLS
    coarse = to_cells(matrix)
    bone = np.maximum(hu - np.float32(_BONE_FROM_HU), 0.0)
    metal = np.maximum(hu - np.float32(_METAL_FROM_HU), 0.0)
    if metal.any():
        bone += np.float32(_METAL_WEIGHT - 1.0) * metal
    parts = np.stack([coarse @ hu @ coarse.T + np.float32(1000.0), coarse @ bone @ coarse.T])
    # Path lengths in mm of water, and in mm of bone twice as dense as water.
    paths = projector().forward(parts * np.float32(cell_mm / 1000.0))
    total, hard = paths[0], paths[1]
    error = _hardening(total - hard, hard)
    error *= np.float32(hardening_hu)
    noise = random.standard_normal(SINOGRAM_SHAPE, dtype=np.float32)
    variance = _noise_variance(total, cell_mm)
    starved = np.clip(variance - np.float32(_STARVED_FROM), 0.0, np.float32(_STARVED_MOST))
    noise *= np.sqrt(starved)
    noise *= np.float32(streak_hu * _STARVED_GAIN * cell_mm / _unit_noise())
    error += noise
    if motion is not None:
        error += np.float32(1000.0) * motion.inconsistency(total, cell_mm)
    error /= np.float32(cell_mm)
    back = projector().back(np.stack([projector().filtered(error), variance]))
    spread = from_cells(matrix)
    # Cells are coarser than the skull: its own errors must not spill over the brain beside it.
    weight = np.exp(parts[1] * np.float32(-1.0 / _SPILLING_HU)) + np.float32(_LEAST_WEIGHT)
    error_hu = spread @ (weight * back[0]) @ spread.T
    error_hu /= spread @ weight @ spread.T
    return SliceErrors(error_hu, noise_factor=spread @ np.sqrt(back[1]) @ spread.T)


def _hardening(soft: FloatArray, bone: FloatArray) -> FloatArray:
    """Return the error of each ray, in HU × mm for a hardening of 1 HU."""
    error = np.float32(_BONE_SHARE) * bone
    error += soft
    error *= bone
    error *= np.float32(-_HARDENING_PER_HU * 1000.0)
    # What is in proportion to bone would change bone alone, which scanners set right.
    square = float(np.vdot(bone, bone))
    if square > 0.0:
        error -= np.float32(float(np.vdot(error, bone)) / square) * bone
    return error


def _noise_variance(total: FloatArray, cell_mm: float) -> FloatArray:
    """Return the noise of each ray against one through the middle of the reference head."""
    place = (np.arange(CELLS, dtype=np.float32) - np.float32((CELLS - 1) / 2)) * np.float32(cell_mm)
    radius = np.float32(REFERENCE_HEAD_MM / 2)
    chord = np.float32(2.0) * np.sqrt(np.maximum(radius * radius - place * place, 0.0))
    # A wedge of metal before the patient evens out what a head of water would let through.
    wedge = np.float32(_BOWTIE_SHARE) * (np.float32(REFERENCE_HEAD_MM) - chord)
    excess = total + (wedge - np.float32(REFERENCE_HEAD_MM))
    excess *= np.float32(WATER_PER_MM)
    return np.exp(np.minimum(excess, 8.0))


@lru_cache(maxsize=1)
def _unit_noise() -> float:
    """Return the noise of the image that unit white noise in all views gives, in cells."""
    found: Projector = projector()
    middle = found.ramp[CELLS // 2].astype(np.float64)
    # A view's filtered noise, read off halfway between detectors on average.
    smooth = 0.5 * float(middle @ middle) + 0.5 * float(
        (0.5 * (middle + np.roll(middle, 1))) @ (0.5 * (middle + np.roll(middle, 1)))
    )
    return math.pi * math.sqrt(smooth / (4 * SINOGRAM_SHAPE[1]))
