"""Files of the CT-ICH layout, read with nibabel and the standard library alone."""

from __future__ import annotations

import csv
import gzip
import io
import math

import nibabel
import numpy as np
import polars as pl
import pytest

from examwise.phantom.bleeds.parameters import KINDS
from examwise.phantom.layouts.ct_ich import CtIchLayout, affine_ras, archive_patient

LAYOUT = CtIchLayout()


def _image(objects: dict[str, bytes], key: str) -> nibabel.Nifti1Image:
    return nibabel.Nifti1Image.from_bytes(objects[key])


@pytest.fixture
def bleeding(build):
    blood = {
        ("epidural", 1): [(slice(2, 4), slice(5, 9))],
        ("subdural", 1): [(slice(3, 5), slice(5, 9))],
        ("intraventricular", 2): [(slice(7, 8), slice(7, 8))],
    }
    return build.exam(build.rendered(build.scan(3), bleeding=blood))


def test_names_and_types(bleeding, build) -> None:
    objects = dict(LAYOUT.exam_objects(build.labelled(LAYOUT, bleeding)))
    assert list(objects) == ["ct_scans/049.nii", "masks/049.nii"]
    assert not any(data.startswith(gzip.compress(b"")[:2]) for data in objects.values())
    scan, mask = (_image(objects, key) for key in objects)
    assert scan.get_data_dtype() == np.int16
    assert mask.get_data_dtype() == np.uint8
    assert scan.shape == mask.shape == (16, 16, 3)
    np.testing.assert_array_equal(scan.affine, mask.affine)
    assert scan.header.get_xyzt_units()[0] == "mm"
    assert scan.dataobj.slope == 1
    assert scan.dataobj.inter == 0


def test_voxels_are_hounsfield_units_rows_run_to_the_front(bleeding, build) -> None:
    objects = dict(LAYOUT.exam_objects(build.labelled(LAYOUT, bleeding)))
    values = np.asarray(_image(objects, "ct_scans/049.nii").dataobj)
    series = bleeding.series
    for index, row, column in ((0, 5, 7), (1, 2, 5), (2, 15, 14), (0, 1, 0)):
        expected = series.pixels_hu[index, row, column]
        assert values[column, 15 - row, index] == expected
    assert values[0, 0, 0] == values[15, 15, 2] == -1024  # outside the scanned circle


def test_masks_are_255_where_any_kind_of_blood_is(bleeding, build) -> None:
    objects = dict(LAYOUT.exam_objects(build.labelled(LAYOUT, bleeding)))
    mask = np.asarray(_image(objects, "masks/049.nii").dataobj)
    expected = np.zeros((16, 16, 3), np.uint8)
    expected[5:9, 15 - 4 : 15 - 1, 1] = 255
    expected[7, 15 - 7, 2] = 255
    np.testing.assert_array_equal(mask, expected)


def test_masks_show_what_is_labelled(bleeding, build) -> None:
    labels = np.zeros((3, 5), bool)
    labels[1, KINDS.index("subdural")] = True
    labels[0, KINDS.index("epidural")] = True  # nothing is there
    objects = dict(LAYOUT.exam_objects(build.labelled(LAYOUT, bleeding, labels=labels)))
    mask = np.asarray(_image(objects, "masks/049.nii").dataobj)
    assert (mask == 255).sum() == 8
    assert mask[5:9, 15 - 4 : 15 - 2, 1].all()


def test_affine_of_an_upright_scan_worked_out_by_hand(build) -> None:
    """16 mm voxels, 5 mm slices, the middle of the stack at 1 mm left, 2 mm front, 300 mm up."""
    affine = affine_ras(build.scan(3), 16)
    np.testing.assert_allclose(
        affine,
        [[-16, 0, 0, -1 + 120], [0, 16, 0, 2 - 120], [0, 0, 5, 295], [0, 0, 0, 1]],
        atol=1e-9,
    )
    assert nibabel.aff2axcodes(affine) == ("L", "A", "S")


def test_corners_of_a_tilted_scan_are_the_scans_own(build) -> None:
    """A tilted stack of slices that go straight up is sheared."""
    scan = build.scan(3, tilt_degree=18.5)
    affine = affine_ras(scan, 16)
    cosine, sine = math.cos(math.radians(18.5)), math.sin(math.radians(18.5))
    for index in range(3):
        height = 300 + (index - 1) * 5 / cosine
        # The first pixel (row 0, column 0) is the last of the reversed rows.
        left, back, up = 1 - 120, -2 - 120 * cosine, height - 120 * sine
        np.testing.assert_allclose(affine @ [0, 15, index, 1], [-left, -back, up, 1], atol=1e-3)
        left, back, up = 1 + 120, -2 + 120 * cosine, height + 120 * sine
        np.testing.assert_allclose(affine @ [15, 0, index, 1], [-left, -back, up, 1], atol=1e-3)
    assert affine[1, 2] == pytest.approx(0, abs=1e-9)
    header = nibabel.Nifti1Image.from_bytes(
        dict(LAYOUT.exam_objects(build.labelled(LAYOUT, build.exam(build.rendered(scan)))))[
            "ct_scans/049.nii"
        ]
    ).header
    assert (int(header["sform_code"]), int(header["qform_code"])) == (2, 0)
    np.testing.assert_allclose(header.get_sform(), affine, atol=1e-3)


def test_a_lone_slice_is_as_thick_as_it_is(build) -> None:
    affine = affine_ras(build.scan(1, spacing_mm=4.0), 16)
    np.testing.assert_allclose(affine[:3, 2], [0, 0, 4], atol=1e-9)


def test_label_file_written_out_by_hand(bleeding, build) -> None:
    tables = LAYOUT.label_rows(build.labelled(LAYOUT, bleeding))
    ((name, data),) = LAYOUT.label_objects(tables)
    assert name == "hemorrhage_diagnosis_raw_ct.csv"
    assert data == (
        b"\xef\xbb\xbfPatientNumber,SliceNumber,Intraventricular,Intraparenchymal,Subarachnoid,"
        b"Epidural,Subdural,No_Hemorrhage,Fracture_Yes_No\r\n"
        b"49,1,0,0,0,0,0,1,0\r\n"
        b"49,2,0,0,0,1,1,0,0\r\n"
        b"49,3,1,0,0,0,0,0,0\r\n"
    )


def test_patients_are_numbered_as_in_the_real_archive_while_they_last() -> None:
    numbers = [archive_patient(number) for number in range(80)]
    assert numbers[:10] == list(range(49, 59))
    assert numbers[10:75] == list(range(66, 131))
    assert numbers[75:] == [131, 132, 133, 134, 135]


def test_archive_agrees_with_its_truth(ct_ich_archive) -> None:
    folder = ct_ich_archive.folder
    truth = pl.read_parquet(folder / "truth.parquet")
    with (folder / "hemorrhage_diagnosis_raw_ct.csv").open(
        newline="", encoding="utf-8-sig"
    ) as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == truth.height
    expected = {row["image_id"]: row for row in truth.iter_rows(named=True)}
    found = {}
    for row in rows:
        patient, index = f"{int(row['PatientNumber']):03d}", int(row["SliceNumber"]) - 1
        image = f"ct_scans/{patient}.nii#{index}"
        found[image] = row
        assert expected[image]["patient"] == patient
        assert expected[image]["slice_index"] == index
        for kind in KINDS:
            assert int(row[kind.capitalize()]) == expected[image][kind]
        assert int(row["No_Hemorrhage"]) == 1 - expected[image]["any"]
    assert found.keys() == expected.keys()
    for volume, exam in truth.group_by("series"):
        scan, mask = (
            nibabel.load(folder / str(volume[0]).replace("ct_scans", where))
            for where in ("ct_scans", "masks")
        )
        assert scan.shape[2] == exam.height
        shown = np.asarray(mask.dataobj).any(axis=(0, 1)).astype(int)
        assert shown.tolist() == exam.sort("slice_index")["any"].to_list()
    assert truth["patient"].n_unique() == 10


def test_boxes_of_an_archive_hold_its_masks(ct_ich_archive) -> None:
    folder = ct_ich_archive.folder
    boxes = pl.read_parquet(folder / "truth_boxes.parquet")
    assert boxes.height
    for (image,), of_image in boxes.group_by("image_id"):
        volume, _, index = str(image).partition("#")
        path = folder / volume.replace("ct_scans", "masks")
        mask = np.asarray(nibabel.load(path).dataobj)[:, ::-1, int(index)].T
        covered = np.zeros_like(mask, bool)
        for x, y, width, height in of_image.select("x", "y", "width", "height").rows():
            part = (slice(y, y + height), slice(x, x + width))
            assert mask[part].any(axis=0).all()
            covered[part] = True
        assert not mask[~covered].any()


def test_label_file_can_be_read_as_text_with_a_mark() -> None:
    ((_, data),) = LAYOUT.label_objects({"labels": []})
    assert io.StringIO(data.decode("utf-8-sig")).readline().startswith("PatientNumber,")
