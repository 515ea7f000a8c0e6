"""Tables of an evaluation directory."""

from __future__ import annotations

import polars as pl

from examwise.core.schemas.study import ACQUISITIONS, LABEL_KINDS, MODES
from examwise.core.tables import Column, TableSchema

_AUC = (
    Column("auc", pl.Float64, "area under the ROC curve", nullable=True, minimum=0, maximum=1),
    Column("auc_lower", pl.Float64, "lower 95% limit", nullable=True, minimum=0, maximum=1),
    Column("auc_upper", pl.Float64, "upper 95% limit", nullable=True, minimum=0, maximum=1),
)

VARIANCES = ("delong", "obuchowski")
"""Of AUCs: where every patient has one exam, and where some have several."""

ESTIMATORS = ("slice_probability", "attention_weight", "hshap", "position_only")
"""What scores a slice."""

WITHIN = ("all", "positive_exams")
"""Which exams' slices count."""

EXAM_METRICS = TableSchema(
    "exam_metrics.parquet",
    (
        Column("run_id", pl.String, "run"),
        Column("learner", pl.String, "learner's name"),
        Column("archive", pl.String, "archive"),
        Column("finding", pl.String, "finding"),
        Column("n_patients", pl.Int32, "patients with a label", minimum=0),
        Column("n_exams", pl.Int32, "exams with a label", minimum=0),
        Column("n_positive", pl.Int32, "positive ones", minimum=0),
        *_AUC,
        Column("analytic_lower", pl.Float64, "lower limit by the variance", True, 0, 1),
        Column("analytic_upper", pl.Float64, "upper limit by the variance", True, 0, 1),
        Column("variance", pl.String, "which variance", allowed=VARIANCES),
        Column("average_precision", pl.Float64, "area under precision-recall", True, 0, 1),
        Column("average_precision_lower", pl.Float64, "lower 95% limit", True, 0, 1),
        Column("average_precision_upper", pl.Float64, "upper 95% limit", True, 0, 1),
        Column("threshold", pl.Float64, "from validation, or fixed", minimum=0, maximum=1),
        Column("sensitivity", pl.Float64, "at the threshold", True, minimum=0, maximum=1),
        Column("specificity", pl.Float64, "at the threshold", True, minimum=0, maximum=1),
    ),
    key=("run_id", "archive", "finding"),
)
"""An AUC is missing where one class has no exam."""

SLICE_METRICS = TableSchema(
    "slice_metrics.parquet",
    (
        Column("run_id", pl.String, "run"),
        Column("learner", pl.String, "learner's name"),
        Column("archive", pl.String, "archive"),
        Column("finding", pl.String, "finding"),
        Column("estimator", pl.String, "what scores a slice", allowed=ESTIMATORS),
        Column("within", pl.String, "which exams' slices count", allowed=WITHIN),
        Column("n_patients", pl.Int32, "patients with a labelled slice", minimum=0),
        Column("n_slices", pl.Int32, "slices with a label", minimum=0),
        Column("n_positive", pl.Int32, "positive ones", minimum=0),
        *_AUC,
    ),
    key=("run_id", "archive", "finding", "estimator", "within"),
)
"""Intervals by Obuchowski's variance, a patient's slices together."""

ROC_POINTS = TableSchema(
    "roc_points.parquet",
    (
        Column("run_id", pl.String, "run"),
        Column("learner", pl.String, "learner's name"),
        Column("archive", pl.String, "archive"),
        Column("finding", pl.String, "finding"),
        Column("false_positive_rate", pl.Float64, "1 - specificity", minimum=0, maximum=1),
        Column("true_positive_rate", pl.Float64, "sensitivity", minimum=0, maximum=1),
    ),
    key=("run_id", "archive", "finding", "false_positive_rate", "true_positive_rate"),
)
"""Corners of the exams' ROC curves from (0, 0) to (1, 1); no rows where one class has no exam."""

BUDGET_CURVE = TableSchema(
    "budget_curve.parquet",
    (
        Column("archive", pl.String, "archive of the test exams"),
        Column("learner", pl.String, "learner's name"),
        Column("mode", pl.String, "what the runs are for", allowed=MODES),
        Column("acquisition", pl.String, "how labels were drawn", allowed=ACQUISITIONS),
        Column("finding", pl.String, "finding"),
        Column("label_kind", pl.String, "what was bought", allowed=LABEL_KINDS),
        Column("budget", pl.Int32, "m, labels bought", minimum=0),
        Column("n_repeats", pl.Int32, "finished repeats", minimum=1),
        Column("mean_exams_opened", pl.Float64, "exams opened, mean", minimum=0),
        Column("mean_reader_actions", pl.Float64, "reader actions, mean", minimum=0),
        Column("mean_reader_hours", pl.Float64, "hours, mean; missing: no costs", True, minimum=0),
        Column("mean_auc", pl.Float64, "mean exam AUC over repeats", minimum=0, maximum=1),
        Column("auc_lower", pl.Float64, "lower 95% limit", True, minimum=0, maximum=1),
        Column("auc_upper", pl.Float64, "upper 95% limit", True, minimum=0, maximum=1),
        Column("between_share", pl.Float64, "of the variance, between repeats", True, 0, 1),
        Column("is_conditional", pl.Boolean, "repeats share more than half of their labels"),
    ),
    key=("archive", "learner", "mode", "acquisition", "finding", "budget"),
)

UNITS_OF_COST = ("labels", "actions", "hours")

INTERVAL_KINDS = ("closed", "open_above", "open_below", "not_estimable")

RATIOS = TableSchema(
    "ratios.parquet",
    (
        Column("archive", pl.String, "archive of the test exams"),
        Column("mode", pl.String, "what the runs are for", allowed=MODES),
        Column("acquisition", pl.String, "how slice labels were drawn", allowed=ACQUISITIONS),
        Column("finding", pl.String, "finding"),
        Column("target_auc", pl.Float64, "set beforehand", minimum=0, maximum=1),
        Column("unit", pl.String, "what is compared", allowed=UNITS_OF_COST),
        Column("strong", pl.Float64, "needed by the strong learner; missing: not reached", True),
        Column("strong_at_most", pl.Boolean, "reached with its smallest budget already"),
        Column("weak", pl.Float64, "needed by the weak learner; missing: not reached", True),
        Column("weak_at_most", pl.Boolean, "reached with its smallest budget already"),
        Column("ratio", pl.Float64, "strong over weak; missing: not estimable", True, minimum=0),
        Column("ratio_lower", pl.Float64, "lower 95% limit; missing: open", True, minimum=0),
        Column("ratio_upper", pl.Float64, "upper 95% limit; missing: open", True, minimum=0),
        Column("interval", pl.String, "which limits there are", allowed=INTERVAL_KINDS),
        Column("reached_strong", pl.Float64, "share of replicates", minimum=0, maximum=1),
        Column("reached_weak", pl.Float64, "share of replicates", minimum=0, maximum=1),
        Column("reached_neither", pl.Float64, "share of replicates", minimum=0, maximum=1),
    ),
    key=("archive", "mode", "acquisition", "finding", "target_auc", "unit"),
)
"""With ``strong_at_most`` a ratio is an upper bound, with ``weak_at_most`` a lower bound."""
