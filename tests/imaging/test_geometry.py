from __future__ import annotations

import math
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.imaging.geometry import (
    first_pixel_mm,
    gantry_tilt_degree,
    group_by_position,
    slice_spacing_mm,
    standard_orientation,
    volume_affine,
)
from examwise.imaging.reasons import ImageRefused

IN_PLANE = [
    [*first, *second]
    for first, second in permutations([(1, 0, 0), (0, 1, 0)])
    for first, second in product(
        [first, tuple(-x for x in first)], [second, tuple(-x for x in second)]
    )
]


@pytest.mark.parametrize("orientation", IN_PLANE)
def test_every_in_plane_orientation_shows_the_same_picture(orientation: list[int]) -> None:
    """A pixel's patient coordinates stay what DICOM says they are (PS3.3 C.7.6.2.1.1)."""
    rows, columns, spacing = 5, 7, (2.0, 3.0)
    position = np.array([10.0, 20.0, 30.0])
    along_columns, along_rows = np.array(orientation[:3]), np.array(orientation[3:])
    pixels = np.arange(rows * columns, dtype=np.int16).reshape(rows, columns)
    in_plane = standard_orientation(orientation)
    shown = in_plane.apply(pixels)
    row_spacing, column_spacing = spacing[::-1] if in_plane.transpose else spacing
    first = first_pixel_mm(
        position,
        in_plane,
        rows=shown.shape[0],
        columns=shown.shape[1],
        row_spacing_mm=row_spacing,
        column_spacing_mm=column_spacing,
    )
    affine = volume_affine(
        first[None], in_plane, row_spacing_mm=row_spacing, column_spacing_mm=column_spacing
    )
    assert affine[0, 0] > 0
    assert affine[1, 1] > 0
    assert affine[2, 2] == 1
    for row in range(rows):
        for column in range(columns):
            where = position + along_columns * spacing[1] * column + along_rows * spacing[0] * row
            shown_row, shown_column = np.argwhere(shown == pixels[row, column])[0]
            np.testing.assert_allclose(
                (affine @ [shown_column, shown_row, 0, 1])[:3], where, atol=1e-9
            )


@given(
    tilt=st.floats(-40, 40),
    roll=st.floats(-10, 10),
    step=st.floats(0.3, 8),
    flip=st.booleans(),
)
@settings(deadline=None, max_examples=50)
def test_measured_tilt_and_affine(tilt: float, roll: float, step: float, flip: bool) -> None:
    lean, turn = math.radians(tilt), math.radians(roll)
    along_columns = np.array([math.cos(turn), math.sin(turn), 0])
    along_rows = np.array(
        [
            -math.sin(turn) * math.cos(lean),
            math.cos(turn) * math.cos(lean),
            -math.sin(lean),
        ]
    )
    in_plane = standard_orientation([*(-along_columns if flip else along_columns), *along_rows])
    corners = np.arange(4)[:, None] * np.array([0.0, 0.0, step])
    assert gantry_tilt_degree(corners, in_plane) == pytest.approx(tilt, abs=1e-6)
    distance, regular = slice_spacing_mm(corners @ in_plane.normal)
    assert regular
    assert distance == pytest.approx(step * math.cos(lean))
    affine = volume_affine(corners, in_plane, row_spacing_mm=1, column_spacing_mm=1)
    np.testing.assert_allclose((affine @ [0, 0, 3, 1])[:3], corners[3], atol=1e-9)


def test_reformatted_slices_shifted_along_their_normal_have_no_tilt() -> None:
    in_plane = standard_orientation([1, 0, 0, 0, 0.8, -0.6])
    corners = np.arange(3)[:, None] * in_plane.normal
    assert gantry_tilt_degree(corners, in_plane) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("degree", [44.0, 46.0, 90.0])
def test_limit_of_axial(degree: float) -> None:
    lean = math.radians(degree)
    orientation = [1, 0, 0, 0, math.cos(lean), -math.sin(lean)]
    if degree < 45:
        assert standard_orientation(orientation).normal[2] > 0.7
    else:
        with pytest.raises(ImageRefused, match="axial"):
            standard_orientation(orientation)


@given(st.lists(st.integers(-50, 50), max_size=20), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=50)
def test_groups_hold_every_slice_once_in_order(places: list[int], shuffle) -> None:
    positions = [place * 0.5 for place in places]
    groups = group_by_position(positions)
    assert sorted(index for group in groups for index in group) == list(range(len(positions)))
    levels = [positions[group[0]] for group in groups]
    assert levels == sorted(set(levels))
    assert all(group == sorted(group) for group in groups)
    assert all(len({positions[index] for index in group}) == 1 for group in groups)


def test_spacing() -> None:
    assert slice_spacing_mm(np.array([1.0])) == (None, True)
    assert slice_spacing_mm(np.array([0, 5, 10.05])) == (pytest.approx(5.025), True)
    assert slice_spacing_mm(np.array([0, 5, 10, 15.2])) == (pytest.approx(5), False)
