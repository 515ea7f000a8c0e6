"""Tables of an evaluation directory about which slices, and where in them, a finding is seen."""

from __future__ import annotations

import polars as pl

from examwise.core.schemas.evaluation import ESTIMATORS, WITHIN
from examwise.core.schemas.shares import share, share_with_limits
from examwise.core.tables import Column, TableSchema

_RUN = (
    Column("run_id", pl.String, "run"),
    Column("learner", pl.String, "learner's name"),
    Column("archive", pl.String, "archive"),
    Column("finding", pl.String, "finding"),
    Column("estimator", pl.String, "what scores a slice", allowed=ESTIMATORS),
)
_KEY = ("run_id", "archive", "finding", "estimator")


POSITION_JUDGEMENTS = ("better", "unsettled", "not_better", "undefined")
"""A difference wholly above 0; above 0, but not its interval; not above 0; undefined."""

POSITION_VERDICTS = TableSchema(
    "position_verdicts.parquet",
    (
        Column("run_id", pl.String, "run"),
        Column("archive", pl.String, "archive"),
        Column("finding", pl.String, "finding"),
        Column("estimator", pl.String, "what scores a slice", allowed=ESTIMATORS[:-1]),
        Column("within", pl.String, "which exams' slices count", allowed=WITHIN),
        Column("difference", pl.Float64, "slice AUC less that of position only", True, -1, 1),
        Column("lower", pl.Float64, "lower 95% limit, same slices", True, -1, 1),
        Column("upper", pl.Float64, "upper 95% limit, same slices", True, -1, 1),
        Column("verdict", pl.String, "what follows", allowed=POSITION_JUDGEMENTS),
    ),
    key=(*_KEY, "within"),
)
"""Of runs whose training left a position histogram."""

POOLED_SLICES = TableSchema(
    "pooled_slices.parquet",
    (
        Column("run_id", pl.String, "run"),
        Column("learner", pl.String, "learner's name"),
        Column("archive", pl.String, "archive"),
        Column("finding", pl.String, "finding"),
        Column("pooling", pl.String, "of the slices' logits", allowed=("mean", "max")),
        Column("n_patients", pl.Int32, "patients with a label", minimum=0),
        Column("n_exams", pl.Int32, "exams with a label", minimum=0),
        Column("n_positive", pl.Int32, "positive ones", minimum=0),
        *share_with_limits("auc", "exam AUC of the pooled slices"),
        share("own_auc", "exam AUC of the run's own exam scores"),
        Column("difference", pl.Float64, "own less pooled", True, -1, 1),
        Column("lower", pl.Float64, "lower 95% limit of it", True, -1, 1),
        Column("upper", pl.Float64, "upper 95% limit of it", True, -1, 1),
        share("p", "two-sided, of equal areas"),
    ),
    key=("run_id", "archive", "finding", "pooling"),
)
"""What plain pooling makes of the same slices: the least that a learned pooling should beat."""

SEQUENCE_METRICS = TableSchema(
    "sequence_metrics.parquet",
    (
        *_RUN,
        Column(
            "threshold_rule",
            pl.String,
            "how the slices' threshold was chosen",
            allowed=("validation", "youden_on_test", "closest_to_corner_on_test", "even"),
        ),
        Column(
            "threshold",
            pl.Float64,
            "on slice probabilities; of the other estimators on exam probabilities",
            minimum=0,
            maximum=1,
        ),
        Column("offset", pl.Int32, "slices by which a hit may miss", minimum=0),
        Column("min_length", pl.Int32, "shortest predicted run that counts", minimum=1),
        Column("is_chosen", pl.Boolean, "whether the learner's own shortest length"),
        Column("n_patients", pl.Int32, "patients with labelled slices", minimum=0),
        Column("n_exams", pl.Int32, "exams with labelled slices", minimum=0),
        Column("n_true_runs", pl.Int32, "runs of positive slices", minimum=0),
        Column("n_hit_runs", pl.Int32, "of these, hit", minimum=0),
        Column("n_predicted_runs", pl.Int32, "predicted runs", minimum=0),
        *share_with_limits("recall", "share of true runs that are hit"),
        *share_with_limits("precision", "share of predicted runs that hit"),
        *share_with_limits("mean_f1", "mean over exams with a true or predicted run"),
    ),
    key=(*_KEY, "threshold_rule", "offset", "min_length"),
)

RUN_LENGTH_RECALL = TableSchema(
    "run_length_recall.parquet",
    (
        *_RUN,
        Column("offset", pl.Int32, "slices by which a hit may miss", minimum=0),
        Column("run_length", pl.Int32, "slices of the true runs; the last: and longer", minimum=1),
        Column("n_true_runs", pl.Int32, "runs of this length", minimum=1),
        *share_with_limits("recall", "share that is hit"),
    ),
    key=(*_KEY, "offset", "run_length"),
)
"""At the learner's own threshold and shortest length."""

FROC_POINTS = TableSchema(
    "froc_points.parquet",
    (
        *_RUN,
        Column(
            "false_positives_per_exam", pl.Float64, "predicted runs that hit nothing", minimum=0
        ),
        *share_with_limits("sensitivity", "share of true runs that are hit"),
    ),
    key=(*_KEY, "false_positives_per_exam"),
)

SALIENCY_METRICS = TableSchema(
    "saliency_metrics.parquet",
    (
        Column("run_id", pl.String, "run"),
        Column("learner", pl.String, "learner's name"),
        Column("archive", pl.String, "archive"),
        Column("finding", pl.String, "finding"),
        Column("method", pl.String, "how the map was made"),
        Column("truth", pl.String, "what it is held against", allowed=("boxes", "masks")),
        Column("kind", pl.String, "finding that the slice shows, or 'all'"),
        Column("measure", pl.String, "which score"),
        Column("n_slices", pl.Int32, "explained slices with truth", minimum=0),
        Column("n_patients", pl.Int32, "their patients", minimum=0),
        Column("mean", pl.Float64, "over slices", True),
        Column("lower", pl.Float64, "lower 95% limit over patients", True),
        Column("upper", pl.Float64, "upper 95% limit over patients", True),
        Column("mean_of_random_weights", pl.Float64, "the same maps of a random model", True),
    ),
    key=("run_id", "archive", "finding", "method", "truth", "kind", "measure"),
)

SALIENCY_COMPARISONS = TableSchema(
    "saliency_comparisons.parquet",
    (
        Column("archive", pl.String, "archive"),
        Column("finding", pl.String, "finding"),
        Column("truth", pl.String, "what maps are held against", allowed=("boxes", "masks")),
        Column("measure", pl.String, "which score"),
        Column("run_id", pl.String, "the one run"),
        Column("method", pl.String, "its method"),
        Column("other_run_id", pl.String, "the other run"),
        Column("other_method", pl.String, "its method"),
        Column("n_slices", pl.Int32, "slices that both explain", minimum=0),
        Column("n_patients", pl.Int32, "their patients", minimum=0),
        Column("difference", pl.Float64, "mean of the one less the other", True),
        Column("lower", pl.Float64, "lower 95% limit over patients", True),
        Column("upper", pl.Float64, "upper 95% limit over patients", True),
        Column("p", pl.Float64, "two-sided, signs changed patient by patient", True, 0, 1),
    ),
    key=(
        "archive",
        "finding",
        "truth",
        "measure",
        "run_id",
        "method",
        "other_run_id",
        "other_method",
    ),
)
