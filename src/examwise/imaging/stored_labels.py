"""Label events resolved to labels: what the store now holds true of each exam and each slice.

Events are appended, never changed. For one target (an exam, or a slice of one) and finding, the
event of the latest round counts, and within a round the latest row; a value that is missing
withdraws the label. An event of a run of slices speaks of each slice in it.
"""

from __future__ import annotations

import polars as pl

from examwise.core.errors import InputError
from examwise.imaging.exam_source import ExamSource


def slice_labels(stored: ExamSource, finding: str) -> pl.DataFrame:
    """Return the labels that slices have for a finding.

    Args:
        stored: The exam store, or several together.
        finding: Name of the finding.

    Returns:
        Columns ``exam_id``, ``slice_index`` (Int32) and ``slice_label`` (Int8: 1 or 0), sorted;
        a slice without a label has no row.

    Raises:
        InputError: If a run of slices is empty, open, or reaches beyond its exam.
    """
    events = _events(stored, finding).filter(pl.col("slice_start").is_not_null())
    _require_runs_within_exams(stored, events)
    return (
        events.with_columns(pl.int_ranges("slice_start", "slice_stop").alias("slice_index"))
        .explode("slice_index")
        .unique(["exam_id", "slice_index"], keep="last", maintain_order=True)
        .drop_nulls("value")
        .select(
            "exam_id",
            pl.col("slice_index").cast(pl.Int32),
            pl.col("value").alias("slice_label"),
        )
        .sort("exam_id", "slice_index")
    )


def exam_labels(stored: ExamSource, finding: str) -> pl.DataFrame:
    """Return the label of every exam for a finding.

    An exam that no event speaks of as a whole takes its label from its slices: 1 if one of them
    is 1, 0 if all of them are 0, otherwise missing.

    Args:
        stored: The exam store, or several together.
        finding: Name of the finding.

    Returns:
        Columns ``exam_id`` and ``exam_label`` (Int8: 1, 0 or missing), one row for every exam of
        the store, sorted.

    Raises:
        InputError: As :func:`slice_labels` does.
    """
    whole = (
        _events(stored, finding)
        .filter(pl.col("slice_start").is_null())
        .unique("exam_id", keep="last", maintain_order=True)
        .select("exam_id", "value", pl.lit(True).alias("is_said"))
    )
    by_slices = (
        slice_labels(stored, finding)
        .group_by("exam_id")
        .agg(pl.col("slice_label").max().alias("largest"), pl.len().alias("n_labels"))
    )
    from_slices = (
        pl.when(pl.col("largest") == 1)
        .then(pl.lit(1, pl.Int8))
        .when(pl.col("n_labels") == pl.col("n_slices"))
        .then(pl.lit(0, pl.Int8))
    )
    return (
        stored.exams.select("exam_id", "n_slices")
        .join(whole, on="exam_id", how="left")
        .join(by_slices, on="exam_id", how="left")
        .select(
            "exam_id",
            pl.when("is_said").then("value").otherwise(from_slices).alias("exam_label"),
        )
        .sort("exam_id")
    )


def require_finding(stored: ExamSource, finding: str) -> None:
    """Raise unless a store has an event of this finding.

    Raises:
        InputError: If it has none; says which findings there are.
    """
    found = stored.labels["finding"].unique().sort().to_list()
    if finding not in found:
        raise InputError(
            where=f"labels of {stored.name}",
            expected=f"labels of the finding {finding}",
            got="findings " + ", ".join(found) if found else "no labels",
            remedy="add labels, or name another finding",
        )


def _events(stored: ExamSource, finding: str) -> pl.DataFrame:
    """Events of one finding, those that count last within each target."""
    return stored.labels.filter(pl.col("finding") == finding).sort("round", maintain_order=True)


def _require_runs_within_exams(stored: ExamSource, events: pl.DataFrame) -> None:
    bounded = events.join(stored.exams.select("exam_id", "n_slices"), on="exam_id", how="left")
    strange = bounded.filter(
        pl.col("n_slices").is_null()
        | pl.col("slice_stop").is_null()
        | (pl.col("slice_stop") <= pl.col("slice_start"))
        | (pl.col("slice_stop") > pl.col("n_slices"))
    )
    if strange.height:
        first = strange.row(0, named=True)
        raise InputError(
            where=f"labels of {stored.name}, exam {first['exam_id']}",
            expected=f"a run of slices within 0 to {first['n_slices']}",
            got=f"{first['slice_start']} to {first['slice_stop']}",
            remedy="correct the labels that were added, or build the store again",
        )
