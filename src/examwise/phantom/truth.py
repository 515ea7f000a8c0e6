"""The truth about every image of a synthetic archive, whatever its label files say."""

from __future__ import annotations

from typing import Any

import polars as pl

from examwise.core.tables import Column, TableSchema
from examwise.phantom.bleeds.parameters import KINDS
from examwise.phantom.boxes import component_boxes
from examwise.phantom.exam import RenderedExam, RenderedSeries
from examwise.phantom.identifiers import ExamIdentifiers

TRUTH = TableSchema(
    "truth.parquet",
    (
        Column("image_id", pl.String, "SOPInstanceUID as written; volume#index in NIfTI"),
        Column("patient", pl.String, "PatientID or patient number as written"),
        Column("study", pl.String, "StudyInstanceUID as written; the volume in NIfTI"),
        Column("series", pl.String, "SeriesInstanceUID as written; the volume in NIfTI"),
        Column("exam_number", pl.Int32, "counts the archive's exams", minimum=0),
        Column("slice_index", pl.Int32, "0 is the lowest along the normal", minimum=0),
        Column("position_mm", pl.Float64, "along the slice normal; 0 at the middle of the stack"),
        Column("any", pl.Int8, "whether any bleed is visible", allowed=(0, 1)),
        *(
            Column(kind, pl.Int8, f"whether {kind} blood is visible", allowed=(0, 1))
            for kind in KINDS
        ),
        *(
            Column(f"{kind}_volume_mm3", pl.Float64, f"{kind} blood in the slice", minimum=0)
            for kind in KINDS
        ),
    ),
    key=("image_id",),
)
"""A row for each image of each exam's own series."""

TRUTH_BOXES = TableSchema(
    "truth_boxes.parquet",
    (
        Column("image_id", pl.String, "image, as in truth.parquet"),
        Column("finding", pl.String, "kind of bleed", allowed=KINDS),
        Column("x", pl.Int32, "left edge, in pixels of the image, rows downwards", minimum=0),
        Column("y", pl.Int32, "upper edge", minimum=0),
        Column("width", pl.Int32, "columns", minimum=1),
        Column("height", pl.Int32, "rows", minimum=1),
    ),
)
"""A row for each connected part of each visible bleed in each image.

Rows are counted downwards, as scanned; a NIfTI volume has them the other way round.
"""

ROLES = ("exam", "thin", "bone", "contrast")

TRUTH_SERIES = TableSchema(
    "truth_series.parquet",
    (
        Column("series", pl.String, "SeriesInstanceUID as written; the volume in NIfTI"),
        Column("study", pl.String, "study, as in truth.parquet"),
        Column("patient", pl.String, "patient, as in truth.parquet"),
        Column("exam_number", pl.Int32, "counts the archive's exams", minimum=0),
        Column("role", pl.String, "the exam itself, or what else", allowed=ROLES),
        Column("n_slices", pl.Int32, "slices", minimum=1),
    ),
    key=("series",),
)
"""A row for each series of each study."""


def truth_rows(exam: RenderedExam, identifiers: ExamIdentifiers) -> list[dict[str, Any]]:
    """Return an exam's rows of the truth table, lowest slice first."""
    series = exam.series
    rows = []
    for index, image in enumerate(identifiers.own.images):
        flags = series.positive[index].tolist()
        volumes = series.volume_mm3[index].tolist()
        rows.append(
            {
                "image_id": image,
                "patient": identifiers.patient,
                "study": identifiers.study,
                "series": identifiers.own.series,
                "exam_number": exam.study.exam_number,
                "slice_index": index,
                "position_mm": round(series.scan.offsets_mm[index], 3),
                "any": int(any(flags)),
                **{kind: int(flag) for kind, flag in zip(KINDS, flags, strict=True)},
                **{
                    f"{kind}_volume_mm3": round(volume, 1)
                    for kind, volume in zip(KINDS, volumes, strict=True)
                },
            }
        )
    return rows


def box_rows(exam: RenderedExam, identifiers: ExamIdentifiers) -> list[dict[str, Any]]:
    """Return an exam's rows of the table of boxes, by kind and slice."""
    rows = []
    for bit, kind in enumerate(KINDS):
        if not exam.series.positive[:, bit].any():
            continue
        masks = exam.series.mask_of(kind)
        for image, mask in zip(identifiers.own.images, masks, strict=True):
            rows += [
                {"image_id": image, "finding": kind, **box._asdict()}
                for box in component_boxes(mask)
            ]
    return rows


def series_rows(exam: RenderedExam, identifiers: ExamIdentifiers) -> list[dict[str, Any]]:
    """Return a row for each series that was written of an exam's study, the exam's own first."""
    written = [(exam.series, identifiers.own)]
    # A layout without further series has no identifiers for them.
    written += zip(exam.further, identifiers.further, strict=False)
    return [
        {
            "series": of.series,
            "study": identifiers.study,
            "patient": identifiers.patient,
            "exam_number": exam.study.exam_number,
            "role": series_role(series, exam),
            "n_slices": series.scan.n_slices,
        }
        for series, of in written
    ]


def series_role(series: RenderedSeries, exam: RenderedExam) -> str:
    """Say what a series of a study is: one of :data:`ROLES`."""
    return "exam" if series is exam.series else series.scan.purpose
