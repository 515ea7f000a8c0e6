"""How a study was made: its exams, its parts, and what became of every file."""

from __future__ import annotations

import polars as pl

from examwise.imaging.reasons import REASONS
from examwise.reporting.configuration_words import setting
from examwise.reporting.contents import MethodSection, Table
from examwise.reporting.label_shares import PARTS, exams_with_labels
from examwise.reporting.study_files import StudyFiles
from examwise.reporting.words import percent, short

_STATUS_WORDS = {"used": "used", "left_out": "left out", "set_aside": "set aside"}


def is_synthetic(study: StudyFiles) -> bool:
    """Tell whether the study's exams were simulated."""
    return setting(study.manifest.configuration, "source", "kind") == "phantom"


def terms_words(study: StudyFiles) -> str:
    """Say on which terms the data may be used: those that trained models carry in model.json."""
    terms = "; ".join(study.stored.data_terms)
    return f"Data: {terms}. Models trained on these data carry the same terms."


def data_section(study: StudyFiles) -> MethodSection:
    """Describe exams, patients, parts and files."""
    return MethodSection(
        id="data",
        title="Exams and patients",
        paragraphs=(_exams_words(study), _split_words(study)),
        tables=(_parts_table(study), _files_table(study)),
    )


def _exams_words(study: StudyFiles) -> str:
    exams = study.stored.exams
    archives = ", ".join(exams["archive"].unique().sort().to_list())
    terms = "; ".join(study.stored.data_terms)
    synthetic = (
        "The exams are synthetic: simulated heads, not patients. " if is_synthetic(study) else ""
    )
    matrices = exams.select("rows", "columns").unique().sort("rows", "columns").rows()
    matrix = ", ".join(f"{rows} × {columns}" for rows, columns in matrices[:3])
    tilted = exams.filter(pl.col("gantry_tilt_degree").abs() > 1).height
    per_exam = [int(number) for number in exams["n_slices"].to_list()]
    return (
        f"{synthetic}The store holds {exams.height:,} exams of "
        f"{exams['patient_key'].n_unique():,} patients, {study.stored.slices.height:,} slices in "
        f"all, {min(per_exam)} to {max(per_exam)} an exam, stored at {matrix} "
        f"pixels in Hounsfield units. Archive: {archives}. {_spacing_words(exams)}The gantry was "
        f"tilted by more than 1° in {tilted or 'no'} exams. {_irregular_words(exams)}Terms of the "
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
    return f"Slices are unevenly spaced in {irregular:,} exams. " if irregular else ""


def _split_words(study: StudyFiles) -> str:
    overlapping = (
        study.splits.group_by("patient_key")
        .agg(pl.col("split").n_unique().alias("n_parts"))
        .filter(pl.col("n_parts") > 1)
        .height
    )
    checked = (
        "No patient is in two parts (counted for this page)."
        if overlapping == 0
        else f"{overlapping:,} patients are in more than one part: the test results are too good."
    )
    return (
        "Patients, not exams or slices, were assigned to training, validation and test. "
        f"{checked} Labels were bought from training and validation patients alone; every AUC on "
        "this page is of test patients."
    )


def _parts_table(study: StudyFiles) -> Table:
    labelled = exams_with_labels(study.stored, study.splits, study.finding)
    others = [part for part in labelled["split"].unique().sort().to_list() if part not in PARTS]
    rows = []
    for part in (*PARTS, *others):
        own = labelled.filter(pl.col("split") == part)
        known = own.drop_nulls("exam_label")
        positive = int((known["exam_label"] == 1).sum())
        rows.append(
            (
                part,
                f"{own['patient_key'].n_unique():,}",
                f"{own.height:,}",
                f"{int(own['n_slices'].sum()):,}",
                f"{known.height:,}",
                f"{positive:,}",
                percent(positive, known.height),
            )
        )
    return Table(
        id="table-parts",
        caption=f"Parts of the store; positive means finding “{study.finding}”",
        columns=("Part", "Patients", "Exams", "Slices", "Labelled", "Positive", "Prevalence"),
        rows=tuple(rows),
        source="exams.parquet, splits.parquet and labels.parquet of the store",
    )


def _files_table(study: StudyFiles) -> Table:
    counted = study.files.group_by("status", "reason").len()
    order = {status: place for place, status in enumerate(_STATUS_WORDS)}
    rows = sorted(counted.rows(), key=lambda row: (order[row[0]], -row[2], row[1]))
    return Table(
        id="table-files",
        caption="What became of every file of the archive",
        columns=("Became", "Reason", "Files"),
        rows=tuple(
            (_STATUS_WORDS[status], _reason_words(reason), f"{n_files:,}")
            for status, reason, n_files in rows
        )
        or (("none on record", "–", "0"),),
        source="files.parquet of the store",
        row_headers=2,
    )


def _reason_words(code: str) -> str:
    return REASONS.get(code, code.replace("_", " ") + ".") if code else "–"
