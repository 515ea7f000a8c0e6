from __future__ import annotations

import gzip
import struct
from itertools import permutations, product
from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.imaging.nifti import check_nifti, read_nifti
from examwise.imaging.reasons import REASONS, ImageRefused

ORIENTATIONS = [
    "".join(letters)
    for axes in permutations([("R", "L"), ("A", "P"), ("I", "S")])
    for letters in product(*axes)
]
TILTED = np.array([[-0.5, 0, 0, 90], [0, 0.45, 0.0, -100], [0, 0.15, 5, -30], [0, 0, 0, 1.0]])


def save(path: Path, values: np.ndarray, affine: np.ndarray) -> Path:
    nibabel.save(nibabel.Nifti1Image(values, affine), path)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(ImageRefused) as caught:
        read_nifti(path)
    return caught.value.reason


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(0).integers(-1024, 3000, (7, 6, 5)).astype(np.int16)


@pytest.mark.parametrize("codes", ORIENTATIONS)
def test_all_48_orientations_give_one_volume(tmp_path: Path, values, codes: str) -> None:
    reference = read_nifti(save(tmp_path / "a.nii", values, TILTED))
    image = nibabel.Nifti1Image(values, TILTED)
    change = nibabel.orientations.ornt_transform(
        nibabel.io_orientation(TILTED), nibabel.orientations.axcodes2ornt(tuple(codes))
    )
    path = tmp_path / "b.nii.gz"
    nibabel.save(image.as_reoriented(change), path)
    volume = read_nifti(path)
    np.testing.assert_array_equal(volume.pixels_hu, reference.pixels_hu)
    np.testing.assert_allclose(volume.affine, reference.affine, atol=1e-5)
    np.testing.assert_allclose(volume.positions_mm, reference.positions_mm, atol=1e-5)
    assert volume.gantry_tilt_degree == pytest.approx(reference.gantry_tilt_degree, abs=1e-3)


def test_values_lie_where_the_affine_says(tmp_path: Path, values) -> None:
    volume = read_nifti(save(tmp_path / "a.nii", values, TILTED))
    assert volume.pixels_hu.shape == (5, 6, 7)
    assert (np.diag(volume.affine) > 0).all()
    inverse = np.linalg.inv(volume.affine)
    for i, j, k in ((0, 0, 0), (6, 0, 4), (3, 5, 2)):
        ras = TILTED @ [i, j, k, 1]
        column, row, level, _ = np.rint(inverse @ (ras * [-1, -1, 1, 1])).astype(int)
        assert volume.pixels_hu[level, row, column] == values[i, j, k]
    assert volume.row_spacing_mm == pytest.approx(np.hypot(0.45, 0.15), rel=1e-5)
    assert volume.column_spacing_mm == pytest.approx(0.5)
    assert volume.regular
    # Anterior is higher: rows go to posterior and down.
    assert volume.gantry_tilt_degree == pytest.approx(np.degrees(np.arctan(0.15 / 0.45)), abs=1e-3)


def rotation(axis: np.ndarray, degree: float) -> np.ndarray:
    x, y, z = axis / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.radians(degree)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


@given(
    codes=st.sampled_from(ORIENTATIONS),
    axis=st.tuples(st.floats(-1, 1), st.floats(-1, 1), st.floats(0.1, 1)),
    degree=st.floats(-30, 30),
    spacing=st.tuples(st.floats(0.4, 1), st.floats(0.4, 1), st.floats(0.5, 6)),
)
@settings(deadline=None, max_examples=40)
def test_oblique_volumes_keep_every_voxel_where_it_was(
    tmp_path_factory: pytest.TempPathFactory, codes: str, axis, degree: float, spacing
) -> None:
    """Against nibabel's own affine; RAS+ there, LPS+ here."""
    values = np.random.default_rng(1).permutation(7 * 6 * 5).reshape(7, 6, 5).astype(np.int16)
    affine = np.eye(4)
    affine[:3, :3] = rotation(np.array(axis), degree) @ np.diag(spacing)
    affine[:3, 3] = -20, 30, 7
    change = nibabel.orientations.ornt_transform(
        nibabel.io_orientation(affine), nibabel.orientations.axcodes2ornt(tuple(codes))
    )
    path = tmp_path_factory.mktemp("oblique") / "a.nii"
    nibabel.save(nibabel.Nifti1Image(values, affine).as_reoriented(change), path)
    image = nibabel.load(path)
    volume = read_nifti(path)
    assert (np.diag(volume.affine)[:3] > 0).all()
    assert (np.diff(volume.positions_mm) > 0).all()
    assert volume.slice_spacing_mm == pytest.approx(spacing[2], rel=1e-4)
    assert volume.gantry_tilt_degree == pytest.approx(0, abs=0.01)
    stored = np.asarray(image.dataobj)
    for value in (0, 17, 100, 209):
        where = image.affine @ [*np.argwhere(stored == value)[0], 1]
        level, row, column = np.argwhere(volume.pixels_hu == value)[0]
        lps = volume.affine @ [column, row, level, 1]
        np.testing.assert_allclose(lps, where * [-1, -1, 1, 1], atol=1e-3)


def test_scale_and_clipping(tmp_path: Path) -> None:
    stored = np.array([0, 100, 1000, 4000], np.int16).reshape(4, 1, 1)
    path = save(tmp_path / "a.nii", stored, np.eye(4))
    content = bytearray(path.read_bytes())
    content[112:120] = struct.pack("<ff", 1.5, -1024)  # scl_slope, scl_inter
    path.write_bytes(content)
    volume = read_nifti(path)
    assert sorted(volume.pixels_hu.ravel().tolist()) == [-1024, -874, 476, 4976]
    floats = np.array([-3000, 40.4, 1e9], np.float32).reshape(3, 1, 1)
    volume = read_nifti(save(tmp_path / "b.nii", floats, np.eye(4)))
    assert sorted(volume.pixels_hu.ravel().tolist()) == [-1024, 40, 32767]


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_that_are_no_finite_number(tmp_path: Path, values, wrong: float, dtype) -> None:
    floats = values.astype(dtype)
    floats[3, 2, 1] = wrong
    assert refusal(save(tmp_path / "a.nii.gz", floats, TILTED)) == "not_finite"


def test_extra_axes_of_length_one(tmp_path: Path, values) -> None:
    volume = read_nifti(save(tmp_path / "a.nii", values[..., None], TILTED))
    assert volume.pixels_hu.shape == (5, 6, 7)


def test_single_slice(tmp_path: Path, values) -> None:
    volume = read_nifti(save(tmp_path / "a.nii", values[:, :, 0], TILTED))
    assert volume.pixels_hu.shape == (1, 6, 7)
    assert volume.slice_spacing_mm is None


def test_refusals(tmp_path: Path, values) -> None:
    four = save(tmp_path / "4d.nii", np.stack([values, values], -1), TILTED)
    assert refusal(four) == "multi_frame"
    mask = save(tmp_path / "mask.nii", (values > 0).astype(np.uint8) * 255, TILTED)
    assert refusal(mask) == "not_hu"
    colour = np.zeros((4, 4, 2), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    assert refusal(save(tmp_path / "colour.nii", colour, TILTED)) == "colour"
    assert refusal(save(tmp_path / "c.nii", values + 0j, TILTED)) == "unsupported_coding"
    bare = nibabel.Nifti1Image(values, None)
    nibabel.save(bare, tmp_path / "bare.nii")
    assert refusal(tmp_path / "bare.nii") == "no_geometry"
    for number, wrong in enumerate(([0, 0, 1e9], [0, 0, 1e-9], [-5, 0, 0])):
        affine = TILTED.copy()
        affine[:3, 2] = wrong
        assert refusal(save(tmp_path / f"{number}.nii", values, affine)) == "no_geometry"
    assert refusal(tmp_path / "none.nii") == "changed_while_read"
    (tmp_path / "text.nii").write_text("no volume")
    assert refusal(tmp_path / "text.nii") == "not_dicom"
    (tmp_path / "empty.nii").touch()
    assert refusal(tmp_path / "empty.nii") == "not_dicom"


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.99])
def test_truncated(tmp_path: Path, values, suffix: str, share: float) -> None:
    path = save(tmp_path / f"a{suffix}", np.repeat(values, 20, 0), TILTED)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert refusal(path) == "truncated"


def test_header_that_promises_too_much(tmp_path: Path, values) -> None:
    path = save(tmp_path / "a.nii.gz", values, TILTED)
    image = nibabel.load(path)
    header = image.header.copy()
    header.set_data_shape((30000, 30000, 30000))
    path.write_bytes(gzip.compress(header.binaryblock + bytes(4 + values.nbytes)))
    with pytest.raises(ImageRefused, match="ends before"):
        check_nifti(path)


def test_compressed_bytes_that_changed(tmp_path: Path, values) -> None:
    path = save(tmp_path / "a.nii.gz", values, TILTED)
    content = bytearray(path.read_bytes())
    content[-6] ^= 1  # in the checksum
    path.write_bytes(content)
    assert refusal(path) == "damaged"


@given(data=st.data())
@settings(deadline=None, max_examples=50)
def test_damaged_headers_are_refused_or_read(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    values = np.arange(60, dtype=np.int16).reshape(5, 4, 3)
    content = bytearray(save(folder / "a.nii", values, TILTED).read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, 351))] = data.draw(st.integers(0, 255))
    path = folder / "b.nii"
    path.write_bytes(content)
    try:
        reason = ""
        volume = read_nifti(path)
    except ImageRefused as refused:
        reason = refused.reason
    if reason:
        assert reason in REASONS
    else:
        assert volume.pixels_hu.dtype == np.int16
        assert np.isfinite(volume.affine).all()


def test_real_template(real_data: Path) -> None:
    path = real_data / "templates" / "scct.nii"
    volume = read_nifti(path)
    canonical = nibabel.as_closest_canonical(nibabel.load(path))
    lps = np.asarray(canonical.dataobj)[::-1, ::-1].transpose(2, 1, 0)
    np.testing.assert_array_equal(volume.pixels_hu, np.rint(lps))
    assert volume.pixels_hu.shape == (91, 109, 91)
    np.testing.assert_allclose(np.diag(volume.affine), [2, 2, 2, 1])
    corner = volume.affine @ [0, 0, 0, 1]
    np.testing.assert_allclose(corner[:3], [-90, -90, -72])
