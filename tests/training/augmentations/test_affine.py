from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import affine_transform

from examwise.training.augmentations.affine import (
    flip,
    flips,
    only_flips,
    resample,
    rotate_shift_and_scale,
)

SIDES = st.integers(1, 12)


def noise(rows, columns, n=1):
    return np.random.default_rng(rows * 100 + columns).random((n, 1, rows, columns), np.float32)


def one(angle=0.0, shift=(0.0, 0.0), scale=(1.0, 1.0)):
    return rotate_shift_and_scale(np.array([angle]), np.array([shift]), np.array([scale]))


@settings(deadline=None, max_examples=40)
@given(
    SIDES,
    SIDES,
    st.floats(-180, 180),
    st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5)),
    st.tuples(st.floats(0.6, 1.6), st.floats(0.6, 1.6)),
)
def test_it_agrees_with_scipy(rows, columns, angle, shift, scale):
    image = noise(rows, columns)
    radians = np.radians(angle)
    turn = np.array([[np.cos(radians), -np.sin(radians)], [np.sin(radians), np.cos(radians)]])
    forward = np.diag(scale) @ turn
    back = np.linalg.inv(forward)
    center = (np.array([rows, columns]) - 1) / 2
    moved = np.array(scale) * np.array(shift) * rows
    offset = center - back @ (center + moved)
    expected = affine_transform(
        image[0, 0].astype(float), back, offset=offset, order=1, mode="grid-constant", cval=0.0
    )
    found = resample(torch.from_numpy(image), one(angle, shift, scale))[0, 0]
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_two_maps_in_one_agree_with_one_after_the_other_on_smooth_images():
    row, column = np.mgrid[:96, :96] - 47.5
    image = np.exp(-(((row - 6) / 14) ** 2) - ((column + 4) / 18) ** 2).astype(np.float32)
    image = torch.from_numpy(image)[None, None]
    first, second = one(17, (0.02, -0.01), (1.08, 0.97)), one(12, (0.01, 0.02), (0.96, 1.07))
    both = resample(image, second @ first)
    torch.testing.assert_close(both, resample(resample(image, first), second), atol=0.01, rtol=0)


@settings(deadline=None, max_examples=20)
@given(SIDES, SIDES)
def test_flips_are_exact(rows, columns):
    images = torch.from_numpy(noise(rows, columns, n=4))
    maps = flips(np.array([False, True, False, True]), np.array([False, False, True, True]))
    assert only_flips(maps).all()
    flipped = flip(images, maps)
    assert torch.equal(flipped[0], images[0])
    assert torch.equal(flipped[1], images[1].flip(-2))
    assert torch.equal(flipped[2], images[2].flip(-1))
    assert torch.equal(flipped[3], images[3].flip(-1, -2))
    torch.testing.assert_close(resample(images, maps), flipped, atol=1e-5, rtol=0)


def test_a_map_with_any_strength_is_more_than_a_flip():
    maps = np.concatenate([one(), one(1.0), one(shift=(0.0, 0.1)), one(scale=(1.0, 1.1))])
    assert only_flips(maps).tolist() == [True, False, False, False]


def test_what_comes_in_from_outside_is_zero():
    image = torch.ones(1, 1, 10, 10)
    moved = resample(image, one(shift=(0.3, 0.0)))
    assert torch.equal(moved[0, 0, :3], torch.zeros(3, 10))
    torch.testing.assert_close(moved[0, 0, 3:], torch.ones(7, 10))
