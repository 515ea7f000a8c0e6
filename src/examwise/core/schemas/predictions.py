"""Files of a predictions directory; evaluation needs these and a store, never a model."""

from __future__ import annotations

import polars as pl

from examwise.core.tables import Column, TableSchema

_LABELS: tuple[int, ...] = (0, 1)

PREDICTED_EXAMS = TableSchema(
    "exams.parquet",
    (
        Column("exam_id", pl.String, "exam"),
        Column("patient_key", pl.String, "patient"),
        Column("archive", pl.String, "archive"),
        Column("split", pl.String, "part of the store, or 'unseen'"),
        Column("run_id", pl.String, "run that predicted"),
        Column("learner", pl.String, "learner's name"),
        Column("finding", pl.String, "finding"),
        Column("exam_logit", pl.Float64, "before the sigmoid"),
        Column("exam_probability", pl.Float64, "after it", minimum=0, maximum=1),
        Column(
            "calibrated_probability",
            pl.Float64,
            "after calibration on validation; missing where there was none",
            nullable=True,
            minimum=0,
            maximum=1,
        ),
        Column("exam_label", pl.Int8, "truth, where known", True, allowed=_LABELS),
    ),
    key=("run_id", "exam_id", "finding"),
)

PREDICTED_SLICES = TableSchema(
    "slices.parquet",
    (
        Column("exam_id", pl.String, "exam"),
        Column("run_id", pl.String, "run that predicted"),
        Column("finding", pl.String, "finding"),
        Column("slice_index", pl.Int32, "slice", minimum=0),
        Column("relative_position", pl.Float64, "0 lowest to 1 highest", minimum=0, maximum=1),
        Column("slice_logit", pl.Float64, "before the sigmoid"),
        Column("slice_probability", pl.Float64, "after it", minimum=0, maximum=1),
        Column("attention_logit", pl.Float64, "before normalisation", nullable=True),
        Column(
            "attention_weight",
            pl.Float64,
            "after it; sums to one over an exam's slices",
            nullable=True,
            minimum=0,
            maximum=1,
        ),
        Column("slice_label", pl.Int8, "truth, where known", True, allowed=_LABELS),
    ),
    key=("run_id", "exam_id", "finding", "slice_index"),
)

THRESHOLDS = "thresholds.json"
"""Finding to ``{"threshold": probability, "source": …}``, fitted on validation or fixed.

Beside them ``rules``, rule to the threshold it gave on the same labels, and, where slices' labels
were bought for validation, ``slice_threshold`` on the slice probability.
"""

POSITION_HISTOGRAM = "position_histogram.json"
"""Finding to the smoothed positive fraction of training slices by relative position, or null."""
