"""Boxes and masks from an image as acquired to the store's matrix."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from examwise.imaging.geometry import InPlane

_HALF = 0.5
_EIGHT_NEIGHBOURS = np.ones((3, 3), np.int64)


class Box(NamedTuple):
    """A rectangle in pixels; pixel (column, row) covers ``column`` … ``column + 1``.

    Attributes:
        x: Left edge.
        y: Upper edge.
        width: Width, above 0.
        height: Height, above 0.
    """

    x: float
    y: float
    width: float
    height: float


def clip_box(box: Box, *, rows: int, columns: int) -> Box | None:
    """Return the part of a box within an image; None if there is none.

    Example:
        >>> clip_box(Box(-2.0, 1.0, 5.0, 2.0), rows=4, columns=4)
        Box(x=0.0, y=1.0, width=3.0, height=2.0)
        >>> clip_box(Box(4.0, 1.0, 5.0, 2.0), rows=4, columns=4) is None
        True
    """
    left, top = max(box.x, 0.0), max(box.y, 0.0)
    right, bottom = min(box.x + box.width, columns), min(box.y + box.height, rows)
    if right <= left or bottom <= top:
        return None
    return Box(left, top, right - left, bottom - top)


def orient_box(box: Box, in_plane: InPlane, *, rows: int, columns: int) -> Box:
    """Bring a box to the standard orientation, as :meth:`InPlane.apply` brings its image.

    Args:
        box: In pixels of the image as it lies in its file.
        in_plane: The standard orientation.
        rows: Rows of the image as it lies in its file.
        columns: Columns of it.
    """
    x, y, width, height = box
    if in_plane.transpose:
        x, y, width, height = y, x, height, width
        rows, columns = columns, rows
    if in_plane.flip_rows:
        y = rows - y - height
    if in_plane.flip_columns:
        x = columns - x - width
    # Rounding may leave a hair below 0.
    return Box(max(x, 0.0), max(y, 0.0), width, height)


def scale_box(box: Box, *, rows: int, columns: int, matrix: int) -> Box:
    """Follow :func:`~examwise.imaging.resample.resample_in_plane` with a box.

    Args:
        box: In pixels of an image in standard orientation.
        rows: Rows of that image.
        columns: Columns of it.
        matrix: Rows and columns of the store's matrix.

    Example:
        >>> scale_box(Box(0.0, 0.0, 2.0, 4.0), rows=8, columns=4, matrix=4)
        Box(x=1.0, y=0.0, width=1.0, height=2.0)
    """
    side = max(rows, columns)
    top, left = (side - rows) // 2, (side - columns) // 2
    scale = matrix / side
    return Box((box.x + left) * scale, (box.y + top) * scale, box.width * scale, box.height * scale)


def resample_mask(mask: npt.NDArray[np.bool_], matrix: int) -> npt.NDArray[np.bool_]:
    """Bring a mask to the store's matrix, as its volume is brought there.

    A new pixel belongs to the mask where at least half of it did. A slice's mask never vanishes:
    where no pixel reaches half, those that hold the most of it belong to it.

    Args:
        mask: Shape (slices, rows, columns), standard orientation.
        matrix: Rows and columns wanted.

    Example:
        >>> mask = np.zeros((1, 4, 4), bool)
        >>> mask[0, 3, 3] = True
        >>> resample_mask(mask, 2).tolist()
        [[[False, False], [False, True]]]
    """
    n_slices, rows, columns = mask.shape
    if rows == columns == matrix:
        return mask
    side = max(rows, columns)
    top, left = (side - rows) // 2, (side - columns) // 2
    resampled = np.zeros((n_slices, matrix, matrix), bool)
    padded = np.zeros((side, side), np.float32)
    for source, target in zip(mask, resampled, strict=True):
        if source.any():
            padded[top : top + rows, left : left + columns] = source
            image = Image.fromarray(padded).resize((matrix, matrix), Image.Resampling.BOX)
            share = np.asarray(image, np.float32)
            target[:] = share >= min(_HALF, float(share.max()))
    return resampled


def component_boxes(mask: npt.NDArray[np.bool_]) -> list[Box]:
    """Return the boxes around a mask's connected parts; pixels that touch by a corner connect.

    Args:
        mask: Of one slice, shape (rows, columns).

    Example:
        >>> component_boxes(np.array([[1, 0, 0], [1, 0, 1]], bool))
        [Box(x=0.0, y=0.0, width=1.0, height=2.0), Box(x=2.0, y=1.0, width=1.0, height=1.0)]
    """
    if not mask.any():
        return []
    parts, _ = ndimage.label(mask, _EIGHT_NEIGHBOURS)
    return [
        Box(
            float(columns.start),
            float(rows.start),
            float(columns.stop - columns.start),
            float(rows.stop - rows.start),
        )
        for rows, columns in ndimage.find_objects(parts)
    ]
