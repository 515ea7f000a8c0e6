"""Tables of a study directory."""

from __future__ import annotations

import polars as pl

from examwise.core.tables import Column, TableSchema

BUDGETED, FINE_TUNED, LABEL_FREE = "budgeted", "fine_tuned", "label_free"
MODES = (BUDGETED, FINE_TUNED, LABEL_FREE)
"""What a run is for: a point of the budget curves; the same labels with the encoder trained on as
well; or a reference without any label."""

NOTHING = "none"
"""What a run without labels buys, and how it draws them."""

LABEL_KINDS = ("slice", "exam", NOTHING)

ACQUISITIONS = ("exam", "spread", "whole_exam", "exam_first", NOTHING)


EXPLANATIONS = "explanations"
"""Folder of a study: run, number of the archive (0 the internal one), method."""


def external_folder(number: int) -> str:
    """Return the folder of a study's directory that is about one external archive.

    Args:
        number: The archive's number, from 1.

    Example:
        >>> external_folder(1)
        'external/1'
    """
    return f"external/{number}"


RUNS = TableSchema(
    "runs.parquet",
    (
        Column("run_id", pl.String, "run"),
        Column("learner", pl.String, "learner's name"),
        Column("mode", pl.String, "what the run is for", allowed=MODES),
        Column("label_kind", pl.String, "what was bought", allowed=LABEL_KINDS),
        Column("acquisition", pl.String, "how it was drawn", allowed=ACQUISITIONS),
        Column("budget", pl.Int32, "m, labels bought, validation included", minimum=0),
        Column("repeat", pl.Int32, "repeat; budgets are nested within one", minimum=0),
        Column("seed", pl.Int64, "seed of sampling and training", minimum=0),
        Column("n_training_labels", pl.Int32, "labels trained on", minimum=0),
        Column("n_validation_labels", pl.Int32, "labels kept for validation", minimum=0),
        Column("n_positive_labels", pl.Int32, "positive ones among all bought", minimum=0),
        Column("n_exams_opened", pl.Int32, "exams a reader had to open", minimum=0),
        Column("reader_actions", pl.Int32, "clicks that give these labels", minimum=0),
        Column(
            "reader_hours", pl.Float64, "time they take, where costs are given", True, minimum=0
        ),
        Column("steps", pl.Int32, "optimiser steps", minimum=0),
        Column("best_step", pl.Int32, "step whose weights were kept", minimum=0),
    ),
    key=("run_id",),
)
"""A row a finished run, built from its commit record."""
