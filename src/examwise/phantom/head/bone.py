"""Densities within bone: compact at its surfaces, spongy between them, open at its sutures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examwise.phantom.grid import FloatArray, PlaneGrid
from examwise.phantom.shapes import FreePoints
from examwise.phantom.waves import SmoothField

_BLEND_MM = 1.2
_SUTURE_HALF_MM = 0.45
_SUTURE_HU = -750.0
_CORONAL_Y_MM, _CORONAL_LEAN = -38.0, 0.3
_LAMBDA_Z_MM, _LAMBDOID_SLOPE = 30.0, 0.75
_BREGMA_Y_MM = -15.0
_LOWEST_SUTURE_MM = -32.0
_BASE_TOP_MM = -30.0
_FATTER_HU = 330.0
_LOWEST_HU = 70.0
_FAR = np.float32(9.0)


@dataclass(frozen=True)
class BoneTissue:
    """How dense bone is.

    Attributes:
        compact_hu: Density of compact bone.
        spongy_hu: Density of spongy bone.
        compact_mm: Thickness of the compact tables.
        grain: Field of the spongy bone's texture.
        grain_hu: Its standard deviation.
        wiggle: Field that makes sutures wind.
        wiggle_mm: How far.
        suture_open: How open sutures are, 0 closed to 1.
    """

    compact_hu: float
    spongy_hu: float
    compact_mm: float
    grain: SmoothField
    grain_hu: float
    wiggle: SmoothField
    wiggle_mm: float
    suture_open: float


def bone_hu(
    bone: BoneTissue,
    grid: PlaneGrid,
    distance_mm: FloatArray,
    chosen: npt.NDArray[np.intp],
    grain_hu: FloatArray,
) -> FloatArray:
    """Return bone's density at chosen points.

    Args:
        bone: How dense it is.
        grid: All points, in the average head's frame.
        distance_mm: Distance of the chosen points to bone, negative inside.
        chosen: Their indices into the flattened grid.
        grain_hu: The spongy bone's texture there.

    Returns:
        HU, float32, of the shape of ``chosen``.
    """
    # How spongy: nothing within the tables, all a little deeper.
    spongy = np.float32(-bone.compact_mm) - distance_mm
    spongy *= np.float32(1.0 / _BLEND_MM)
    np.clip(spongy, 0.0, 1.0, out=spongy)
    # Marrow in the middle of the base is fatter, and its spongy bone coarser, than the vault's.
    low = (np.float32(_BASE_TOP_MM) - grid.z.ravel()[chosen]) * np.float32(0.1)
    np.clip(low, 0.0, 1.0, out=low)
    low *= np.clip(np.float32(3.0) - np.abs(grid.x.ravel()[chosen]) * np.float32(0.1), 0.0, 1.0)
    hu = grain_hu * (np.float32(1.0) + np.float32(0.8) * low)
    hu += np.float32(bone.spongy_hu - bone.compact_hu)
    hu -= np.float32(_FATTER_HU) * low
    hu *= spongy
    hu += np.float32(bone.compact_hu)
    np.maximum(hu, np.float32(_LOWEST_HU), out=hu)
    if bone.suture_open > 0.0 and grid.z.max() > _LOWEST_SUTURE_MM:
        points = FreePoints(*(axis.ravel()[chosen] for axis in (grid.x, grid.y, grid.z)))
        wiggle = bone.wiggle.on(grid).ravel()[chosen]
        wiggle *= np.float32(bone.wiggle_mm)
        hu += np.float32(_SUTURE_HU * bone.suture_open) * suture_fraction(points, wiggle)
    return hu


def suture_fraction(points: FreePoints, wiggle_mm: FloatArray) -> FloatArray:
    """Return how much of each point is suture, 0 to 1: coronal, sagittal, lambdoid.

    Args:
        points: Where, in the average head's frame.
        wiggle_mm: How far the sutures wind off their planes there.
    """
    coronal = points.y - np.float32(_CORONAL_LEAN) * points.z
    coronal += wiggle_mm - np.float32(_CORONAL_Y_MM)
    lambdoid = points.z + np.float32(_LAMBDOID_SLOPE) * np.abs(points.x)
    lambdoid += wiggle_mm - np.float32(_LAMBDA_Z_MM)
    sagittal = points.x + wiggle_mm
    behind, above = points.y > np.float32(_BREGMA_Y_MM), points.z > np.float32(_LAMBDA_Z_MM)
    near = np.minimum.reduce(
        [
            np.where(points.z > 0, np.abs(coronal), _FAR),
            np.where(points.y > 0, np.abs(lambdoid), _FAR),
            np.where(behind & above, np.abs(sagittal), _FAR),
        ]
    )
    np.subtract(np.float32(2.0 * _SUTURE_HALF_MM), near, out=near)
    near *= np.float32(1.0 / _SUTURE_HALF_MM)
    return np.clip(near, 0.0, 1.0, out=near)
