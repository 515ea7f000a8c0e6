"""An archive's exams in words."""

from __future__ import annotations

import polars as pl

from examwise.imaging.exam_source import ExamSource
from examwise.reporting.words import short


def exams_words(stored: ExamSource, *, archive: str) -> str:
    """Say how many exams there are, of whom, and how they were scanned.

    Args:
        stored: The exams.
        archive: What to call where they come from.
    """
    exams = stored.exams
    terms = "; ".join(exams["data_terms"].unique().sort().to_list())
    matrices = exams.select("rows", "columns").unique().sort("rows", "columns").rows()
    matrix = ", ".join(f"{rows} × {columns}" for rows, columns in matrices[:3])
    tilted = exams.filter(pl.col("gantry_tilt_degree").abs() > 1).height
    per_exam = [int(number) for number in exams["n_slices"].to_list()]
    fewest, most = min(per_exam), max(per_exam)
    return (
        f"archive “{archive}” has {exams.height:,} exams of "
        f"{exams['patient_key'].n_unique():,} patients, {sum(per_exam):,} slices in "
        f"all, {fewest if fewest == most else f'{fewest} to {most}'} an exam, stored at {matrix} "
        f"pixels in Hounsfield units. {_spacing_words(exams)}The gantry was "
        f"tilted by more than 1° in {_exams(tilted)}. {_irregular_words(exams)}Terms of the "
        f"data: {terms}."
    )


def _spacing_words(exams: pl.DataFrame) -> str:
    spacing = [float(value) for value in exams["slice_spacing_mm"].drop_nulls().to_list()]
    if not spacing:
        return ""
    low, high = min(spacing), max(spacing)
    between = short(low) if low == high else f"{short(low)} to {short(high)}"
    return f"Slices lie {between} mm apart along their normal (median of each exam). "


def _irregular_words(exams: pl.DataFrame) -> str:
    irregular = exams.filter(~pl.col("regular")).height
    return f"Slices are unevenly spaced in {_exams(irregular)}. " if irregular else ""


def _exams(number: int) -> str:
    return f"{number:,} exam" + ("s" if number != 1 else "") if number else "no exam"
