from __future__ import annotations

import base64
import zlib

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.reporting.exam_viewer.packing import (
    hu_levels,
    pack_bits,
    pack_levels,
    reduce_slices,
    reduced_shape,
    to_levels,
)


def unpacked(text: str, shape: tuple[int, int, int]) -> np.ndarray:
    """Undo the prediction pixel by pixel, as the page's script does."""
    rest = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8)
    rest = rest.reshape(shape).astype(int)
    levels = np.zeros(shape, np.int64)
    for place, row, column in np.ndindex(*shape):
        left = levels[place, row, column - 1] if column else 0
        above = levels[place, row - 1, column] if row else 0
        levels[place, row, column] = (rest[place, row, column] + (left + above) // 2) % 256
    return levels


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(1, 7), st.integers(1, 7))
def test_pixels_come_back_as_the_nearest_level(seed, n, rows, columns):
    pixels = np.random.default_rng(seed).integers(-2000, 4000, (n, rows, columns)).astype(np.int16)
    levels = to_levels(pixels)
    back = unpacked(pack_levels(levels), pixels.shape)
    assert np.array_equal(back, levels)
    hu = np.array(hu_levels())[back]
    nearest = np.abs(np.array(hu_levels())[:, None] - pixels.ravel()).min(axis=0)
    assert np.array_equal(np.abs(hu.ravel() - pixels.ravel()), nearest)
    of_brain = (pixels >= -40) & (pixels <= 118)
    assert (np.abs(hu - pixels)[of_brain] <= 1).all()


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 9), st.integers(1, 9))
def test_masks_come_back_as_they_were(seed, n, rows, columns):
    inside = np.random.default_rng(seed).random((n, rows, columns)) < 0.3
    data = zlib.decompress(base64.b64decode(pack_bits(inside)))
    size = -(-rows * columns // 8)
    for place in range(n):
        bits = np.unpackbits(np.frombuffer(data[place * size : (place + 1) * size], np.uint8))
        assert np.array_equal(bits[: rows * columns].reshape(rows, columns), inside[place])


def test_large_slices_are_averaged_and_small_ones_left_alone():
    pixels = np.arange(2 * 384 * 384).reshape(2, 384, 384).astype(np.int16)
    shape = reduced_shape(384, 384)
    assert shape == (192, 192)
    reduced = reduce_slices(pixels, shape)
    blocks = pixels.reshape(2, 192, 2, 192, 2).astype(float).mean(axis=(2, 4))
    assert np.abs(reduced - blocks).max() <= 1
    assert reduce_slices(pixels[:, :96, :96], (96, 96)) is not None
