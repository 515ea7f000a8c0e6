"""Tables of an evaluation directory that say how sure its figures are, exam by exam."""

from __future__ import annotations

import polars as pl

from examwise.core.schemas.evaluation import VARIANCES
from examwise.core.schemas.shares import share, share_with_limits
from examwise.core.tables import Column, TableSchema

_RUN = (
    Column("run_id", pl.String, "run"),
    Column("learner", pl.String, "learner's name"),
    Column("archive", pl.String, "archive"),
    Column("finding", pl.String, "finding"),
)
_COUNTS = (
    Column("n_patients", pl.Int32, "patients with a label", minimum=0),
    Column("n_exams", pl.Int32, "exams with a label", minimum=0),
    Column("n_positive", pl.Int32, "positive ones", minimum=0),
)
_RUN_KEY = ("run_id", "archive", "finding")


CURVE_BANDS = TableSchema(
    "curve_bands.parquet",
    (
        *_RUN,
        Column("curve", pl.String, "which curve", allowed=("roc", "precision_recall")),
        Column("x", pl.Float64, "1 - specificity, or recall", minimum=0, maximum=1),
        Column("y", pl.Float64, "sensitivity, or precision", minimum=0, maximum=1),
        Column("lower", pl.Float64, "95% limit at this x alone", minimum=0, maximum=1),
        Column("upper", pl.Float64, "95% limit at this x alone", minimum=0, maximum=1),
        Column("band_lower", pl.Float64, "95% band of the whole curve", minimum=0, maximum=1),
        Column("band_upper", pl.Float64, "95% band of the whole curve", minimum=0, maximum=1),
    ),
    key=(*_RUN_KEY, "curve", "x"),
)
"""Vertical bands by patient bootstrap on a grid of x; no rows where a curve is undefined."""

OPERATING_RULES = (
    "run",
    "youden",
    "closest_to_corner",
    "sensitivity",
    "youden_on_test",
    "closest_to_corner_on_test",
)
"""How a threshold was chosen: as the run did; on validation by name; or, as published, on the test
exams themselves, which flatters."""

FITTED_ON = (
    "validation",
    "validation slices",
    "fixed",
    "mean of models",
    "not on record",
    "test",
)
"""Whose labels chose a threshold; a mean of several models' is fitted to none."""

OPERATING_POINTS = TableSchema(
    "operating_points.parquet",
    (
        *_RUN,
        Column("rule", pl.String, "how the threshold was chosen", allowed=OPERATING_RULES),
        share("wanted_sensitivity", "of the rule 'sensitivity'"),
        Column(
            "fitted_on",
            pl.String,
            "whose labels chose it",
            allowed=FITTED_ON,
        ),
        Column("threshold", pl.Float64, "positive from here on", minimum=0, maximum=1),
        *_COUNTS,
        *share_with_limits("sensitivity", "share of positives found"),
        *share_with_limits("specificity", "share of negatives let pass"),
        *share_with_limits("positive_predictive_value", "share of true ones among the called"),
        *share_with_limits("negative_predictive_value", "share of true ones among the others"),
        *share_with_limits("ppv_at_05", "positive predictive value at a prevalence of 5%"),
        *share_with_limits("npv_at_05", "negative predictive value at a prevalence of 5%"),
        *share_with_limits("ppv_at_10", "positive predictive value at a prevalence of 10%"),
        *share_with_limits("npv_at_10", "negative predictive value at a prevalence of 10%"),
    ),
    key=(*_RUN_KEY, "rule"),
)

CALIBRATION = TableSchema(
    "calibration.parquet",
    (
        *_RUN,
        Column("probability", pl.String, "which one", allowed=("raw", "calibrated")),
        *_COUNTS,
        *share_with_limits("brier", "mean squared distance of probability and label"),
        share("brier_of_prevalence", "the same of everybody's probability alike"),
        *share_with_limits("expected_calibration_error", "ten equal bins"),
        Column("slope", pl.Float64, "of the logit; 1: as spread as it should be", True),
        Column("slope_lower", pl.Float64, "lower 95% limit", True),
        Column("slope_upper", pl.Float64, "upper 95% limit", True),
        Column("intercept", pl.Float64, "with slope 1; 0: right on the whole", True),
        Column("intercept_lower", pl.Float64, "lower 95% limit", True),
        Column("intercept_upper", pl.Float64, "upper 95% limit", True),
    ),
    key=(*_RUN_KEY, "probability"),
)

CALIBRATION_POINTS = TableSchema(
    "calibration_points.parquet",
    (
        *_RUN,
        Column("probability", pl.String, "which one", allowed=("raw", "calibrated")),
        Column("bin", pl.Int32, "0 is the lowest of ten", minimum=0, maximum=9),
        Column("n_exams", pl.Int32, "exams in the bin", minimum=1),
        Column("mean_probability", pl.Float64, "of the bin", minimum=0, maximum=1),
        *share_with_limits("positive_fraction", "of the bin"),
    ),
    key=(*_RUN_KEY, "probability", "bin"),
)

SUBGROUP_TRAITS = ("kind", "size", "thickness", "scanner")

SUBGROUPS = TableSchema(
    "subgroups.parquet",
    (
        *_RUN,
        Column("trait", pl.String, "what the groups differ in", allowed=SUBGROUP_TRAITS),
        Column("group", pl.String, "which of them"),
        Column("position", pl.Int32, "order of the groups", minimum=0),
        *_COUNTS,
        *share_with_limits("auc", "area under the ROC curve"),
        *share_with_limits("sensitivity", "at the run's threshold"),
        *share_with_limits("specificity", "at the run's threshold"),
    ),
    key=(*_RUN_KEY, "trait", "group"),
)
"""Of kinds and sizes of bleeds the group's positive exams stand against all negative ones."""

UNCERTAIN_EXAMS = TableSchema(
    "uncertain_exams.parquet",
    (
        *_RUN,
        Column("case", pl.String, "what they are taken for", allowed=("left_out", "best", "worst")),
        Column("n_uncertain", pl.Int32, "exams without a label, or left out", minimum=0),
        Column("n_without_score", pl.Int32, "of these, never predicted", minimum=0),
        *_COUNTS,
        share("auc", "area under the ROC curve"),
        share("sensitivity", "at the run's threshold"),
        share("specificity", "at the run's threshold"),
    ),
    key=(*_RUN_KEY, "case"),
)

COMPARISONS = TableSchema(
    "comparisons.parquet",
    (
        Column("archive", pl.String, "archive"),
        Column("finding", pl.String, "finding"),
        Column("run_id", pl.String, "the one run"),
        Column("learner", pl.String, "its learner"),
        Column("other_run_id", pl.String, "the other run"),
        Column("other_learner", pl.String, "its learner"),
        *_COUNTS,
        Column("n_left_out", pl.Int32, "labelled exams that only one predicted", minimum=0),
        share("auc", "of the one"),
        share("other_auc", "of the other"),
        Column("difference", pl.Float64, "of the one less the other", True, -1, 1),
        Column("standard_error", pl.Float64, "of the difference", True, 0),
        Column("lower", pl.Float64, "lower 95% limit by the variance", True, -1, 1),
        Column("upper", pl.Float64, "upper 95% limit by the variance", True, -1, 1),
        Column("variance", pl.String, "which variance", allowed=VARIANCES),
        Column("bootstrap_lower", pl.Float64, "lower 95% limit over patients", True, -1, 1),
        Column("bootstrap_upper", pl.Float64, "upper 95% limit over patients", True, -1, 1),
        Column("band_lower", pl.Float64, "95% over all comparisons together", True, -1, 1),
        Column("band_upper", pl.Float64, "95% over all comparisons together", True, -1, 1),
        share("p_equal_areas", "two-sided, by the variance"),
        share("p_equal_curves", "two-sided, by permutation of ranks within patients"),
        Column("n_permutations", pl.Int32, "behind it", minimum=0),
    ),
    key=("archive", "finding", "run_id", "other_run_id"),
)

VERDICTS = ("non_inferior", "not_shown", "not_tested", "undefined")

NON_INFERIORITY = TableSchema(
    "non_inferiority.parquet",
    (
        Column("step", pl.Int32, "order of the tests, from 1", minimum=1),
        Column("archive", pl.String, "archive"),
        Column("finding", pl.String, "finding"),
        Column("run_id", pl.String, "run that is to be no worse"),
        Column("reference_run_id", pl.String, "than this one"),
        Column("margin", pl.Float64, "AUC that it may be lower by", minimum=0, maximum=1),
        Column("is_frozen", pl.Boolean, "whether the margin was on record before training"),
        *_COUNTS,
        Column("difference", pl.Float64, "of the AUCs", True, -1, 1),
        Column("lower", pl.Float64, "one-sided 97.5% limit of it", True, -1, 1),
        share("p", "one-sided"),
        share("power", "of this test, were both equally good"),
        Column("verdict", pl.String, "what follows", allowed=VERDICTS),
    ),
    key=("archive", "finding", "run_id", "reference_run_id"),
)
"""In fixed order: a later archive is tested only after the first has been shown."""

FLOW = TableSchema(
    "flow.parquet",
    (
        Column("archive", pl.String, "archive"),
        Column("position", pl.Int32, "order of the steps", minimum=0),
        Column("unit", pl.String, "what is counted", allowed=("files", "series", "exams")),
        Column("what", pl.String, "where they are in the flow"),
        Column("reason", pl.String, "why they left it; empty: they did not"),
        Column("n", pl.Int32, "how many", minimum=0),
        Column("n_patients", pl.Int32, "their patients, where known", True, minimum=0),
    ),
    key=("archive", "position"),
)
"""From the files of a source to the exams that were judged."""
