from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from examwise.imaging.annotation_geometry import (
    Box,
    clip_box,
    component_boxes,
    orient_box,
    resample_mask,
    scale_box,
)
from examwise.imaging.geometry import standard_orientation
from examwise.imaging.resample import resample_in_plane
from examwise.imaging.volume import Volume

_ORIENTATIONS = [
    [*first, *second]
    for first in ([1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0])
    for second in ([1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0])
    if not np.dot(first, second)
]


def painted(box: Box, rows: int, columns: int) -> np.ndarray:
    image = np.zeros((rows, columns), np.int16)
    x, y, width, height = map(int, box)
    image[y : y + height, x : x + width] = 1
    return image


@pytest.mark.parametrize("orientation", _ORIENTATIONS)
def test_a_box_turns_with_its_image(orientation: list[int]) -> None:
    in_plane = standard_orientation(orientation)
    box = Box(1, 2, 3, 5)
    turned = orient_box(box, in_plane, rows=9, columns=12)
    image = in_plane.apply(painted(box, 9, 12))
    np.testing.assert_array_equal(painted(turned, *image.shape), image)


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.data())
def test_a_scaled_box_lies_where_the_resampled_affine_says(rows, columns, matrix, data) -> None:
    x, y = data.draw(st.integers(0, columns - 1)), data.draw(st.integers(0, rows - 1))
    pixels = np.zeros((1, rows, columns), np.int16)
    volume = Volume(pixels, np.zeros(1), np.diag([2.0, 3, 1, 1]), 3.0, 2.0, None, True, 0.0)
    stored = resample_in_plane(volume, matrix)
    placed = scale_box(Box(x, y, 1, 1), rows=rows, columns=columns, matrix=matrix)

    def corner_mm(affine, x, y):
        return (affine @ [x - 0.5, y - 0.5, 0, 1])[:2]  # pixel centres are whole in an affine

    for dx, dy in ((0, 0), (1, 1)):
        np.testing.assert_allclose(
            corner_mm(stored.affine, placed.x + dx * placed.width, placed.y + dy * placed.height),
            corner_mm(volume.affine, x + dx, y + dy),
            atol=1e-9,
        )
    inside = clip_box(placed, rows=matrix, columns=matrix)
    assert inside is not None
    np.testing.assert_allclose(inside, placed, atol=1e-9)


@pytest.mark.parametrize("matrix", [4, 8])
def test_reduced_masks_go_by_majority(matrix: int) -> None:
    mask = np.random.default_rng(0).random((5, 32, 32)) < 0.5
    step = 32 // matrix
    share = mask.reshape(5, matrix, step, matrix, step).mean((2, 4))
    np.testing.assert_array_equal(resample_mask(mask, matrix), share >= 0.5)


def test_enlarged_masks_repeat_pixels() -> None:
    mask = np.random.default_rng(0).random((2, 8, 8)) < 0.5
    np.testing.assert_array_equal(resample_mask(mask, 16), mask.repeat(2, axis=1).repeat(2, axis=2))
    assert resample_mask(mask, 8) is mask


def test_no_bleed_vanishes_and_none_appears() -> None:
    mask = np.zeros((3, 64, 64), bool)
    mask[1, 13, 50] = True
    small = resample_mask(mask, 8)
    assert np.argwhere(small).tolist() == [[1, 1, 6]]


def test_masks_that_are_not_square_are_padded() -> None:
    mask = np.ones((1, 4, 8), bool)
    assert resample_mask(mask, 4)[0].any(1).tolist() == [False, True, True, False]


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000))
def test_boxes_of_parts_are_those_of_a_graph(seed: int) -> None:
    mask = np.random.default_rng(seed).random((9, 11)) < 0.3
    points = np.argwhere(mask)
    near = np.abs(points[:, None] - points[None]).max(2) <= 1
    _, part = connected_components(sparse.csr_matrix(near))
    expected = set()
    for number in set(part.tolist()):
        rows, columns = points[part == number].T
        expected.add((columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1))
    assert {tuple(map(int, box)) for box in component_boxes(mask)} == expected


def test_boxes_at_the_edge() -> None:
    assert clip_box(Box(-1, -1, 20, 20), rows=4, columns=6) == (0, 0, 6, 4)
    assert clip_box(Box(-3, 0, 3, 2), rows=4, columns=6) is None
    assert clip_box(Box(0, 4, 3, 2), rows=4, columns=6) is None
