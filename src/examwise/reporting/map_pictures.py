"""Slices and what lies over them, as small pictures inside a page.

A slice's picture is made once; a map and the outline of the truth are pictures of their own, clear
where they say nothing, to be laid over it.
"""

from __future__ import annotations

import base64
import io

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from PIL import Image
from scipy import ndimage

from examwise.reporting.thumbnails import to_grey

LARGEST_SIDE = 224
"""Pixels of a picture's longer side."""
_LEVELS = 62
"""Colours of a map; level 0 is clear."""
_OUTLINE = _LEVELS + 1
_OUTLINE_COLOUR = (64, 240, 255)
_OUTLINE_PIXELS = 2
_COLOURS = "inferno"
_DARKEST = 0.25
"""Where the colours begin: darker ones would be taken for dark brain."""
_MOST_OPAQUE = 0.75
_FULL_QUANTILE = 0.999
"""Share of a map's pixels below the end of its scale: one pixel alone is not to make it."""
_GREYS = 64
_AIR_HU = -300
_MARGIN = 0.03
"""Of a slice's side, around the head."""


def head_window(
    slice_hu: npt.NDArray[np.int16], truth: npt.NDArray[np.bool_]
) -> tuple[slice, slice]:
    """Return the rows and columns that hold the head and the truth: air around them shows nothing.

    Args:
        slice_hu: HU, int16, shape (rows, columns).
        truth: What must not be cut off, the same shape.

    Example:
        >>> hu = np.full((100, 100), -1000, np.int16)
        >>> hu[40:60, 30:70] = 30
        >>> head_window(hu, np.zeros((100, 100), bool))
        (slice(37, 63, None), slice(27, 73, None))
    """
    found = ndimage.binary_opening(slice_hu > _AIR_HU, iterations=1) | truth
    if not found.any():
        return slice(0, slice_hu.shape[0]), slice(0, slice_hu.shape[1])
    windows = []
    for axis, size in enumerate(slice_hu.shape):
        places = np.flatnonzero(found.any(axis=1 - axis))
        margin = round(_MARGIN * size)
        first, last = int(places[0]) - margin, int(places[-1]) + 1 + margin
        windows.append(slice(max(0, first), min(size, last)))
    return windows[0], windows[1]


def picture_size(
    rows: int, columns: int, *, row_spacing_mm: float, column_spacing_mm: float
) -> tuple[int, int]:
    """Return width and height of a slice's picture, whose pixels are square.

    Args:
        rows: Of the slice.
        columns: Of the slice.
        row_spacing_mm: Between rows.
        column_spacing_mm: Between columns.

    Example:
        >>> picture_size(64, 32, row_spacing_mm=1.0, column_spacing_mm=1.0)
        (112, 224)
    """
    height_mm = rows * (row_spacing_mm or 1.0)
    width_mm = columns * (column_spacing_mm or 1.0)
    scale = LARGEST_SIDE / max(height_mm, width_mm)
    return max(1, round(width_mm * scale)), max(1, round(height_mm * scale))


def slice_picture(slice_hu: npt.NDArray[np.int16], size: tuple[int, int]) -> str:
    """Return a slice in the brain window as a PNG data URI.

    Args:
        slice_hu: HU, int16, shape (rows, columns).
        size: Width and height, see :func:`picture_size`.

    Example:
        >>> slice_picture(np.zeros((8, 8), np.int16), (8, 8))[:22]
        'data:image/png;base64,'
    """
    image = Image.fromarray(to_grey(slice_hu)).resize(size, Image.Resampling.LANCZOS)
    # Fewer greys, which nobody tells apart, take two thirds of the room.
    step = 255 / (_GREYS - 1)
    grey = np.rint(np.rint(np.asarray(image, np.float32) / step) * step).astype(np.uint8)
    return _data_uri(Image.fromarray(grey))


def overlay_picture(
    map_of_slice: npt.NDArray[np.float32] | None,
    truth: npt.NDArray[np.bool_] | None,
    size: tuple[int, int],
) -> str:
    """Return what lies over a slice as a PNG data URI: a map, and the outline of the truth.

    A map is clear where it is 0, below 0 or not a number, and most opaque at the end of its scale:
    the value that one pixel in a thousand exceeds, or its largest where that is 0.

    Args:
        map_of_slice: Shape (rows, columns) of the slice; None without.
        truth: The same shape; None without.
        size: Width and height of the slice's picture.

    Example:
        >>> overlay_picture(None, np.eye(8, dtype=bool), (8, 8))[:22]
        'data:image/png;base64,'
    """
    width, height = size
    levels = np.zeros((height, width), np.uint8)
    if map_of_slice is not None:
        levels = map_levels(map_of_slice, size)
    if truth is not None and truth.any():
        resized = Image.fromarray(truth.astype(np.uint8)).resize(size, Image.Resampling.NEAREST)
        inside = np.asarray(resized, bool)
        # Around the truth rather than on its edge, so that nothing of it is covered.
        around = ndimage.binary_dilation(inside, iterations=_OUTLINE_PIXELS) & ~inside
        levels[around] = _OUTLINE
    return _data_uri(*_with_palette(levels))


def colour_bar_picture(width: int = 160, height: int = 10) -> str:
    """Return the colours of maps, from 0 to the end of the scale, as a PNG data URI.

    Example:
        >>> colour_bar_picture()[:22]
        'data:image/png;base64,'
    """
    row = np.rint(np.linspace(0, _LEVELS, width)).astype(np.uint8)
    return _data_uri(*_with_palette(np.tile(row, (height, 1))))


def map_levels(
    map_of_slice: npt.NDArray[np.float32], size: tuple[int, int]
) -> npt.NDArray[np.uint8]:
    """Return a map's levels, from 0, which is clear; they are drawn in :func:`map_colours`.

    Args:
        map_of_slice: Shape (rows, columns) of the slice.
        size: Width and height wanted.

    Example:
        >>> map_levels(np.array([[0.0, 1.0]], np.float32), (2, 1)).tolist()
        [[0, 62]]
    """
    values = np.maximum(np.nan_to_num(map_of_slice, nan=0.0, posinf=0.0, neginf=0.0), 0.0)
    full = float(np.quantile(values, _FULL_QUANTILE)) or float(values.max())
    if full <= 0:
        return np.zeros(size[::-1], np.uint8)
    share = Image.fromarray(np.minimum(values / full, 1.0).astype(np.float32))
    resized = np.asarray(share.resize(size, Image.Resampling.BILINEAR))
    return np.rint(np.clip(resized, 0.0, 1.0) * _LEVELS).astype(np.uint8)


def map_colours() -> list[tuple[int, int, int, int]]:
    """Return the colour of each level of a map: red, green, blue and opacity, 0 to 255.

    Example:
        >>> map_colours()[0][3], map_colours()[-1]
        (0, (252, 255, 164, 191))
    """
    share = np.linspace(0.0, 1.0, _LEVELS + 1)
    colours = colormaps[_COLOURS](_DARKEST + (1 - _DARKEST) * share)
    colours[:, 3] = share * _MOST_OPAQUE
    whole = np.rint(colours * 255).astype(int).tolist()
    return [(red, green, blue, opacity) for red, green, blue, opacity in whole]


def _with_palette(levels: npt.NDArray[np.uint8]) -> tuple[Image.Image, bytes]:
    colours = [*map_colours(), (*_OUTLINE_COLOUR, 255)]
    image = Image.fromarray(levels)
    image.putpalette([value for colour in colours for value in colour[:3]])
    return image, bytes(colour[3] for colour in colours)


def _data_uri(image: Image.Image, alpha: bytes | None = None) -> str:
    buffer = io.BytesIO()
    if alpha is None:
        image.save(buffer, "PNG", optimize=True)
    else:
        image.save(buffer, "PNG", optimize=True, transparency=alpha)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
