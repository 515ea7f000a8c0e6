"""In-plane resampling to one square matrix for all exams of a store."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from PIL import Image

from examwise.imaging.volume import AIR_HU, Volume, to_int16_hu


def resample_in_plane(volume: Volume, matrix: int) -> Volume:
    """Resample every slice to ``matrix`` × ``matrix`` pixels; slices stay as they are.

    A slice that is not square is first padded with air, evenly. Resampling is linear with a
    kernel widened to the reduction, so that nothing aliases and no edge overshoots. Affine and
    spacings follow. A volume of that size already is returned itself.

    Args:
        volume: Any volume.
        matrix: Rows and columns wanted.

    Example:
        >>> pixels = np.full((1, 4, 4), 40, np.int16)
        >>> volume = Volume(pixels, np.zeros(1), np.eye(4), 1.0, 1.0, None, True, 0.0)
        >>> small = resample_in_plane(volume, 2)
        >>> small.pixels_hu.tolist(), small.row_spacing_mm, small.affine[0].tolist()
        ([[[40, 40], [40, 40]]], 2.0, [2.0, 0.0, 0.0, 0.5])
    """
    n_slices, rows, columns = volume.pixels_hu.shape
    if rows == columns == matrix:
        return volume
    side = max(rows, columns)
    top, left = (side - rows) // 2, (side - columns) // 2
    scale = side / matrix
    resampled = np.empty((n_slices, matrix, matrix), np.int16)
    padded = np.full((side, side), AIR_HU, np.float32)
    for source, target in zip(volume.pixels_hu, resampled, strict=True):
        padded[top : top + rows, left : left + columns] = source
        target[:] = to_int16_hu(_resize(padded, matrix))
    # Old index of the first new pixel's centre: both matrices cover the same square.
    first = scale / 2 - 0.5
    change = np.array(
        [[scale, 0, 0, first - left], [0, scale, 0, first - top], [0, 0, 1, 0], [0, 0, 0, 1.0]]
    )
    return replace(
        volume,
        pixels_hu=resampled,
        affine=volume.affine @ change,
        row_spacing_mm=volume.row_spacing_mm * scale,
        column_spacing_mm=volume.column_spacing_mm * scale,
    )


def _resize(image: npt.NDArray[np.float32], matrix: int) -> npt.NDArray[np.float32]:
    resized = Image.fromarray(image).resize((matrix, matrix), Image.Resampling.BILINEAR)
    return np.asarray(resized, np.float32)
