from __future__ import annotations

import csv
import io
import re
import struct

import numpy as np
import polars as pl
import pydicom
import pytest

from examwise.phantom.bleeds import KINDS
from examwise.phantom.config import PhantomConfig
from examwise.phantom.exam import RenderedExam, render_exam
from examwise.phantom.identifiers import ExamIdentifiers
from examwise.phantom.rsna_layout import RsnaLayout

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
    "ID_00000001", "ID_0000000002", "ID_0000000003", ("ID_00000000b", "ID_00000000a")
)


@pytest.fixture(scope="module")
def exam() -> RenderedExam:
    config = PhantomConfig(matrix=32, min_slices=2, max_slices=2, tilted_fraction=1, prevalence=1)
    return render_exam(config, 0, 0)


def test_header(exam: RenderedExam, lenient_pydicom: None) -> None:
    objects = dict(RsnaLayout().exam_objects(exam, IDENTIFIERS))
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
    assert (header.Rows, header.Columns, header.SamplesPerPixel) == (32, 32, 1)
    assert (header.BitsAllocated, header.BitsStored, header.HighBit) == (16, 16, 15)
    assert header.PixelRepresentation == 1
    assert (header.RescaleIntercept, header.RescaleSlope) == (-1024, 1)
    assert (header.WindowCenter, header.WindowWidth) == (40, 80)


def test_the_file_itself_is_a_part_10_file(exam: RenderedExam) -> None:
    for _, data in RsnaLayout().exam_objects(exam, IDENTIFIERS):
        assert data[:132] == bytes(128) + b"DICM"
        # (0002,0000), UL, 4 bytes: the length of the group after it.
        assert data[132:140] == b"\x02\x00\x00\x00UL\x04\x00"
        (length,) = struct.unpack("<I", data[140:144])
        assert data[144 + length : 148 + length] == b"\x08\x00\x18\x00"  # SOPInstanceUID
        assert data[-2 * 32 * 32 - 12 : -2 * 32 * 32] == (
            b"\xe0\x7f\x10\x00OW\x00\x00" + struct.pack("<I", 2 * 32 * 32)
        )


def test_pixels_come_back_as_hounsfield_units(exam: RenderedExam, lenient_pydicom: None) -> None:
    for index, (_, data) in enumerate(RsnaLayout().exam_objects(exam, IDENTIFIERS)):
        header = pydicom.dcmread(io.BytesIO(data))
        stored = header.pixel_array
        assert stored.dtype == np.int16
        assert (stored[exam.unscanned] == -2000).all()
        hu = stored.astype(int) + int(header.RescaleIntercept)
        np.testing.assert_array_equal(hu[~exam.unscanned], exam.pixels_hu[index][~exam.unscanned])
        assert stored[~exam.unscanned].min() >= 0


def test_geometry(exam: RenderedExam, lenient_pydicom: None) -> None:
    lower, upper = (
        pydicom.dcmread(io.BytesIO(data))
        for _, data in RsnaLayout().exam_objects(exam, IDENTIFIERS)
    )
    orientation = np.array(lower.ImageOrientationPatient, float)
    np.testing.assert_array_equal(orientation[:4], [1, 0, 0, 0])
    tilt = np.degrees(np.arctan2(orientation[5], orientation[4]))
    assert tilt == pytest.approx(exam.scan.tilt_degree, abs=1e-3)
    normal = np.cross(orientation[:3], orientation[3:])
    step = np.array(upper.ImagePositionPatient, float) - np.array(lower.ImagePositionPatient, float)
    assert step @ normal == pytest.approx(exam.scan.slice_spacing_mm, abs=1e-4)
    np.testing.assert_allclose(step[:2], 0, atol=1e-6)  # the table moves along z alone
    spacing = np.array(lower.PixelSpacing, float)
    assert spacing[0] == spacing[1] == pytest.approx(exam.scan.field_of_view_mm / 32, abs=1e-6)
    middle = (
        np.array(lower.ImagePositionPatient, float)
        + 15.5 * spacing[0] * (orientation[:3] + orientation[3:])
        + step / 2
    )
    np.testing.assert_allclose(middle, exam.scan.table_mm, atol=1e-3)


def test_labels_are_the_five_kinds_then_any(exam: RenderedExam) -> None:
    layout = RsnaLayout()
    positive = np.zeros((2, 5), bool)
    positive[1, KINDS.index("subdural")] = True
    labelled = RenderedExam(**{**exam.__dict__, "positive": positive})
    (objects,) = layout.label_objects(layout.label_rows(labelled, IDENTIFIERS))
    assert objects == (
        "stage_2_train.csv",
        b"ID,Label\n"
        b"ID_00000000a_epidural,0\n"
        b"ID_00000000a_intraparenchymal,0\n"
        b"ID_00000000a_intraventricular,0\n"
        b"ID_00000000a_subarachnoid,0\n"
        b"ID_00000000a_subdural,1\n"
        b"ID_00000000a_any,1\n"
        b"ID_00000000b_epidural,0\n"
        b"ID_00000000b_intraparenchymal,0\n"
        b"ID_00000000b_intraventricular,0\n"
        b"ID_00000000b_subarachnoid,0\n"
        b"ID_00000000b_subdural,0\n"
        b"ID_00000000b_any,0\n",
    )


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
    assert len(rows) == 6 * truth.height
    images = {re.fullmatch("(ID_[0-9a-f]{9})_[a-z]+", row["ID"]).group(1) for row in rows}
    assert images == {path.stem for path in (archive.folder / "stage_2_train").iterdir()}
