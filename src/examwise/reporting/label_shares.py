"""How many exams of each part are positive, from the store's label events."""

from __future__ import annotations

import polars as pl

from examwise.imaging.stored_exams import StoredExams

PARTS = ("train", "validation", "test")


def exams_with_labels(stored: StoredExams, splits: pl.DataFrame, finding: str) -> pl.DataFrame:
    """Return every exam with its part and its label for one finding.

    The latest event counts. An exam without an event of its own is positive if a slice is, and
    negative only if every slice is known to be.

    Args:
        stored: The exam store.
        splits: A table of :data:`~examwise.core.schemas.store.SPLITS`.
        finding: Name of the finding.

    Returns:
        Columns ``exam_id``, ``patient_key``, ``n_slices``, ``split`` (``"no part"`` for exams
        that the splits leave out) and ``exam_label`` (1, 0 or missing).
    """
    events = stored.labels.filter(pl.col("finding") == finding).sort("round", maintain_order=True)
    whole = (
        events.filter(pl.col("slice_start").is_null())
        .unique("exam_id", keep="last", maintain_order=True)
        .select("exam_id", pl.col("value").alias("said"), pl.lit(True).alias("is_said"))
    )
    single = (
        events.drop_nulls(["slice_start", "slice_stop"])
        .with_columns(pl.int_ranges("slice_start", "slice_stop").alias("slice_index"))
        .explode("slice_index")
        .unique(["exam_id", "slice_index"], keep="last", maintain_order=True)
        .group_by("exam_id")
        .agg(pl.col("value").max().alias("largest"), pl.col("value").count().alias("n_known"))
    )
    from_slices = (
        pl.when(pl.col("largest") == 1)
        .then(pl.lit(1, pl.Int8))
        .when(pl.col("n_known") == pl.col("n_slices"))
        .then(pl.lit(0, pl.Int8))
    )
    return (
        stored.exams.select("exam_id", "patient_key", "n_slices")
        .join(whole, on="exam_id", how="left")
        .join(single, on="exam_id", how="left")
        .join(splits.select("exam_id", "split"), on="exam_id", how="left")
        .select(
            "exam_id",
            "patient_key",
            "n_slices",
            pl.col("split").fill_null("no part"),
            pl.when("is_said").then("said").otherwise(from_slices).alias("exam_label"),
        )
        .sort("exam_id")
    )
