"""Files of a cross-validation directory."""

from __future__ import annotations

import polars as pl

from examwise.core.tables import Column, TableSchema

_FINDING = Column("finding", pl.String, "finding")
_PLACE = (
    Column("repeat", pl.Int32, "number of the division", minimum=0),
    Column("fold", pl.Int32, "fold that was held out", minimum=0),
)

FOLDS = TableSchema(
    "folds.parquet",
    (
        Column("repeat", pl.Int32, "number of the division", minimum=0),
        Column("patient_key", pl.String, "patient"),
        Column("fold", pl.Int32, "the patient's fold in it", minimum=0),
    ),
    key=("repeat", "patient_key"),
)
"""Who is in which fold; patients of the test part are in none."""

FOLD_METRICS = TableSchema(
    "fold_metrics.parquet",
    (
        *_PLACE,
        Column("run_id", pl.String, "run trained on the other folds"),
        _FINDING,
        Column("n_exams", pl.Int32, "labelled exams held out", minimum=0),
        Column("n_patients", pl.Int32, "their patients", minimum=0),
        Column("n_positive", pl.Int32, "positive ones among the exams", minimum=0),
        Column("auc", pl.Float64, "missing where one class is absent", True, minimum=0, maximum=1),
        Column("threshold", pl.Float64, "the run's own", minimum=0, maximum=1),
        Column("sensitivity", pl.Float64, "at this threshold", True, minimum=0, maximum=1),
        Column("specificity", pl.Float64, "at this threshold", True, minimum=0, maximum=1),
        Column("n_training_labels", pl.Int32, "labels trained on", minimum=1),
        Column("n_validation_labels", pl.Int32, "labels that chose", minimum=0),
        Column("best_step", pl.Int32, "step whose weights were kept", minimum=0),
    ),
    key=("repeat", "fold", "finding"),
)
"""A row a held-out fold and finding, built from the fold's commit record."""

CROSS_VALIDATION_SUMMARY = TableSchema(
    "summary.parquet",
    (
        _FINDING,
        Column("n_folds", pl.Int32, "folds with an AUC, of all repeats", minimum=0),
        Column("auc_mean", pl.Float64, "over folds", True, minimum=0, maximum=1),
        Column("auc_sd", pl.Float64, "over folds, of the sample", True, minimum=0, maximum=1),
        Column("auc_lowest", pl.Float64, "of a fold", True, minimum=0, maximum=1),
        Column("auc_highest", pl.Float64, "of a fold", True, minimum=0, maximum=1),
    ),
    key=("finding",),
)
"""A row a finding."""

HELD_OUT = "held_out"
"""Folder of what each fold's run said of the fold, beside the commit record that vouches for it."""
