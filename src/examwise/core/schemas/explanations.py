"""Files of an explanations directory: one run, one store, one method."""

from __future__ import annotations

import polars as pl

from examwise.core.tables import Column, TableSchema

MEASURES = (
    "pixel_f1",
    "intersection_over_union",
    "pointing_hit",
    "average_precision",
    "energy_inside",
)
"""What a map is scored by; in all of them 1 is best."""

_EXPLAINED = (
    Column("run_id", pl.String, "run that is explained"),
    Column("learner", pl.String, "learner's name"),
    Column("archive", pl.String, "archive"),
    Column("patient_key", pl.String, "patient"),
    Column("exam_id", pl.String, "exam"),
    Column("finding", pl.String, "finding"),
    Column("method", pl.String, "how it was explained"),
    Column("slice_index", pl.Int32, "slice", minimum=0),
)
_KEY = ("exam_id", "finding", "slice_index")

EXPLAINED_SLICES = TableSchema(
    "explained_slices.parquet",
    (
        *_EXPLAINED,
        Column("row", pl.Int32, "of the exam's array of maps", minimum=0),
        Column("slice_probability", pl.Float64, "what the map explains", minimum=0, maximum=1),
        Column("slice_label", pl.Int8, "truth, where known", True, allowed=(0, 1)),
        Column("n_evaluations", pl.Int32, "images that the model was shown", minimum=0),
    ),
    key=_KEY,
)
"""Slices with a map; of methods that explain images."""


def maps_key(exam_id: str, finding: str) -> str:
    """Return the key of an exam's maps: NPY, float32, shape (explained slices, rows, columns).

    Example:
        >>> maps_key("e12", "any")
        'maps/any/e12.npy'
    """
    return f"maps/{finding}/{exam_id}.npy"


SLICE_VALUES = TableSchema(
    "slice_values.parquet",
    (*_EXPLAINED, Column("value", pl.Float64, "what the slice adds to its exam")),
    key=_KEY,
)
"""Every slice of every explained exam; of methods that explain bags."""

SALIENCY_SCORES = TableSchema(
    "saliency_scores.parquet",
    (
        *_EXPLAINED,
        Column("truth", pl.String, "what the map is held against", allowed=("boxes", "masks")),
        Column("kinds", pl.List(pl.String), "findings that the slice's truth shows"),
        Column("is_randomised", pl.Boolean, "whether the map is a random model's"),
        Column("truth_pixels", pl.Int32, "pixels of the truth", minimum=1),
        *(
            Column(name, pl.Float64, "see the documentation", True, minimum=0, maximum=1)
            for name in MEASURES
        ),
    ),
    key=(*_KEY, "truth", "is_randomised"),
)

RANDOMISED = TableSchema(
    "randomised.parquet",
    (
        *_EXPLAINED,
        Column("similarity", pl.Float64, "Spearman's, of both maps", True, -1, 1),
    ),
    key=_KEY,
)
"""How like a map is to that of the same model with random weights (Adebayo et al., 2018)."""
