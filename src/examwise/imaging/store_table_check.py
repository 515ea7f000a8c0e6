"""Whether the tables of a store agree with each other."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from examwise.core.schemas.annotations import BOXES
from examwise.core.schemas.store import EXAMS, FILES, LABELS, SERIES, SLICES, SPLITS
from examwise.imaging.reasons import REASONS
from examwise.imaging.store_faults import Fault, faults_by_exam

_SPLIT_AGAIN = "split the store again: examwise split STORE --replace"
_SPACING_TOLERANCE_MM = 1e-3
_POSITION_TOLERANCE = 1e-6
_PIXEL_TOLERANCE = 1e-6


def table_faults(tables: Mapping[str, pl.DataFrame]) -> list[Fault]:
    """Return all contradictions between the tables that could be read.

    Args:
        tables: Name to table, as :func:`examwise.imaging.store_tables.read_tables` returns them.
    """
    exams = tables.get("exams")
    if exams is None:
        return []
    faults = []
    if not exams["exam_id"].is_sorted():
        faults.append(Fault("order", EXAMS.file, "rows sorted by exam_id", "another order"))
    checks = {
        "slices": _slice_faults,
        "labels": _label_faults,
        "files": _file_faults,
        "splits": _split_faults,
        "boxes": _box_faults,
    }
    for name, check in checks.items():
        if name in tables:
            faults += check(exams, tables[name])
    if "series" in tables and "files" in tables:
        faults += _series_faults(exams, tables["series"], tables["files"])
    return faults


def _unknown(exams: pl.DataFrame, rows: pl.DataFrame, file: str) -> list[Fault]:
    strange = rows.drop_nulls("exam_id").join(exams, on="exam_id", how="anti")
    return faults_by_exam(
        strange.group_by("exam_id").len(),
        code="unknown_exam",
        file=file,
        expected=f"an exam of {EXAMS.file}",
        got=lambda row: f"{row['len']} rows of one that is not there",
    )


def _slice_faults(exams: pl.DataFrame, slices: pl.DataFrame) -> list[Fault]:
    faults = _unknown(exams, slices, SLICES.file)
    position = pl.col("position_mm")
    extent = position.max() - position.min()
    end = pl.col("offset") + pl.col("length")
    found = slices.group_by("exam_id", maintain_order=True).agg(
        n_found=pl.len(),
        in_order=(pl.col("slice_index") == pl.int_range(pl.len())).all(),
        n_not_rising=(position.diff() <= 0).sum(),
        measured=position.diff().abs().median(),
        relative_error=(
            pl.col("relative_position")
            - pl.when(extent > 0).then((position - position.min()) / extent).otherwise(0.5)
        )
        .abs()
        .max(),
        n_overlapping=(
            pl.col("offset").sort_by("offset") < end.sort_by("offset").shift(1)
        ).sum(),
    )  # fmt: skip
    about = exams.select("exam_id", "n_slices", "slice_spacing_mm").join(
        found, on="exam_id", how="left"
    )
    checks = (
        (
            "count",
            pl.col("n_found").fill_null(0) != pl.col("n_slices"),
            lambda row: f"{row['n_slices']} slices, as {EXAMS.file} says",
            lambda row: f"{row['n_found'] or 0}",
        ),
        (
            "order",
            ~pl.col("in_order"),
            "slices numbered from 0 without a gap, in this order",
            lambda _: "other numbers or another order",
        ),
        (
            "position",
            pl.col("n_not_rising") > 0,
            "positions that rise from slice to slice",
            lambda row: f"{row['n_not_rising']} that do not",
        ),
        (
            "position",
            (pl.col("relative_error") > _POSITION_TOLERANCE) & (pl.col("n_not_rising") == 0),
            "relative positions of the measured ones",
            lambda row: f"others, by up to {row['relative_error']:.3g}",
        ),
        (
            "spacing",
            (pl.col("measured") - pl.col("slice_spacing_mm")).abs() > _SPACING_TOLERANCE_MM,
            lambda row: f"the spacing of {EXAMS.file}, {row['slice_spacing_mm']:.4g} mm",
            lambda row: f"{row['measured']:.4g} mm between neighbours (median)",
        ),
        (
            "offset",
            pl.col("n_overlapping") > 0,
            "slices that lie apart in their shard",
            lambda row: f"{row['n_overlapping']} that overlap",
        ),
    )
    for code, is_wrong, expected, got in checks:
        wrong = about.filter(is_wrong)
        faults += faults_by_exam(wrong, code=code, file=SLICES.file, expected=expected, got=got)
    n_runs = slices["exam_id"].rle_id().n_unique()
    if n_runs != found.height or not found["exam_id"].is_sorted():
        faults.append(Fault("order", SLICES.file, "rows sorted by exam_id", "another order"))
    return faults


def _label_faults(exams: pl.DataFrame, labels: pl.DataFrame) -> list[Fault]:
    start, stop = pl.col("slice_start"), pl.col("slice_stop")
    beyond = labels.join(exams.select("exam_id", "n_slices"), on="exam_id").filter(
        (start.is_null() != stop.is_null()) | (stop <= start) | (stop > pl.col("n_slices"))
    )
    return [
        *_unknown(exams, labels, LABELS.file),
        *faults_by_exam(
            beyond.group_by("exam_id", "n_slices").len(),
            code="label_range",
            file=LABELS.file,
            expected=lambda row: f"labels of the whole exam or of slices 0 to {row['n_slices']}",
            got=lambda row: f"{row['len']} labels of other slices",
        ),
    ]


def _file_faults(exams: pl.DataFrame, files: pl.DataFrame) -> list[Fault]:
    used = pl.col("status") == "used"
    known = pl.col("reason").is_in(list(REASONS))
    contradicting = files.filter(
        pl.when(used)
        .then((pl.col("reason") != "") | pl.col("exam_id").is_null())
        .otherwise(~known | pl.col("slice_index").is_not_null())
    )
    faults = [
        *_unknown(exams, files, FILES.file),
        *faults_by_exam(
            files.join(exams.select("exam_id", "n_slices"), on="exam_id")
            .filter(pl.col("slice_index") >= pl.col("n_slices"))
            .group_by("exam_id", "n_slices")
            .len(),
            code="file_slice",
            file=FILES.file,
            expected=lambda row: f"files of slices 0 to {row['n_slices'] - 1}",
            got=lambda row: f"{row['len']} files of others",
        ),
    ]
    if contradicting.height:
        expected = "used files with an exam and without a reason, others with one known reason"
        got = f"{contradicting.height} rows where status and reason contradict each other"
        faults.append(Fault("file_status", FILES.file, expected, got))
    if files.height:
        without = exams.join(files.filter(used), on="exam_id", how="anti")
        faults += faults_by_exam(
            without,
            code="file_missing",
            file=FILES.file,
            expected="a used file for every exam",
            got=lambda _: "none",
        )
    return faults


def _series_faults(exams: pl.DataFrame, series: pl.DataFrame, files: pl.DataFrame) -> list[Fault]:
    used = pl.col("status") == "used"
    contradicting = series.filter(
        pl.when(used)
        .then((pl.col("reason") != "") | pl.col("exam_id").is_null())
        .otherwise(~pl.col("reason").is_in(list(REASONS)) | pl.col("exam_id").is_not_null())
    )
    faults = _unknown(exams, series, SERIES.file)
    if contradicting.height:
        expected = "used series with an exam and without a reason, others with one known reason"
        got = f"{contradicting.height} rows where status and reason contradict each other"
        faults.append(Fault("series_status", SERIES.file, expected, got))
    # An import of the first schema has no rows of series.
    listed = files.filter(used & pl.col("import_index").is_in(series["import_index"].implode()))
    rows = series.filter(used).group_by("exam_id").agg(n_rows=pl.len(), n_files=pl.max("n_files"))
    slices = files.drop_nulls("slice_index").group_by("exam_id").agg(n_slices=pl.len())
    found = (
        listed.select("exam_id")
        .unique()
        .sort("exam_id")
        .join(rows, on="exam_id", how="left")
        .join(slices, on="exam_id", how="left")
        .with_columns(pl.col("n_rows", "n_files", "n_slices").fill_null(0))
    )
    faults += faults_by_exam(
        found.filter(pl.col("n_rows") != 1),
        code="series_missing",
        file=SERIES.file,
        expected="one used series for every exam",
        got=lambda row: f"{row['n_rows']}",
    )
    faults += faults_by_exam(
        found.filter((pl.col("n_rows") == 1) & (pl.col("n_files") < pl.col("n_slices"))),
        code="series_files",
        file=SERIES.file,
        expected=lambda row: f"a series of at least the {row['n_slices']} files of its slices",
        got=lambda row: f"one of {row['n_files']}",
    )
    counted = series.group_by("import_index").agg(in_series=pl.col("n_files").sum())
    there = files.group_by("import_index").len()
    for row in (
        counted.join(there, on="import_index", how="left")
        .filter(pl.col("in_series") > pl.col("len").fill_null(0))
        .sort("import_index")
        .iter_rows(named=True)
    ):
        expected = f"at most the {row['len'] or 0} files of import {row['import_index']}"
        got = f"series of {row['in_series']} in all"
        faults.append(Fault("series_files", SERIES.file, expected, got))
    return faults


def _split_faults(exams: pl.DataFrame, splits: pl.DataFrame) -> list[Fault]:
    patients = exams.select("exam_id", of_exam="patient_key")
    other_patient = splits.join(patients, on="exam_id").filter(
        pl.col("patient_key") != pl.col("of_exam")
    )
    parts = (
        splits.drop("patient_key")
        .join(patients, on="exam_id")
        .group_by("of_exam")
        .agg(pl.col("exam_id").min(), n_parts=pl.col("split").n_unique(), n_exams=pl.len())
        .filter(pl.col("n_parts") > 1)
    )
    return [
        *_unknown(exams, splits, SPLITS.file),
        *faults_by_exam(
            exams.join(splits, on="exam_id", how="anti"),
            code="split_missing",
            file=SPLITS.file,
            expected="a part for every exam",
            got=lambda _: "none",
            remedy="give it one: examwise split STORE",
        ),
        *faults_by_exam(
            other_patient,
            code="split_patient",
            file=SPLITS.file,
            expected=f"the patient of {EXAMS.file}",
            got=lambda _: "another",
            remedy=_SPLIT_AGAIN,
        ),
        *faults_by_exam(
            parts,
            code="split_overlap",
            file=SPLITS.file,
            expected="all exams of a patient in one part",
            got=lambda row: (
                f"{row['n_exams']} exams of this exam's patient in {row['n_parts']} parts"
            ),
            remedy=f"{_SPLIT_AGAIN}; what was trained with it has seen test patients",
        ),
    ]


def _box_faults(exams: pl.DataFrame, boxes: pl.DataFrame) -> list[Fault]:
    sizes = exams.select("exam_id", "n_slices", "rows", "columns")
    beyond = boxes.join(sizes, on="exam_id").filter(
        (pl.col("slice_index") >= pl.col("n_slices"))
        | (pl.col("x") + pl.col("width") > pl.col("columns") + _PIXEL_TOLERANCE)
        | (pl.col("y") + pl.col("height") > pl.col("rows") + _PIXEL_TOLERANCE)
    )
    return [
        *_unknown(exams, boxes, BOXES.file),
        *faults_by_exam(
            beyond.group_by("exam_id").len(),
            code="box_range",
            file=BOXES.file,
            expected="boxes within the exam's slices",
            got=lambda row: f"{row['len']} others",
        ),
    ]
