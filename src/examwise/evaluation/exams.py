"""How well each run finds positive exams."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from examwise.core.errors import InputError
from examwise.core.schemas.evaluation import EXAM_METRICS
from examwise.core.schemas.predictions import THRESHOLDS
from examwise.evaluation.auc_estimate import (
    analytic_interval,
    auc_with_interval,
    average_precision_with_interval,
)
from examwise.metrics.thresholds import operating_point


def exam_metrics(
    predictions: pl.DataFrame,
    thresholds: Mapping[str, Mapping[str, float]],
    *,
    n_replicates: int,
    seed: int,
) -> pl.DataFrame:
    """Return areas with 95% intervals, sensitivity and specificity, by run, archive and finding.

    The AUC has two intervals, by patient bootstrap and by its variance; the average precision one,
    by the same bootstrap. Both rank by ``exam_logit``, which keeps apart what the sigmoid rounds
    to 1; the threshold applies to ``exam_probability``. Exams without a label don't count.

    Args:
        predictions: ``PREDICTED_EXAMS`` of one or more runs.
        thresholds: Run to finding to threshold on the exam probability.
        n_replicates: Bootstrap samples of patients.
        seed: Seed of the bootstrap.

    Returns:
        ``EXAM_METRICS``.

    Raises:
        InputError: If a run has no threshold for a finding it predicts.
    """
    rows: list[dict[str, Any]] = []
    groups = predictions.sort("exam_id").partition_by(
        "run_id", "archive", "finding", as_dict=True, include_key=True
    )
    for (run_id, archive, finding), group in sorted(groups.items(), key=lambda item: item[0]):
        labelled = group.drop_nulls("exam_label")
        labels = labelled["exam_label"].to_numpy()
        threshold = thresholds.get(run_id, {}).get(finding)
        if threshold is None:
            raise InputError(
                where=f"{THRESHOLDS} of run {run_id}",
                expected=f"a threshold for {finding}",
                got="none",
                remedy="add one fitted on validation exams, or a fixed one",
            )
        point = operating_point(labels, labelled["exam_probability"].to_numpy(), threshold)
        rows.append(
            {
                "run_id": run_id,
                "learner": group["learner"][0],
                "archive": archive,
                "finding": finding,
                "n_patients": labelled["patient_key"].n_unique(),
                "n_exams": labelled.height,
                "n_positive": int(labels.sum()),
                **auc_with_interval(
                    labelled,
                    label="exam_label",
                    score="exam_logit",
                    archive=archive,
                    n_replicates=n_replicates,
                    seed=seed,
                ),
                **analytic_interval(labelled, label="exam_label", score="exam_logit"),
                **average_precision_with_interval(
                    labelled,
                    label="exam_label",
                    score="exam_logit",
                    archive=archive,
                    n_replicates=n_replicates,
                    seed=seed,
                ),
                "threshold": float(threshold),
                "sensitivity": point.sensitivity,
                "specificity": point.specificity,
            }
        )
    return EXAM_METRICS.frame(rows)
