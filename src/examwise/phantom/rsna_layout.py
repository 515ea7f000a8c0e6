"""The RSNA 2019 layout: one flat folder of DICOM files and one CSV file of labels.

Source: what the archive's users describe (Flanders et al., 2020, "Construction of a machine
learning dataset through collaboration: the RSNA 2019 brain CT hemorrhage challenge"). As there,
identifiers are not valid UIDs, and InstanceNumber, SliceThickness and SOPClassUID are missing.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator

import numpy as np
from pydicom import config as pydicom_config
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian

from examwise.phantom.bleeds import KINDS
from examwise.phantom.exam import RenderedExam
from examwise.phantom.identifiers import ExamIdentifiers
from examwise.phantom.layouts import LabelRow
from examwise.phantom.scan import ScanParameters

LABEL_FILE = "stage_2_train.csv"
IMAGE_FOLDER = "stage_2_train"
INTERCEPT_HU = -1024
PADDING = -2000
"""Stored value outside the scanned circle; below any density once the intercept is added."""

_WINDOW_CENTER, _WINDOW_WIDTH = 40, 80
_IMPLEMENTATION = UID("2.25.191520341283290834212478061547268331871")


class RsnaLayout:
    """Writes ``stage_2_train/ID_<9 digits>.dcm`` and ``stage_2_train.csv``."""

    def exam_objects(
        self, exam: RenderedExam, identifiers: ExamIdentifiers
    ) -> Iterator[tuple[str, bytes]]:
        """Yield the key and the bytes of every slice's file."""
        stored = exam.pixels_hu - np.int16(INTERCEPT_HU)
        stored[:, exam.unscanned] = PADDING
        header = _exam_header(exam, identifiers)
        for index, image in enumerate(identifiers.images):
            corner = _decimals(_corner_mm(exam.scan, index, exam.pixels_hu.shape[1]))
            header.add(_unchecked("SOPInstanceUID", "UI", image))
            header.ImagePositionPatient = corner
            header.PixelData = stored[index].astype("<i2").tobytes()
            header.file_meta = _file_meta(image)
            buffer = io.BytesIO()
            dcmwrite(buffer, header, enforce_file_format=False)
            yield f"{IMAGE_FOLDER}/{image}.dcm", buffer.getvalue()

    def label_rows(self, exam: RenderedExam, identifiers: ExamIdentifiers) -> list[LabelRow]:
        """Return six rows for each slice: the five kinds, then any."""
        rows: list[LabelRow] = []
        for image, flags in zip(identifiers.images, exam.positive.tolist(), strict=True):
            rows += [(f"{image}_{kind}", int(f)) for kind, f in zip(KINDS, flags, strict=True)]
            rows.append((f"{image}_any", int(any(flags))))
        return rows

    def label_objects(self, rows: Iterable[LabelRow]) -> Iterator[tuple[str, bytes]]:
        """Yield the label file, images in the order of their identifiers, which tells nothing."""
        # The sort is stable: an image's six rows stay together and in order.
        ordered = sorted(rows, key=lambda row: str(row[0]).rpartition("_")[0])
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("ID", "Label"))
        writer.writerows(ordered)
        yield LABEL_FILE, text.getvalue().encode("ascii")


def _exam_header(exam: RenderedExam, identifiers: ExamIdentifiers) -> Dataset:
    scan, matrix = exam.scan, exam.pixels_hu.shape[1]
    header = Dataset()
    header.preamble = b"\0" * 128
    header.Modality = "CT"
    header.PatientID = identifiers.patient
    header.add(_unchecked("StudyInstanceUID", "UI", identifiers.study))
    header.add(_unchecked("SeriesInstanceUID", "UI", identifiers.series))
    header.StudyID = ""
    header.ImageOrientationPatient = _decimals([1.0, 0.0, 0.0, *scan.column_direction.tolist()])
    header.SamplesPerPixel = 1
    header.PhotometricInterpretation = "MONOCHROME2"
    header.Rows = matrix
    header.Columns = matrix
    header.PixelSpacing = _decimals([scan.pixel_spacing_mm, scan.pixel_spacing_mm])
    header.BitsAllocated = 16
    header.BitsStored = 16
    header.HighBit = 15
    header.PixelRepresentation = 1
    header.WindowCenter = str(_WINDOW_CENTER)
    header.WindowWidth = str(_WINDOW_WIDTH)
    header.RescaleIntercept = str(INTERCEPT_HU)
    header.RescaleSlope = "1"
    return header


def _file_meta(image: str) -> FileMetaDataset:
    digest = hashlib.blake2b(image.encode(), digest_size=16).digest()
    meta = FileMetaDataset()
    meta.FileMetaInformationGroupLength = 0  # worked out on writing
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = UID(f"2.25.{int.from_bytes(digest, 'big')}")
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = _IMPLEMENTATION
    return meta


def _unchecked(keyword: str, vr: str, value: str) -> DataElement:
    # The archive's identifiers break the rules for UIDs, which pydicom would refuse to write.
    return DataElement(keyword, vr, value, validation_mode=pydicom_config.IGNORE)


def _corner_mm(scan: ScanParameters, slice_index: int, matrix: int) -> list[float]:
    """Return the middle of the first voxel, in patient coordinates."""
    half = (matrix - 1) / 2 * scan.pixel_spacing_mm
    corner = np.array(scan.table_mm) + scan.slice_center_mm(slice_index)
    corner -= half * (np.array([1.0, 0.0, 0.0]) + scan.column_direction)
    return corner.tolist()


def _decimals(values: list[float]) -> list[str]:
    # At most 16 characters each, as a decimal string must be; no negative zero.
    return [f"{round(value, 6) + 0.0:.6f}" for value in values]
