from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

from examwise.imaging.nifti import read_nifti_scan
from examwise.imaging.nifti_masks import read_nifti_mask
from examwise.imaging.reasons import ImageRefused

SHAPE = (6, 7, 5)


def save(path: Path, values: np.ndarray, affine: np.ndarray | None) -> Path:
    nibabel.save(nibabel.Nifti1Image(values, affine), path)
    return path


@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize("mirrored", [False, True])
def test_mask_lies_on_its_scan_whatever_its_own_header_says(
    tmp_path: Path, down: bool, mirrored: bool
) -> None:
    """The scan holds the mask in its own values, so both must come out alike."""
    drawn = np.random.default_rng(0).random(SHAPE) < 0.4
    affine = np.diag([0.5 * (-1) ** mirrored, 0.5, 5.0 * (-1) ** down, 1])
    ramp = np.arange(np.prod(SHAPE)).reshape(SHAPE).astype(np.int16)
    scan = read_nifti_scan(save(tmp_path / "s.nii", ramp * drawn, affine))
    values = np.where(drawn, np.random.default_rng(1).choice([1, 7, 255], SHAPE), 0)
    for name, own in (("a.nii", affine), ("b.nii.gz", np.eye(4)), ("c.nii", None)):
        path = save(tmp_path / name, values.astype(np.uint8), own)
        mask, same_place = read_nifti_mask(path, scan)
        assert same_place == (name == "a.nii")
        np.testing.assert_array_equal(mask[scan.volume.pixels_hu > 0], True)
        assert mask.sum() == drawn.sum()
        assert mask.shape == scan.volume.pixels_hu.shape
    assert scan.places == ((4, 3, 2, 1, 0) if down else (0, 1, 2, 3, 4))


def test_places_follow_the_third_axis(tmp_path: Path) -> None:
    ramp = np.broadcast_to(np.arange(5), SHAPE).astype(np.int16)
    scan = read_nifti_scan(save(tmp_path / "s.nii", ramp, np.diag([1, 1, -4.0, 1])))
    assert scan.places is not None
    assert scan.volume.pixels_hu[:, 0, 0].tolist() == list(scan.places)


def test_third_axis_that_is_not_that_of_slices(tmp_path: Path) -> None:
    values = np.arange(np.prod(SHAPE)).reshape(SHAPE).astype(np.int16)
    affine = np.array([[0, 0, 1.0, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]])
    scan = read_nifti_scan(save(tmp_path / "s.nii", values, affine))
    assert scan.places is None
    assert scan.volume.pixels_hu.shape == (6, 7, 5)


@pytest.mark.parametrize(("slope", "inter"), [(1, -1024), (2, 0), (1, 3)])
def test_scale_of_the_header_is_not_applied(tmp_path: Path, slope: int, inter: int) -> None:
    ramp = np.arange(np.prod(SHAPE)).reshape(SHAPE).astype(np.int16)
    scan = read_nifti_scan(save(tmp_path / "s.nii", ramp, np.eye(4)))
    drawn = np.zeros(SHAPE, np.int16)
    drawn[2, 3, 1] = 1
    image = nibabel.Nifti1Image(drawn, np.eye(4))
    image.header.set_slope_inter(slope, inter)
    path = save_raw(tmp_path / "m.nii", image, drawn)
    assert nibabel.load(path).get_fdata()[0, 0, 0] == inter
    assert read_nifti_mask(path, scan)[0].sum() == 1


def save_raw(path: Path, image: nibabel.Nifti1Image, raw: np.ndarray) -> Path:
    """Write stored values beside a scale that nibabel would otherwise divide them by."""
    header = image.header.copy()
    header.set_data_offset(352)
    header["magic"] = b"n+1"
    path.write_bytes(header.binaryblock + bytes(4) + raw.tobytes(order="F"))
    return path


@pytest.mark.parametrize("n_values", [32, 33])
def test_a_scan_is_no_mask(tmp_path: Path, n_values: int) -> None:
    ramp = np.arange(np.prod(SHAPE)).reshape(SHAPE).astype(np.int16)
    scan = read_nifti_scan(save(tmp_path / "s.nii", ramp, np.eye(4)))
    path = save(tmp_path / "m.nii", ramp % n_values, np.eye(4))
    if n_values == 32:
        assert read_nifti_mask(path, scan)[0].sum() == np.count_nonzero(ramp % 32)
        return
    with pytest.raises(ImageRefused) as caught:
        read_nifti_mask(path, scan)
    assert caught.value.reason == "mask_mismatch"


def test_refusals(tmp_path: Path) -> None:
    scan_values = np.arange(np.prod(SHAPE)).reshape(SHAPE).astype(np.int16)
    scan = read_nifti_scan(save(tmp_path / "s.nii", scan_values, np.eye(4)))

    def reason(path: Path) -> str:
        with pytest.raises(ImageRefused) as caught:
            read_nifti_mask(path, scan)
        return caught.value.reason

    other = np.zeros((6, 7, 4), np.uint8)
    assert reason(save(tmp_path / "a.nii", other, np.eye(4))) == "mask_mismatch"
    turned = np.zeros((7, 6, 5), np.uint8)
    assert reason(save(tmp_path / "b.nii", turned, np.eye(4))) == "mask_mismatch"
    holes = np.full(SHAPE, np.nan, np.float32)
    assert reason(save(tmp_path / "c.nii", holes, np.eye(4))) == "not_finite"
    whole = save(tmp_path / "d.nii.gz", np.ones(SHAPE, np.uint8), np.eye(4)).read_bytes()
    (tmp_path / "d.nii.gz").write_bytes(whole[:-6])
    assert reason(tmp_path / "d.nii.gz") == "truncated"
    (tmp_path / "e.nii").write_text("no mask")
    assert reason(tmp_path / "e.nii") == "not_dicom"
