"""Tables of an evaluated study that follow learners over their budgets."""

from __future__ import annotations

import polars as pl

from examwise.core.schemas.evaluation import UNITS_OF_COST
from examwise.core.schemas.study import ACQUISITIONS, LABEL_KINDS, MODES
from examwise.core.tables import Column, TableSchema

CURVE_METRICS = ("exam_auc", "slice_auc", "sequence_f1", "saliency_f1")
"""What is followed: exams told apart; slices of positive exams told apart; runs of positive slices
found; pixels of maps inside boxes or masks."""

CURVE_ESTIMATORS = (
    "exam_probability",
    "slice_probability",
    "attention_weight",
    "gradcam",
    "hshap",
    "integrated_gradients",
    "occlusion",
)
"""What was scored."""

_CURVE = (
    Column("archive", pl.String, "archive of the test exams"),
    Column("learner", pl.String, "learner's name"),
    Column("mode", pl.String, "what the runs are for", allowed=MODES),
    Column("acquisition", pl.String, "how labels were drawn", allowed=ACQUISITIONS),
    Column("finding", pl.String, "finding"),
)
_CURVE_KEY = ("archive", "learner", "mode", "acquisition", "finding")

_COSTS = (
    Column("labels", pl.Float64, "labels bought, mean over repeats", minimum=0),
    Column("actions", pl.Float64, "reader actions, mean", minimum=0),
    Column("hours", pl.Float64, "reader hours, mean; missing: no costs", True, minimum=0),
)

METRIC_CURVE = TableSchema(
    "metric_curve.parquet",
    (
        *_CURVE,
        Column("metric", pl.String, "what is followed", allowed=CURVE_METRICS),
        Column("estimator", pl.String, "what was scored", allowed=CURVE_ESTIMATORS),
        Column("label_kind", pl.String, "what was bought", allowed=LABEL_KINDS),
        Column("budget", pl.Int32, "m, labels bought", minimum=0),
        Column("n_repeats", pl.Int32, "repeats with a value", minimum=1),
        *_COSTS,
        Column("value", pl.Float64, "mean over repeats", minimum=0, maximum=1),
        Column("lower", pl.Float64, "lower 95% limit", True, 0, 1),
        Column("upper", pl.Float64, "upper 95% limit", True, 0, 1),
        Column("is_conditional", pl.Boolean, "repeats share more than half of their labels"),
    ),
    key=(*_CURVE_KEY, "metric", "estimator", "budget"),
)
"""Four metrics by budget; the limits hold patients and repeats."""

CURVE_REPLICATES = TableSchema(
    "curve_replicates.parquet",
    (
        *_CURVE,
        Column("budget", pl.Int32, "m, labels bought", minimum=0),
        Column("replicate", pl.Int32, "0: the study itself; then bootstrap replicates", minimum=0),
        *_COSTS,
        Column("auc", pl.Float64, "mean exam AUC; missing: one class absent", True, 0, 1),
    ),
    key=(*_CURVE_KEY, "budget", "replicate"),
)
"""Exam AUC by budget in every bootstrap replicate: plans and forecasts begin here."""

RATIO_CLAIMS = TableSchema(
    "ratio_claims.parquet",
    (
        Column("archive", pl.String, "archive of the test exams"),
        Column("mode", pl.String, "what the runs are for", allowed=MODES),
        Column("acquisition", pl.String, "how slice labels were drawn", allowed=ACQUISITIONS),
        Column("finding", pl.String, "finding"),
        Column("unit", pl.String, "what is multiplied", allowed=UNITS_OF_COST),
        Column("margin", pl.Float64, "set beforehand", minimum=0, maximum=0.5),
        Column("weak_budget", pl.Int32, "m, exam labels", minimum=1),
        Column("place", pl.Int32, "place in the fixed order, from 0", minimum=0),
        Column("ratio", pl.Float64, "N", minimum=1),
        Column(
            "weak_amount", pl.Float64, "labels, actions or hours of the weak learner", minimum=0
        ),
        Column("strong_amount", pl.Float64, "N times that", minimum=0),
        Column("difference", pl.Float64, "AUC of weak minus strong; missing: not seen", True),
        Column("lower", pl.Float64, "its one-sided lower 97.5% limit", True),
        Column("p", pl.Float64, "one-sided", True, 0, 1),
        Column("is_shown", pl.Boolean, "rejected, and all before it"),
        Column(
            "reason",
            pl.String,
            "why it was not shown; missing: shown",
            True,
            allowed=("limit", "order", "beyond_budgets", "no_plateau", "not_estimable"),
        ),
    ),
    key=("archive", "mode", "acquisition", "finding", "unit", "place"),
)
"""Is m of exam labels no worse than N times m of slice labels? The last N shown is the claim."""

PLATEAUS = TableSchema(
    "plateaus.parquet",
    (
        *_CURVE,
        Column("budget", pl.Int32, "the largest", minimum=0),
        Column("from_labels", pl.Float64, "half of it", minimum=0),
        Column("gain", pl.Float64, "AUC won by the last doubling; missing: not seen", True),
        Column("gain_upper", pl.Float64, "its one-sided upper 97.5% limit", True),
        Column("margin", pl.Float64, "below this the curve counts as flat", True, 0, 0.5),
        Column("is_reached", pl.Boolean, "whether it is"),
    ),
    key=_CURVE_KEY,
)
"""Whether a curve has become flat."""

CURVE_FITS = TableSchema(
    "curve_fits.parquet",
    (
        *_CURVE,
        Column("family", pl.String, "kind of curve"),
        Column("n_budgets", pl.Int32, "budgets fitted", minimum=0),
        Column("asymptote", pl.Float64, "AUC with labels without end", True, 0, 1),
        Column("fit_error", pl.Float64, "root mean square on what was fitted", True, minimum=0),
        Column("held_out_error", pl.Float64, "on held-out larger budgets", True, minimum=0),
        Column("weight", pl.Float64, "in the average of families", minimum=0, maximum=1),
    ),
    key=(*_CURVE_KEY, "family"),
)
"""Families of learning curves, compared on budgets larger than those they were fitted to."""

CURVE_FORECAST = TableSchema(
    "curve_forecast.parquet",
    (
        *_CURVE,
        Column("labels", pl.Float64, "labels bought", minimum=0),
        Column("actions", pl.Float64, "reader actions that go with them", True, minimum=0),
        Column("hours", pl.Float64, "reader hours that go with them", True, minimum=0),
        Column("auc", pl.Float64, "expected exam AUC", minimum=0, maximum=1),
        Column("lower", pl.Float64, "lower 95% limit", minimum=0, maximum=1),
        Column("upper", pl.Float64, "upper 95% limit", minimum=0, maximum=1),
        Column("is_extrapolated", pl.Boolean, "beyond the budgets that were run"),
    ),
    key=(*_CURVE_KEY, "labels"),
)
"""What a curve is expected to do between and beyond its budgets."""
