from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.imaging.resample import resample_in_plane
from examwise.imaging.volume import Volume


def volume_of(pixels: np.ndarray) -> Volume:
    affine = np.array([[0.5, 0.02, 0.1, 4], [0.01, 0.4, 0.3, 5], [0, 0, 5, 6], [0, 0, 0, 1.0]])
    return Volume(
        pixels.astype(np.int16),
        np.arange(len(pixels)) * 5.0,
        affine,
        0.4,
        0.5,
        5.0,
        True,
        0.0,
    )


def blob(rows: int, columns: int, row: float, column: float, width: float) -> np.ndarray:
    y, x = np.mgrid[:rows, :columns]
    return 2000 * np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * width**2)) - 1024


def centre(volume: Volume) -> np.ndarray:
    weights = volume.pixels_hu[0].astype(float) + 1024
    y, x = np.mgrid[: weights.shape[0], : weights.shape[1]]
    row, column = (weights * y).sum() / weights.sum(), (weights * x).sum() / weights.sum()
    return volume.affine @ [column, row, 0, 1]


def test_same_size_is_the_same_object() -> None:
    volume = volume_of(np.zeros((1, 8, 8)))
    assert resample_in_plane(volume, 8) is volume


@given(
    rows=st.integers(40, 70),
    columns=st.integers(40, 70),
    matrix=st.sampled_from([16, 33, 64, 128]),
    shift=st.floats(-4, 4),
)
@settings(deadline=None, max_examples=30)
def test_things_stay_where_they_are_in_the_patient(
    rows: int, columns: int, matrix: int, shift: float
) -> None:
    volume = volume_of(blob(rows, columns, rows / 2 + shift, columns / 2 - shift, 4)[None])
    resampled = resample_in_plane(volume, matrix)
    assert resampled.pixels_hu.shape == (1, matrix, matrix)
    np.testing.assert_allclose(centre(resampled), centre(volume), atol=0.03)
    np.testing.assert_allclose(
        np.linalg.norm(resampled.affine[:3, :2], axis=0),
        np.linalg.norm(volume.affine[:3, :2], axis=0) * max(rows, columns) / matrix,
    )
    assert resampled.row_spacing_mm == pytest.approx(0.4 * max(rows, columns) / matrix)
    np.testing.assert_array_equal(resampled.affine[:, 2], volume.affine[:, 2])


@given(
    rows=st.integers(20, 60),
    columns=st.integers(20, 60),
    matrix=st.integers(12, 90),
    slopes=st.tuples(st.floats(-20, 20), st.floats(-20, 20)),
)
@settings(deadline=None, max_examples=40)
def test_values_stay_at_their_patient_coordinates(
    rows: int, columns: int, matrix: int, slopes: tuple[float, float]
) -> None:
    """A field that is linear in mm is the same field afterwards, away from the padding."""

    def field(affine: np.ndarray, n_rows: int, n_columns: int) -> np.ndarray:
        row, column = np.mgrid[:n_rows, :n_columns]
        x, y = (
            affine[axis, 0] * column + affine[axis, 1] * row + affine[axis, 3] for axis in (0, 1)
        )
        return 500 + slopes[0] * (x - 4) + slopes[1] * (y - 5)

    affine = volume_of(np.zeros((1, 2, 2))).affine
    volume = volume_of(np.rint(field(affine, rows, columns))[None])
    resampled = resample_in_plane(volume, matrix)
    side = max(rows, columns)
    # Both matrices cover the same square of the patient, corner to corner.
    for edge in (0, 1):
        old = [edge * side - 0.5 - (side - columns) // 2, edge * side - 0.5 - (side - rows) // 2]
        new = [edge * matrix - 0.5] * 2
        np.testing.assert_allclose(
            resampled.affine @ [*new, 0, 1], volume.affine @ [*old, 0, 1], atol=1e-9
        )
    wanted = field(resampled.affine, matrix, matrix)
    row, column = np.mgrid[:matrix, :matrix]
    back = np.linalg.inv(volume.affine) @ resampled.affine
    old_column = back[0, 0] * column + back[0, 3]
    old_row = back[1, 1] * row + back[1, 3]
    margin = 1 + 2 * max(side / matrix, 1)
    inside = (
        (old_column > margin)
        & (old_column < columns - 1 - margin)
        & (old_row > margin)
        & (old_row < rows - 1 - margin)
    )
    error = resampled.pixels_hu[0][inside] - wanted[inside]
    assert inside.any() or min(rows, columns) < 4 * margin
    # Rounded twice; and a kernel of few samples lies up to a tenth of a pixel off its centre.
    per_pixel = sum(abs(slope) * abs(affine[axis, :2]).sum() for axis, slope in enumerate(slopes))
    assert np.abs(error).max(initial=0) <= 1.01 + 0.1 * per_pixel


def test_finest_stripes_average_out_instead_of_aliasing() -> None:
    stripes = np.tile(np.where(np.arange(64) % 2, 500, -500), (64, 1))
    small = resample_in_plane(volume_of(stripes[None]), 16).pixels_hu
    assert np.abs(small[0, 2:-2, 2:-2]).max() <= 20


def test_no_overshoot_at_edges() -> None:
    pixels = np.full((1, 60, 60), -1024)
    pixels[0, 20:40, 20:40] = 1500
    for matrix in (17, 30, 100):
        resampled = resample_in_plane(volume_of(pixels), matrix).pixels_hu
        assert resampled.min() == -1024
        assert resampled.max() == 1500


def test_padding_is_air() -> None:
    resampled = resample_in_plane(volume_of(np.full((2, 20, 40), 30)), 40)
    assert (resampled.pixels_hu[:, :10] == -1024).all()
    assert (resampled.pixels_hu[:, 10:30] == 30).all()
    assert (resampled.pixels_hu[:, 30:] == -1024).all()
