"""The CQ500 layout: folders of whole studies, three readers' opinions, and boxes (BHX).

Source: the archive's description (Chilamkurthy et al., 2018, "Deep learning algorithms for
detection of critical findings in head CT scans"). Folders are named after patient and series,
without slashes; a study has several series, and reads are of the study, not of one of them. As
there, SpacingBetweenSlices cannot be trusted, some studies are compressed without loss, and now and
then a series with contrast medium does not say so. (JPEG Lossless, common there, cannot be written
here: RLE and JPEG 2000 take its place.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
from pydicom.dataelem import DataElement
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders.base import get_encoder
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEG2000Lossless, RLELossless

from examwise.core.randomness import generator
from examwise.phantom.exam import RenderedExam, RenderedSeries
from examwise.phantom.identifiers import ExamIdentifiers, SeriesIdentifiers, valid_uid
from examwise.phantom.layouts.bhx import LABEL_FILE as BOX_FILE
from examwise.phantom.layouts.bhx import box_label_file, box_label_rows
from examwise.phantom.layouts.cq500_reads import READS_FILE, reads_file, reads_row
from examwise.phantom.layouts.ct_header import (
    INTERCEPT_HU,
    PADDING,
    middle_spacing_mm,
    shared_header,
    slice_elements,
)
from examwise.phantom.layouts.dicom_bytes import SeriesFiles, decimals
from examwise.phantom.layouts.protocol import LabelledExam, Objects, Row

_READS, _BOXES = "reads", "boxes"
_STUDIES_IN_A_FOLDER = 30
_CODINGS = (ExplicitVRLittleEndian, RLELossless, JPEG2000Lossless)
_CODED_AS = (0.7, 0.15, 0.15)
_SMALLEST_JPEG_2000 = 32
"""Rows and columns below which its six resolutions do not fit an image."""

_WRONG_SPACING = 0.3
_WRONG_FACTORS = (0.1, 0.5, 2.0)
_SILENT_CONTRAST = 0.02
_CONTRAST_AGENT = "IODINATED"
_FIRST_SERIES = 2


class Cq500Layout:
    """Writes ``qctNN/…`` folders, ``reads.csv`` and ``1_Initial_Manual_Labeling.csv``."""

    further_series = True
    one_exam_a_patient = True

    def identifiers(self, seed: int, exam: RenderedExam) -> ExamIdentifiers:
        """Return ``CQ500-CT-<n>`` for the patient, and valid UIDs."""
        number = exam.study.exam_number
        own, *further = (
            SeriesIdentifiers(
                valid_uid(seed, "series", number, index),
                tuple(
                    valid_uid(seed, "image", number, index, image)
                    for image in range(series.scan.n_slices)
                ),
            )
            for index, series in enumerate((exam.series, *exam.further))
        )
        study = valid_uid(seed, "study", number)
        return ExamIdentifiers(f"CQ500-CT-{number}", study, own, tuple(further))

    def exam_objects(self, item: LabelledExam) -> Objects:
        """Yield the key and the bytes of every image of every series of the study."""
        number = item.exam.study.exam_number
        name = item.identifiers.patient.replace("-", "")
        study = f"qct{1 + number // _STUDIES_IN_A_FOLDER:02d}/{name} {name}/Unknown Study"
        written: Counter[str] = Counter()
        all_series = (item.exam.series, *item.exam.further)
        for index, series in enumerate(all_series):
            description = _description(item, index)
            folder = f"{study}/CT {description.replace('/', '')}"
            for data in _series_files(item, index, series, description):
                # Series of one description share a folder.
                yield f"{folder}/CT{written[folder]:06d}.dcm", data
                written[folder] += 1

    def label_rows(self, item: LabelledExam) -> dict[str, list[Row]]:
        """Return the study's row of reads, and its boxes."""
        return {_READS: [reads_row(item)], _BOXES: box_label_rows(item)}

    def label_objects(self, tables: Mapping[str, list[Row]]) -> Objects:
        """Yield both label files."""
        yield READS_FILE, reads_file(tables[_READS])
        yield BOX_FILE, box_label_file(tables[_BOXES])


def _is_silent(item: LabelledExam, index: int) -> bool:
    random = generator(item.seed, "silent contrast", index)
    return bool(random.uniform() < _SILENT_CONTRAST)


def _description(item: LabelledExam, index: int) -> str:
    series = (item.exam.series, *item.exam.further)[index]
    silent = series.scan.contrast and _is_silent(item, index)
    chosen = item.exam.series if silent else series
    return chosen.scan.description.removeprefix("CT ")


def _series_files(
    item: LabelledExam, index: int, series: RenderedSeries, description: str
) -> Iterator[bytes]:
    """Yield the files of one series in the order in which they were made."""
    ids = (item.identifiers.own, *item.identifiers.further)[index]
    scan, matrix = series.scan, series.pixels_hu.shape[1]
    coding, upwards, spacing_mm = _quirks(item, index, series)
    header = shared_header(series)
    header.PatientName = item.identifiers.patient
    header.PatientID = item.identifiers.patient
    header.StudyInstanceUID = item.identifiers.study
    header.SeriesInstanceUID = ids.series
    header.FrameOfReferenceUID = valid_uid(item.seed, "frame of reference")
    header.SeriesDescription = description
    header.SeriesNumber = str(_FIRST_SERIES + index)
    header.SpacingBetweenSlices = decimals([spacing_mm])[0]
    if scan.contrast and not _is_silent(item, index):
        header.ContrastBolusAgent = _CONTRAST_AGENT
    stored = series.pixels_hu - np.int16(INTERCEPT_HU)
    stored[:, series.unscanned] = PADDING
    files = SeriesFiles(header, coding)
    order = range(scan.n_slices) if upwards else range(scan.n_slices - 1, -1, -1)
    for count, position in enumerate(order, start=1):
        own = [
            *slice_elements(scan, position, matrix),
            DataElement("SOPInstanceUID", "UI", ids.images[position]),
            DataElement("AcquisitionNumber", "IS", "1"),
            DataElement("InstanceNumber", "IS", str(count)),
            _pixel_data(stored[position], coding),
        ]
        yield files.file(ids.images[position], own)


def _quirks(item: LabelledExam, index: int, series: RenderedSeries) -> tuple[UID, bool, float]:
    """Draw a series' coding, whether it counts upwards, and what it says of its spacing."""
    of_study = generator(item.seed, "study")
    coding = _CODINGS[int(of_study.choice(len(_CODINGS), p=_CODED_AS))]
    if series.pixels_hu.shape[1] < _SMALLEST_JPEG_2000 and coding == JPEG2000Lossless:
        coding = RLELossless
    upwards = bool(of_study.uniform() < 0.5)
    random = generator(item.seed, "spacing", index)
    wrong = random.uniform() < _WRONG_SPACING
    factor = float(random.choice(_WRONG_FACTORS)) if wrong else 1.0
    return coding, upwards, factor * middle_spacing_mm(series.scan)


def _pixel_data(stored: npt.NDArray[np.int16], coding: UID) -> DataElement:
    if coding == ExplicitVRLittleEndian:
        return DataElement("PixelData", "OW", stored.astype("<i2").tobytes())
    rows, columns = stored.shape
    coded = get_encoder(coding).encode(
        stored,
        encoding_plugin="pylibjpeg",
        rows=rows,
        columns=columns,
        samples_per_pixel=1,
        number_of_frames=1,
        photometric_interpretation="MONOCHROME2",
        bits_allocated=16,
        bits_stored=16,
        pixel_representation=1,
        use_mct=False,
    )
    data = DataElement("PixelData", "OB", encapsulate([coded]))
    data.is_undefined_length = True
    return data
