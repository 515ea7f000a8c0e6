"""A CT volume in HU, in the one orientation that everything after import relies on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

AIR_HU = -1024
"""HU of air, and of everything outside the scanned circle."""


@dataclass(frozen=True, eq=False)
class Volume:
    """A CT volume: columns increase to the patient's left, rows to posterior, slices upwards.

    Coordinates are DICOM's patient coordinates (LPS) in mm.

    Attributes:
        pixels_hu: HU, int16, shape (slices, rows, columns); nothing below -1024.
        positions_mm: Of each slice along the slice normal, ascending, float64, shape (slices,).
        affine: From (column, row, slice, 1) to (x, y, z, 1) in mm, float64, shape (4, 4). Where
            slices are irregular it is right for the first and the last slice, and
            ``positions_mm`` for all.
        row_spacing_mm: Distance between the centres of neighbouring rows.
        column_spacing_mm: Distance between the centres of neighbouring columns.
        slice_spacing_mm: Median distance of neighbouring slices along the normal, measured; None
            for a lone slice.
        regular: Whether all distances of neighbours agree within
            :data:`~examwise.imaging.geometry.REGULAR_TOLERANCE_MM`.
        gantry_tilt_degree: See :func:`~examwise.imaging.geometry.gantry_tilt_degree`.
    """

    pixels_hu: npt.NDArray[np.int16]
    positions_mm: npt.NDArray[np.float64]
    affine: npt.NDArray[np.float64]
    row_spacing_mm: float
    column_spacing_mm: float
    slice_spacing_mm: float | None
    regular: bool
    gantry_tilt_degree: float


def to_int16_hu(values: npt.NDArray[np.generic]) -> npt.NDArray[np.int16]:
    """Round to whole HU and clip to what is stored; no number at all becomes air.

    Example:
        >>> to_int16_hu(np.array([-3024.0, 40.6, np.nan, 1e9])).tolist()
        [-1024, 41, -1024, 32767]
    """
    highest = np.iinfo(np.int16).max
    if np.issubdtype(values.dtype, np.integer):
        return np.clip(values, AIR_HU, highest).astype(np.int16)
    filled = np.nan_to_num(values.astype(np.float64), nan=AIR_HU, posinf=highest, neginf=AIR_HU)
    return np.clip(np.rint(filled), AIR_HU, highest).astype(np.int16)
