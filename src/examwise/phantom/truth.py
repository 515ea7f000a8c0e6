"""The truth about every image of a synthetic archive."""

from __future__ import annotations

from typing import Any

import polars as pl

from examwise.core.tables import Column, TableSchema
from examwise.phantom.bleeds import KINDS
from examwise.phantom.exam import RenderedExam
from examwise.phantom.identifiers import ExamIdentifiers

TRUTH = TableSchema(
    "truth.parquet",
    (
        Column("image_id", pl.String, "SOPInstanceUID as written"),
        Column("patient", pl.String, "PatientID as written"),
        Column("study", pl.String, "StudyInstanceUID as written"),
        Column("series", pl.String, "SeriesInstanceUID as written"),
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


def truth_rows(exam: RenderedExam, identifiers: ExamIdentifiers) -> list[dict[str, Any]]:
    """Return an exam's rows of the truth table, lowest slice first."""
    middle = (exam.scan.n_slices - 1) / 2
    rows = []
    for index in range(exam.scan.n_slices):
        flags = exam.positive[index].tolist()
        volumes = exam.volume_mm3[index].tolist()
        rows.append(
            {
                "image_id": identifiers.images[index],
                "patient": identifiers.patient,
                "study": identifiers.study,
                "series": identifiers.series,
                "exam_number": exam.exam_number,
                "slice_index": index,
                "position_mm": round((index - middle) * exam.scan.slice_spacing_mm, 3),
                "any": int(any(flags)),
                **{kind: int(flag) for kind, flag in zip(KINDS, flags, strict=True)},
                **{
                    f"{kind}_volume_mm3": round(volume, 1)
                    for kind, volume in zip(KINDS, volumes, strict=True)
                },
            }
        )
    return rows
