"""Files of an encoder directory."""

from __future__ import annotations

import polars as pl

from examwise.core.schemas import run
from examwise.core.tables import Column, TableSchema

WEIGHTS = "encoder.safetensors"
"""The encoder's tensors by their own names, and those of the pretext's head below
:data:`DECODER_PREFIX`; float32 or float16."""

DECODER_PREFIX = "decoder."
"""What the names of tensors begin with that are the pretext's and not the encoder's."""

DESCRIPTION = "encoder.json"
"""Everything needed to rebuild the encoder and to feed it, and what it was made from."""

LEARNED_PATIENTS = run.LEARNED_PATIENTS
"""Whose slices were used, no label read. ``part`` is the patient's in the store, ``train`` where
the store has not been split."""

CHECKPOINT = "checkpoints/last.ckpt"
"""For resuming only; removed when the encoder is finished."""

PRETEXT_METRICS = TableSchema(
    "metrics.parquet",
    (
        Column("step", pl.Int32, "optimiser steps so far", minimum=1),
        Column("loss", pl.Float64, "mean since the last row"),
        Column(
            "score",
            pl.Float64,
            "how well the pretext is solved, as it measures it: mean since the last row",
            True,
            minimum=0,
            maximum=1,
        ),
        Column("learning_rate", pl.Float64, "at this step", minimum=0),
    ),
    key=("step",),
)
"""A row every so many steps of self-supervision."""
