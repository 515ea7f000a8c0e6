"""The RSNA 2019 layout: one flat folder of DICOM files and one CSV file of labels.

Source: what the archive's users describe (Flanders et al., 2020, "Construction of a machine
learning dataset through collaboration: the RSNA 2019 brain CT hemorrhage challenge"). As there,
identifiers are not valid UIDs, InstanceNumber, SliceThickness and SOPClassUID are missing, and four
images appear twice in the label file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from examwise.phantom.bleeds.parameters import KINDS
from examwise.phantom.config import MOST_SLICES
from examwise.phantom.exam import RenderedExam
from examwise.phantom.identifiers import (
    ExamIdentifiers,
    SeriesIdentifiers,
    scrambled_hex,
    valid_uid,
)
from examwise.phantom.layouts.csv_text import csv_bytes
from examwise.phantom.layouts.dicom_bytes import SeriesFiles, decimals, unchecked
from examwise.phantom.layouts.protocol import LabelledExam, Objects, Row

LABEL_FILE = "stage_2_train.csv"
IMAGE_FOLDER = "stage_2_train"
INTERCEPT_HU = -1024
PADDING = -2000
"""Stored value outside the scanned circle; below any density once the intercept is added."""

_LABELS = "labels"
_WINDOW_CENTER, _WINDOW_WIDTH = 40, 80
_LISTED_TWICE = 4


class RsnaLayout:
    """Writes ``stage_2_train/ID_<9 digits>.dcm`` and ``stage_2_train.csv``."""

    further_series = False
    one_exam_a_patient = False

    def identifiers(self, seed: int, exam: RenderedExam) -> ExamIdentifiers:
        """Return ``ID_`` and 8 (patient), 10 (study, series) or 9 (image) hexadecimal digits."""
        number = exam.study.exam_number
        first = number * MOST_SLICES
        images = tuple(
            f"ID_{scrambled_hex(seed, 'image', first + index, digits=9)}"
            for index in range(exam.series.scan.n_slices)
        )
        return ExamIdentifiers(
            patient=f"ID_{scrambled_hex(seed, 'patient', exam.study.patient_number, digits=8)}",
            study=f"ID_{scrambled_hex(seed, 'study', number, digits=10)}",
            own=SeriesIdentifiers(f"ID_{scrambled_hex(seed, 'series', number, digits=10)}", images),
        )

    def exam_objects(self, item: LabelledExam) -> Objects:
        """Yield the key and the bytes of every slice's file."""
        series = item.exam.series
        stored = series.pixels_hu - np.int16(INTERCEPT_HU)
        stored[:, series.unscanned] = PADDING
        files = SeriesFiles(_header(item), ExplicitVRLittleEndian)
        for index, image in enumerate(item.identifiers.own.images):
            corner = series.scan.corner_mm(index, stored.shape[1]).tolist()
            own = (
                unchecked("SOPInstanceUID", "UI", image),
                DataElement("ImagePositionPatient", "DS", decimals(corner)),
                DataElement("PixelData", "OW", stored[index].astype("<i2").tobytes()),
            )
            yield f"{IMAGE_FOLDER}/{image}.dcm", files.file(valid_uid(0, image), own)

    def label_rows(self, item: LabelledExam) -> dict[str, list[Row]]:
        """Return one row an image: its identifier and a label of each of the five kinds."""
        images = item.identifiers.own.images
        flags = item.labels.astype(int).tolist()
        return {_LABELS: [(image, *of) for image, of in zip(images, flags, strict=True)]}

    def label_objects(self, tables: Mapping[str, list[Row]]) -> Objects:
        """Yield the label file, images in the order of their identifiers, which tells nothing."""
        ordered = sorted(tables[_LABELS], key=lambda row: str(row[0]))
        ordered += ordered[:: max(1, len(ordered) // _LISTED_TWICE)][:_LISTED_TWICE]
        yield LABEL_FILE, csv_bytes(("ID", "Label"), _six_rows(ordered))


def _six_rows(images: list[Row]) -> Iterator[Row]:
    for image, *flags in images:
        for kind, flag in zip(KINDS, flags, strict=True):
            yield f"{image}_{kind}", flag
        yield f"{image}_any", int(any(flags))


def _header(item: LabelledExam) -> Dataset:
    scan, matrix = item.exam.series.scan, item.exam.series.pixels_hu.shape[1]
    header = Dataset()
    header.Modality = "CT"
    header.PatientID = item.identifiers.patient
    header.add(unchecked("StudyInstanceUID", "UI", item.identifiers.study))
    header.add(unchecked("SeriesInstanceUID", "UI", item.identifiers.own.series))
    header.StudyID = ""
    header.ImageOrientationPatient = decimals([1.0, 0.0, 0.0, *scan.column_direction.tolist()])
    header.SamplesPerPixel = 1
    header.PhotometricInterpretation = "MONOCHROME2"
    header.Rows = matrix
    header.Columns = matrix
    header.PixelSpacing = decimals([scan.pixel_spacing_mm, scan.pixel_spacing_mm])
    header.BitsAllocated = 16
    header.BitsStored = 16
    header.HighBit = 15
    header.PixelRepresentation = 1
    header.WindowCenter = str(_WINDOW_CENTER)
    header.WindowWidth = str(_WINDOW_WIDTH)
    header.RescaleIntercept = str(INTERCEPT_HU)
    header.RescaleSlope = "1"
    return header
