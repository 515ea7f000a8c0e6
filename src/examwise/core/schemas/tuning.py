"""Files of a tuning directory."""

from __future__ import annotations

import polars as pl

from examwise.core.tables import Column, TableSchema

TRIALS = TableSchema(
    "trials.parquet",
    (
        Column("trial", pl.Int32, "number of the trial", minimum=0),
        Column(
            "state",
            pl.String,
            "done; stopped as worse than the median; or failed with its options",
            allowed=("done", "stopped", "failed"),
        ),
        Column("options", pl.String, "JSON object of dotted name to the value tried"),
        Column("objective", pl.Float64, "on the validation labels; of trials done", True),
        Column("run_id", pl.String, "the run; of trials done", True),
        Column("best_step", pl.Int32, "step whose weights were kept", True, minimum=0),
        Column("steps", pl.Int32, "optimiser steps, as far as is known", True, minimum=0),
        Column("reason", pl.String, "why it failed, or which tracker did", True),
    ),
    key=("trial",),
)
"""A row a trial, built from its commit record."""

BEST = "best.yaml"
"""The best options, as ``train --config`` takes them."""

TRIAL_RUNS = "trials"
"""Folder of the trials' runs."""
