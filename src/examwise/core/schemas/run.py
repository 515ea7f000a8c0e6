"""Files of a run directory."""

from __future__ import annotations

import polars as pl

from examwise.core.tables import Column, TableSchema

WEIGHTS = "model.safetensors"
"""The trained weights."""

MODEL = "model.json"
"""Everything needed to rebuild the model and to feed it."""

CHECKPOINT = "checkpoints/last.ckpt"
"""For resuming only; removed when the run is finished."""

LABEL_SET = TableSchema(
    "label_set.parquet",
    (
        Column("exam_id", pl.String, "exam"),
        Column("slice_index", pl.Int32, "slice; missing: a label of the whole exam", True),
        Column("part", pl.String, "what it was used for", allowed=("train", "validation")),
        Column(
            "seen_label",
            pl.Int8,
            "the label as it was given; missing: as the store has it",
            nullable=True,
            allowed=(0, 1),
            is_later=True,
        ),
        Column(
            "weight",
            pl.Float64,
            "for how many exams of the archive it stands, 1 on average; missing: one",
            nullable=True,
            minimum=0,
            is_later=True,
        ),
    ),
    key=("exam_id", "slice_index"),
)
"""The labels that a run was allowed to see: of slices, of exams, or of both."""

LEARNED_PATIENTS = TableSchema(
    "learned_patients.parquet",
    (
        Column("patient_key", pl.String, "patient"),
        Column("part", pl.String, "what labels served", allowed=("train", "validation")),
    ),
    key=("patient_key",),
)
"""Whose labels a run was allowed to see: what tells an overlap with any store of the same key."""

METRICS = TableSchema(
    "metrics.parquet",
    (
        Column("step", pl.Int32, "optimiser steps so far", minimum=0),
        Column(
            "training_loss", pl.Float64, "mean since the last row, where the model tells it", True
        ),
        Column("validation_loss", pl.Float64, "where validation labels were bought", True),
        Column("learning_rate", pl.Float64, "at this step", minimum=0),
    ),
    key=("step",),
)
"""A row for each validation."""
