"""The CT-ICH layout: a NIfTI volume and a mask of each patient, and one CSV file of labels.

Source: the archive's description (Hssayeni et al., 2020, "Intracranial hemorrhage segmentation
using a deep convolutional model", PhysioNet 1.3.1). Masks are 0 and 255, patients count from 49
with a gap, and the label file begins with a byte-order mark. Slices of a tilted gantry are shifted
against each other: the affine is sheared then, and nothing is resampled. NIfTI knows one spacing
only; where a series has two, the affine has their mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from examwise.phantom.bleeds.parameters import KINDS
from examwise.phantom.exam import RenderedExam
from examwise.phantom.identifiers import ExamIdentifiers, SeriesIdentifiers
from examwise.phantom.layouts.csv_text import BYTE_ORDER_MARK, csv_bytes
from examwise.phantom.layouts.other_findings import fractured_slices
from examwise.phantom.layouts.protocol import LabelledExam, Objects, Row
from examwise.phantom.scanner.parameters import ScanParameters

LABEL_FILE = "hemorrhage_diagnosis_raw_ct.csv"
SCAN_FOLDER, MASK_FOLDER = "ct_scans", "masks"
OUTSIDE_HU = -1024
MASKED = 255

_COLUMNS = {
    "Intraventricular": "intraventricular",
    "Intraparenchymal": "intraparenchymal",
    "Subarachnoid": "subarachnoid",
    "Epidural": "epidural",
    "Subdural": "subdural",
}
HEADER = ("PatientNumber", "SliceNumber", *_COLUMNS, "No_Hemorrhage", "Fracture_Yes_No")

_LABELS = "labels"
_FIRST_PATIENTS = (*range(49, 59), *range(66, 131))
_MM = 2
_ALIGNED = 2


def archive_patient(exam_number: int) -> int:
    """Return the patient number of an exam: those of the real archive first, then from 131 on.

    Example:
        >>> [archive_patient(number) for number in (0, 9, 10, 74, 75)]
        [49, 58, 66, 130, 131]
    """
    known = len(_FIRST_PATIENTS)
    if exam_number < known:
        return _FIRST_PATIENTS[exam_number]
    return _FIRST_PATIENTS[-1] + 1 + exam_number - known


def affine_ras(scan: ScanParameters, matrix: int) -> npt.NDArray[np.float64]:
    """Return the affine of a volume whose axes run to the patient's left, front and top.

    Axis 1 is the scan's rows backwards, as DICOM converters have it. Voxel indices go to mm towards
    right, front and top (RAS); the scan's own coordinates go towards left, back and top (LPS).

    Returns:
        float64, shape (4, 4).
    """
    spacing = scan.pixel_spacing_mm
    first, last = scan.corner_mm(0, matrix), scan.corner_mm(scan.n_slices - 1, matrix)
    down = scan.column_direction * spacing
    affine = np.eye(4)
    affine[:3, 0] = (spacing, 0.0, 0.0)
    affine[:3, 1] = -down
    affine[:3, 2] = scan.normal * scan.thickness_mm[0]
    if scan.n_slices > 1:
        affine[:3, 2] = (last - first) / (scan.n_slices - 1)
    affine[:3, 3] = first + (matrix - 1) * down
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


class CtIchLayout:
    """Writes ``ct_scans/049.nii``, ``masks/049.nii`` and ``hemorrhage_diagnosis_raw_ct.csv``."""

    further_series = False
    one_exam_a_patient = True

    def identifiers(self, seed: int, exam: RenderedExam) -> ExamIdentifiers:
        """Return the patient's number, and the volume's path for study and series."""
        del seed  # numbers are given away in order
        patient = f"{archive_patient(exam.study.exam_number):03d}"
        volume = f"{SCAN_FOLDER}/{patient}.nii"
        images = tuple(f"{volume}#{index}" for index in range(exam.series.scan.n_slices))
        return ExamIdentifiers(patient, volume, SeriesIdentifiers(volume, images))

    def exam_objects(self, item: LabelledExam) -> Objects:
        """Yield the volume and its mask, which shows the bleeds that are labelled."""
        series = item.exam.series
        hu = np.where(series.unscanned, np.int16(OUTSIDE_HU), series.pixels_hu)
        mask = np.zeros(hu.shape, np.uint8)
        for bit, kind in enumerate(KINDS):
            labelled = item.labels[:, bit]
            if labelled.any():
                mask[series.mask_of(kind) & labelled[:, None, None]] = MASKED
        affine = affine_ras(series.scan, hu.shape[1])
        name = f"{item.identifiers.patient}.nii"
        yield f"{SCAN_FOLDER}/{name}", _nifti(hu, affine)
        yield f"{MASK_FOLDER}/{name}", _nifti(mask, affine)

    def label_rows(self, item: LabelledExam) -> dict[str, list[Row]]:
        """Return one row a slice, lowest first."""
        number = int(item.identifiers.patient)
        fractured = fractured_slices(item.exam).astype(int).tolist()
        order = [KINDS.index(kind) for kind in _COLUMNS.values()]
        flags = item.labels[:, order].astype(int).tolist()
        return {
            _LABELS: [
                (number, index, *of, int(not any(of)), broken)
                for index, (of, broken) in enumerate(zip(flags, fractured, strict=True), start=1)
            ]
        }

    def label_objects(self, tables: Mapping[str, list[Row]]) -> Objects:
        """Yield the label file."""
        yield LABEL_FILE, csv_bytes(HEADER, tables[_LABELS], start=BYTE_ORDER_MARK, line_end="\r\n")


def _nifti(slices: npt.NDArray[Any], affine: npt.NDArray[np.float64]) -> bytes:
    """Return a file of slices, shape (slices, rows, columns)."""
    import nibabel  # takes long to import

    volume = slices.transpose(2, 1, 0)[:, ::-1]
    image = nibabel.Nifti1Image(volume, affine, dtype=slices.dtype)
    image.header.set_xyzt_units(_MM)
    image.header.set_slope_inter(1.0, 0.0)
    # A rigid transform cannot be sheared: only the affine is given.
    image.set_sform(affine, code=_ALIGNED)
    image.set_qform(None, code=0)
    return bytes(image.to_bytes())
