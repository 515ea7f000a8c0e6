"""Pixels, masks and maps packed small, for a script to unpack.

All are deflated (RFC 1950) and written in Base64. Pixels are levels of HU, one byte each, replaced
by their difference, modulo 256, from the mean of their neighbours to the left and above: noise is
all that is left of what is smooth. Within a row the left neighbour of the first pixel is 0, and so
is the row above the first of each slice.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

LARGEST_SIDE = 192
"""Pixels of a slice's longer side; larger slices are reduced, smaller ones stay as stored."""
_BANDS = ((-1024, -200, 32), (-200, -40, 8), (-40, 120, 2), (120, 300, 6), (300, 3001, 50))
"""HU from, to and between levels: finest where brain and blood lie."""
ROUNDING = "HU are rounded to even numbers from −40 to 120, and more coarsely beyond"


def hu_levels() -> list[int]:
    """Return the HU of each level, ascending; at most 256.

    Example:
        >>> levels = hu_levels()
        >>> len(levels) <= 256, levels[0], levels[-1]
        (True, -1024, 3000)
    """
    return [hu for first, stop, step in _BANDS for hu in range(first, stop, step)]


def to_levels(pixels_hu: npt.NDArray[np.int16]) -> npt.NDArray[np.uint8]:
    """Return the level that is nearest to each HU; of two, the lower.

    Example:
        >>> levels = hu_levels()
        >>> [levels[i] for i in to_levels(np.array([-3000, 41, 42, 9000], np.int16))]
        [-1024, 40, 42, 3000]
    """
    levels = np.array(hu_levels())
    between = (levels[:-1] + levels[1:]) / 2
    table = np.searchsorted(between, np.arange(-32768, 32768), side="left").astype(np.uint8)
    return table[pixels_hu.astype(np.int32) + 32768]


def pack_levels(levels: npt.NDArray[np.uint8]) -> str:
    """Pack levels, uint8, shape (slices, rows, columns)."""
    wide = levels.astype(np.int16)
    left, above = np.zeros_like(wide), np.zeros_like(wide)
    left[:, :, 1:] = wide[:, :, :-1]
    above[:, 1:] = wide[:, :-1]
    return pack(((wide - (left + above) // 2) % 256).astype(np.uint8).tobytes())


def pack_bits(inside: npt.NDArray[np.bool_]) -> str:
    """Pack whether pixels belong to a mask, shape (slices, rows, columns)."""
    flat = inside.reshape(len(inside), inside.shape[1] * inside.shape[2])
    return pack(np.packbits(flat, axis=1).tobytes())


def pack(data: bytes) -> str:
    """Deflate bytes, and write them in Base64."""
    return base64.b64encode(zlib.compress(data, 9)).decode("ascii")


def reduced_shape(rows: int, columns: int) -> tuple[int, int]:
    """Return rows and columns of a slice no larger than :data:`LARGEST_SIDE`.

    Example:
        >>> reduced_shape(512, 256), reduced_shape(96, 96)
        ((192, 96), (96, 96))
    """
    scale = min(1.0, LARGEST_SIDE / max(rows, columns))
    return max(1, round(rows * scale)), max(1, round(columns * scale))


def reduce_slices(
    pixels_hu: npt.NDArray[np.int16], shape: tuple[int, int]
) -> npt.NDArray[np.int16]:
    """Reduce slices to a shape, each new pixel the mean of those that it covers."""
    if pixels_hu.shape[1:] == shape:
        return pixels_hu
    reduced = np.empty((len(pixels_hu), *shape), np.int16)
    for place, slice_hu in enumerate(pixels_hu):
        image = Image.fromarray(slice_hu.astype(np.float32))
        mean_hu = np.asarray(image.resize(shape[::-1], Image.Resampling.BOX), np.float32)
        reduced[place] = np.rint(mean_hu)
    return reduced


def reduce_masks(
    inside: Sequence[npt.NDArray[np.bool_]], shape: tuple[int, int]
) -> npt.NDArray[np.bool_]:
    """Reduce masks to a shape; a new pixel belongs to one where half of it did, the fullest always.

    Example:
        >>> corner = np.zeros((4, 4), bool)
        >>> corner[0, 0] = True
        >>> reduce_masks([corner], (2, 2)).tolist()
        [[[True, False], [False, False]]]
    """
    reduced = np.zeros((len(inside), *shape), np.bool_)
    for place, one in enumerate(inside):
        image = Image.fromarray(one.astype(np.float32))
        share = np.asarray(image.resize(shape[::-1], Image.Resampling.BOX))
        reduced[place] = (share >= min(0.5, float(share.max()))) & (share > 0)
    return reduced
