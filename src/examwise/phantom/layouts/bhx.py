"""The BHX label file: boxes around bleeds in CQ500 images.

Source: the file itself, as its users describe it (Reis et al., 2020, "Brain Hemorrhage Extended",
PhysioNet 1.1): a row for each box, the box as a Python literal. Real boxes are drawn by hand in
images of 512 × 512 pixels. Here they are tight around each connected part of a bleed, in pixels of
the image as it is stored, whatever its size; the origin is the upper left corner of the first
pixel.
"""

from __future__ import annotations

from collections.abc import Iterable

from examwise.phantom.bleeds.parameters import KINDS
from examwise.phantom.boxes import component_boxes
from examwise.phantom.layouts.csv_text import csv_bytes
from examwise.phantom.layouts.protocol import LabelledExam, Row

LABEL_FILE = "1_Initial_Manual_Labeling.csv"
HEADER = (
    "",
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "StudyInstanceUID",
    "data",
    "labelName",
    "labelType",
)
_DRAWN = "handDrawn"


def box_label_rows(item: LabelledExam) -> list[Row]:
    """Return an exam's rows, without their index: boxes of the bleeds that are labelled."""
    ids = item.identifiers
    rows: list[Row] = []
    for bit, kind in enumerate(KINDS):
        labelled = item.labels[:, bit]
        if not labelled.any():
            continue
        masks = item.exam.series.mask_of(kind) & labelled[:, None, None]
        for image, mask in zip(ids.own.images, masks, strict=True):
            for box in component_boxes(mask):
                data = repr({name: float(value) for name, value in box._asdict().items()})
                name = kind.capitalize()
                rows.append((image, ids.own.series, ids.study, data, name, _DRAWN))
    return rows


def box_label_file(rows: Iterable[Row]) -> bytes:
    """Return the file of all exams' rows."""
    return csv_bytes(HEADER, ((index, *row) for index, row in enumerate(rows)))
