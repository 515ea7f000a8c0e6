"""Colour-coded masks: pictures in which each colour stands for what was drawn."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from examwise.imaging.reasons import ImageRefused

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255 each."""

MASK_SUFFIXES = (".png", ".bmp", ".gif", ".tif", ".tiff", ".jpg", ".jpeg")
"""Names of files that can be such masks."""

_FORMATS = ("PNG", "BMP", "GIF", "TIFF", "JPEG")
_LARGEST_SIDE = 4096
_UNLISTED = -1


def read_picture(path: Path) -> npt.NDArray[np.uint8]:
    """Read a picture's colours; what is fully transparent is black.

    Returns:
        Red, green and blue, uint8, shape (rows, columns, 3).

    Raises:
        ImageRefused: ``unreadable`` or ``damaged`` if it is no such picture, ``too_large`` if it
            is larger than 4096 pixels, ``multi_frame`` if it holds several pictures.
    """
    try:
        with path.open("rb") as file, Image.open(file, formats=_FORMATS) as picture:
            if max(picture.size) > _LARGEST_SIDE:
                raise ImageRefused("too_large")
            if getattr(picture, "n_frames", 1) > 1:
                raise ImageRefused("multi_frame")
            pixels = np.asarray(picture.convert("RGBA"))
    except FileNotFoundError:
        raise ImageRefused("unreadable") from None
    # Pillow raises errors of many kinds where a file is damaged.
    except (OSError, ValueError, SyntaxError, EOFError, OverflowError, IndexError):
        raise ImageRefused("damaged") from None
    colours = pixels[..., :3].copy()
    colours[pixels[..., 3] == 0] = 0
    return colours


def which_colour(
    pixels: npt.NDArray[np.uint8], colours: Sequence[Colour], *, tolerance: int
) -> npt.NDArray[np.int16]:
    """Return which of some colours each pixel has.

    Args:
        pixels: Red, green and blue, uint8, shape (rows, columns, 3).
        colours: The colours, more than twice the tolerance apart in one of the three.
        tolerance: Largest difference of a pixel's red, green or blue from its colour's.

    Returns:
        Index of the colour, -1 where it is none of them; shape (rows, columns).

    Example:
        >>> pixels = np.array([[[250, 3, 0], [9, 9, 9], [0, 0, 99]]], np.uint8)
        >>> which_colour(pixels, [(255, 0, 0), (0, 0, 0)], tolerance=9).tolist()
        [[0, 1, -1]]
    """
    found = np.full(pixels.shape[:2], _UNLISTED, np.int16)
    for index, colour in enumerate(colours):
        difference = np.abs(pixels.astype(np.int16) - np.array(colour, np.int16)).max(axis=-1)
        found[difference <= tolerance] = index
    return found


def enlarge(mask: npt.NDArray[np.int16], *, rows: int, columns: int) -> npt.NDArray[np.int16]:
    """Bring a mask to the size of its image, each pixel to a block of whole pixels.

    Raises:
        ImageRefused: ``mask_mismatch`` if the image is not a whole number of times as large.

    Example:
        >>> enlarge(np.array([[1, 2]], np.int16), rows=2, columns=4).tolist()
        [[1, 1, 2, 2], [1, 1, 2, 2]]
    """
    times, rest = divmod(rows, mask.shape[0])
    if rest or times * mask.shape[1] != columns:
        raise ImageRefused("mask_mismatch")
    return mask.repeat(times, axis=0).repeat(times, axis=1)
