"""Every exam of a store with its part and its label, for counting."""

from __future__ import annotations

import polars as pl

from examwise.imaging.exam_source import ExamSource
from examwise.imaging.stored_labels import exam_labels

PARTS = ("train", "validation", "test")


def exams_with_labels(stored: ExamSource, splits: pl.DataFrame, finding: str) -> pl.DataFrame:
    """Return every exam with its part and its label for one finding.

    Args:
        stored: The exam store.
        splits: A table of :data:`~examwise.core.schemas.store.SPLITS`.
        finding: Name of the finding.

    Returns:
        Columns ``exam_id``, ``patient_key``, ``n_slices``, ``split`` (``"no part"`` for exams
        that the splits leave out) and ``exam_label`` (1, 0 or missing).
    """
    return (
        stored.exams.select("exam_id", "patient_key", "n_slices")
        .join(splits.select("exam_id", "split"), on="exam_id", how="left")
        .with_columns(pl.col("split").fill_null("no part"))
        .join(exam_labels(stored, finding), on="exam_id", how="left")
        .sort("exam_id")
    )
