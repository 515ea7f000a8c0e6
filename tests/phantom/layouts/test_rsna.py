from __future__ import annotations

import csv
import io
import re
import struct

import numpy as np
import polars as pl
import pydicom
import pytest

from examwise.phantom.bleeds.parameters import KINDS
from examwise.phantom.identifiers import ExamIdentifiers, SeriesIdentifiers
from examwise.phantom.layouts.protocol import LabelledExam
from examwise.phantom.layouts.rsna import RsnaLayout

KEYWORDS = {
    "BitsAllocated",
    "BitsStored",
    "Columns",
    "HighBit",
    "ImageOrientationPatient",
    "ImagePositionPatient",
    "Modality",
    "PatientID",
    "PhotometricInterpretation",
    "PixelData",
    "PixelRepresentation",
    "PixelSpacing",
    "RescaleIntercept",
    "RescaleSlope",
    "Rows",
    "SOPInstanceUID",
    "SamplesPerPixel",
    "SeriesInstanceUID",
    "StudyID",
    "StudyInstanceUID",
    "WindowCenter",
    "WindowWidth",
}
IDENTIFIERS = ExamIdentifiers(
    "ID_00000001",
    "ID_0000000002",
    SeriesIdentifiers("ID_0000000003", ("ID_00000000b", "ID_00000000a")),
)


@pytest.fixture
def item(two_slices) -> LabelledExam:
    exam = two_slices()
    return LabelledExam(exam, IDENTIFIERS, exam.series.positive, 0)


def test_header(item: LabelledExam, lenient_pydicom: None) -> None:
    objects = dict(RsnaLayout().exam_objects(item))
    assert list(objects) == ["stage_2_train/ID_00000000b.dcm", "stage_2_train/ID_00000000a.dcm"]
    header = pydicom.dcmread(io.BytesIO(objects["stage_2_train/ID_00000000a.dcm"]))
    assert {element.keyword for element in header} == KEYWORDS
    assert header.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert header.file_meta.MediaStorageSOPClassUID == "1.2.840.10008.5.1.4.1.1.2"
    assert header.SOPInstanceUID == "ID_00000000a"
    assert header.PatientID == "ID_00000001"
    assert header.StudyInstanceUID == "ID_0000000002"
    assert header.SeriesInstanceUID == "ID_0000000003"
    assert header.Modality == "CT"
    assert header.PhotometricInterpretation == "MONOCHROME2"
    assert (header.Rows, header.Columns, header.SamplesPerPixel) == (16, 16, 1)
    assert (header.BitsAllocated, header.BitsStored, header.HighBit) == (16, 16, 15)
    assert header.PixelRepresentation == 1
    assert (header.RescaleIntercept, header.RescaleSlope) == (-1024, 1)
    assert (header.WindowCenter, header.WindowWidth) == (40, 80)


def test_the_file_itself_is_a_part_10_file(item: LabelledExam) -> None:
    for _, data in RsnaLayout().exam_objects(item):
        assert data[:132] == bytes(128) + b"DICM"
        # (0002,0000), UL, 4 bytes: the length of the group after it.
        assert data[132:140] == b"\x02\x00\x00\x00UL\x04\x00"
        (length,) = struct.unpack("<I", data[140:144])
        assert data[144 + length : 148 + length] == b"\x08\x00\x18\x00"  # SOPInstanceUID
        assert data[-2 * 16 * 16 - 12 : -2 * 16 * 16] == (
            b"\xe0\x7f\x10\x00OW\x00\x00" + struct.pack("<I", 2 * 16 * 16)
        )


def test_pixels_come_back_as_hounsfield_units(item: LabelledExam, lenient_pydicom: None) -> None:
    series = item.exam.series
    for index, (_, data) in enumerate(RsnaLayout().exam_objects(item)):
        header = pydicom.dcmread(io.BytesIO(data))
        stored = header.pixel_array
        assert stored.dtype == np.int16
        assert (stored[series.unscanned] == -2000).all()
        hu = stored.astype(int) + int(header.RescaleIntercept)
        scanned = ~series.unscanned
        np.testing.assert_array_equal(hu[scanned], series.pixels_hu[index][scanned])
        assert stored[scanned].min() >= 0


def test_geometry_of_a_tilted_exam(item: LabelledExam, lenient_pydicom: None) -> None:
    """Worked out by hand: tilt -18.5, spacing 16 mm, 16 voxels, table at (1, -2, 300)."""
    lower, upper = (
        pydicom.dcmread(io.BytesIO(data)) for _, data in RsnaLayout().exam_objects(item)
    )
    orientation = np.array(lower.ImageOrientationPatient, float)
    np.testing.assert_allclose(orientation, [1, 0, 0, 0, 0.948324, -0.317305], atol=1e-6)
    assert lower.PixelSpacing == [16, 16]
    # Half the matrix is 7.5 voxels or 120 mm; slices are 5 mm / cos 18.5 apart along z.
    step = 5 / 0.948324
    first = [1 - 120, -2 - 120 * 0.948324, 300 + 120 * 0.317305 - step / 2]
    np.testing.assert_allclose(np.array(lower.ImagePositionPatient, float), first, atol=1e-3)
    first[2] += step
    np.testing.assert_allclose(np.array(upper.ImagePositionPatient, float), first, atol=1e-3)


def test_labels_are_the_five_kinds_then_any_and_four_images_stand_twice(
    item: LabelledExam,
) -> None:
    layout = RsnaLayout()
    ((name, data),) = layout.label_objects(layout.label_rows(item))
    first = (
        b"ID_00000000a_epidural,0\n"
        b"ID_00000000a_intraparenchymal,0\n"
        b"ID_00000000a_intraventricular,0\n"
        b"ID_00000000a_subarachnoid,0\n"
        b"ID_00000000a_subdural,1\n"
        b"ID_00000000a_any,1\n"
    )
    second = (
        b"ID_00000000b_epidural,0\n"
        b"ID_00000000b_intraparenchymal,0\n"
        b"ID_00000000b_intraventricular,0\n"
        b"ID_00000000b_subarachnoid,0\n"
        b"ID_00000000b_subdural,0\n"
        b"ID_00000000b_any,0\n"
    )
    assert name == "stage_2_train.csv"
    assert data == b"ID,Label\n" + first + second + first + second


def test_forms_of_identifiers(build) -> None:
    series = build.rendered(build.scan(3))
    found = RsnaLayout().identifiers(0, build.exam(series, number=999_999))
    assert re.fullmatch("ID_[0-9a-f]{8}", found.patient)
    assert re.fullmatch("ID_[0-9a-f]{10}", found.study)
    assert re.fullmatch("ID_[0-9a-f]{10}", found.own.series)
    assert len(set(found.own.images)) == 3
    assert all(re.fullmatch("ID_[0-9a-f]{9}", image) for image in found.own.images)
    assert found.further == ()


def test_neighbouring_exams_share_no_image_and_a_patient_keeps_a_name(build) -> None:
    series = build.rendered(build.scan(3))
    first, second = (build.exam(series, number=number) for number in (0, 1))
    again = build.exam(series, number=1)
    found = [RsnaLayout().identifiers(0, exam) for exam in (first, second, again)]
    assert not set(found[0].own.images) & set(found[1].own.images)
    assert found[0].study != found[1].study
    assert found[0].patient != found[1].patient
    assert found[1] == found[2]


def test_label_file_of_an_archive_agrees_with_its_truth(archive) -> None:
    with (archive.folder / "stage_2_train.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    truth = pl.read_parquet(archive.folder / "truth.parquet")
    expected = {
        f"{row['image_id']}_{finding}": row[finding]
        for row in truth.iter_rows(named=True)
        for finding in (*KINDS, "any")
    }
    assert {row["ID"]: int(row["Label"]) for row in rows} == expected
    assert len(rows) == 6 * (truth.height + 4)
    images = {re.fullmatch("(ID_[0-9a-f]{9})_[a-z]+", row["ID"]).group(1) for row in rows}
    assert images == {path.stem for path in (archive.folder / "stage_2_train").iterdir()}
