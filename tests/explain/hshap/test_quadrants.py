from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.explain.hshap.quadrants import PixelSetKeys, areas, quadrants


@settings(deadline=None, max_examples=40)
@given(sides=st.tuples(*[st.integers(0, 6)] * 4))
def test_quadrants_tile_their_parent(sides):
    top, rows, left, columns = sides
    image = np.zeros((12, 12), int)
    parts = quadrants(np.array([[top, top + rows, left, left + columns]]))[0]
    for first, last, start, end in parts:
        image[first:last, start:end] += 1
    expected = np.zeros_like(image)
    expected[top : top + rows, left : left + columns] = 1
    assert (image == expected).all()
    assert areas(parts).sum() == rows * columns


def kept_pixels(box, shift, coalition, rows, columns):
    mask = np.zeros((rows, columns), bool)
    for quadrant, (top, bottom, left, right) in enumerate(quadrants(box[None])[0]):
        if coalition >> quadrant & 1:
            mask[top:bottom, left:right] = True
    return np.roll(mask, tuple(shift), (0, 1)).tobytes()


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), rows=st.integers(1, 7), columns=st.integers(1, 7))
def test_keys_are_equal_where_the_pixels_are(seed, rows, columns):
    stream = np.random.default_rng(seed)
    ends = [np.sort(stream.integers(0, side + 1, (8, 2)), 1) for side in (rows, columns)]
    boxes = np.concatenate(ends, 1)
    shifts = stream.integers(0, (rows, columns), (8, 2))
    images = stream.integers(0, 2, 8)
    keys = PixelSetKeys(rows=rows, columns=columns, n_images=2).of_coalitions(boxes, shifts, images)
    by_key, by_pixels = {}, {}
    for node in range(8):
        for coalition in range(16):
            pixels = kept_pixels(boxes[node], shifts[node], coalition, rows, columns)
            known = (pixels, images[node] if any(pixels) else None)
            key = int(keys[node, coalition])
            assert by_key.setdefault(key, known) == known
            assert by_pixels.setdefault(known, key) == key
