"""Slices as small pictures inside a page, in the brain window."""

from __future__ import annotations

import base64
import io

import numpy as np
import numpy.typing as npt
from PIL import Image

WINDOW_CENTER_HU = 40.0
WINDOW_WIDTH_HU = 80.0
LARGEST_SIDE = 112
"""Pixels; larger slices are reduced, smaller ones stay as they are stored."""
_JPEG_QUALITY = 88


def to_grey(pixels_hu: npt.NDArray[np.int16]) -> npt.NDArray[np.uint8]:
    """Map HU to grey levels: black at 0 HU and below, white at 80 HU and above.

    Example:
        >>> to_grey(np.array([-1000, 0, 40, 80, 900], np.int16)).tolist()
        [0, 0, 128, 255, 255]
    """
    low = WINDOW_CENTER_HU - WINDOW_WIDTH_HU / 2
    scaled = (pixels_hu.astype(np.float32) - low) / WINDOW_WIDTH_HU
    return np.rint(np.clip(scaled, 0.0, 1.0) * 255).astype(np.uint8)


def thumbnail(
    slice_hu: npt.NDArray[np.int16], *, row_spacing_mm: float, column_spacing_mm: float
) -> str:
    """Return a slice as a JPEG data URI with square pixels.

    Args:
        slice_hu: HU, int16, shape (rows, columns).
        row_spacing_mm: Between rows.
        column_spacing_mm: Between columns.

    Example:
        >>> uri = thumbnail(np.zeros((8, 8), np.int16), row_spacing_mm=1, column_spacing_mm=1)
        >>> uri[:23]
        'data:image/jpeg;base64,'
    """
    rows, columns = slice_hu.shape
    height_mm = rows * (row_spacing_mm or 1.0)
    width_mm = columns * (column_spacing_mm or 1.0)
    side = min(LARGEST_SIDE, max(rows, columns))
    scale = side / max(height_mm, width_mm)
    size = max(1, round(width_mm * scale)), max(1, round(height_mm * scale))
    image = Image.fromarray(to_grey(slice_hu))
    if image.size != size:
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
