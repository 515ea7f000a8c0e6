"""Boxes around what is connected in a mask."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import ndimage


class Box(NamedTuple):
    """A box in pixels of an image; the origin is the upper left corner of the first pixel.

    Attributes:
        x: Left edge.
        y: Upper edge.
        width: Columns it covers.
        height: Rows it covers.
    """

    x: int
    y: int
    width: int
    height: int


_TOUCHING = np.ones((3, 3), bool)


def component_boxes(mask: npt.NDArray[np.bool_]) -> list[Box]:
    """Return the tight box of each component, pixels that touch at a corner being connected.

    Args:
        mask: Bool, shape (rows, columns).

    Example:
        >>> mask = np.zeros((4, 5), bool)
        >>> mask[1, 2:4] = mask[2, 4] = True
        >>> component_boxes(mask)
        [Box(x=2, y=1, width=3, height=2)]
    """
    labelled, _ = ndimage.label(mask, structure=_TOUCHING)
    return [
        Box(columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start)
        for rows, columns in ndimage.find_objects(labelled)
    ]
