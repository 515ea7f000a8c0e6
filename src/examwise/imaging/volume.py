"""A CT volume in HU, in the one orientation that everything after import relies on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examwise.core.errors import InputError

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


def require_regular(volume: Volume, *, operation: str) -> None:
    """Refuse a volume whose slices are not evenly spaced, for what takes them to be.

    An irregular series (two spacings, gaps) is stored and read like any other; only what treats
    neighbours alike cannot go on with it. A lone slice is regular.

    Args:
        volume: The volume.
        operation: What is about to be done, as the user would name it.

    Raises:
        InputError: Naming the operation.

    Example:
        >>> pixels = np.zeros((3, 2, 2), np.int16)
        >>> gap = Volume(pixels, np.array([0.0, 1, 5]), np.eye(4), 1.0, 1.0, 2.5, False, 0.0)
        >>> require_regular(gap, operation="averaging thin slices")
        Traceback (most recent call last):
            ...
        examwise.core.errors.InputError: averaging thin slices: expected slices evenly spaced, ...
    """
    if volume.regular:
        return
    distances = np.diff(volume.positions_mm)
    raise InputError(
        where=operation,
        expected="slices evenly spaced",
        got=f"distances of {distances.min():.2f} to {distances.max():.2f} mm between neighbours",
        remedy="leave this series to what takes slices one by one",
    )


def to_int16_hu(values: npt.NDArray[np.generic]) -> npt.NDArray[np.int16]:
    """Round to whole HU and clip to what is stored; no number at all becomes air.

    Example:
        >>> to_int16_hu(np.array([-3024.0, 40.6, np.nan, 1e9])).tolist()
        [-1024, 41, -1024, 32767]
    """
    highest = np.iinfo(np.int16).max
    if values.dtype == np.int16:
        return np.maximum(values, np.int16(AIR_HU))
    if np.issubdtype(values.dtype, np.integer):
        return np.clip(values, AIR_HU, highest).astype(np.int16)
    filled = np.nan_to_num(values.astype(np.float64), nan=AIR_HU, posinf=highest, neginf=AIR_HU)
    return np.clip(np.rint(filled), AIR_HU, highest).astype(np.int16)
