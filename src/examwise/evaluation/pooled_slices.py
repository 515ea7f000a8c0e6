"""Exams scored by the mean and by the maximum of their slices, beside what the run says of them."""

from __future__ import annotations

from typing import Any

import polars as pl

from examwise.core.schemas.slice_evidence import POOLED_SLICES
from examwise.metrics.auc_variance import (
    AucEstimates,
    auc_difference,
    auc_estimates,
    auc_interval,
)

_POOLINGS = {"mean": pl.col("slice_logit").mean(), "max": pl.col("slice_logit").max()}

_AREAS = ("auc", "auc_lower", "auc_upper", "own_auc", "difference", "lower", "upper", "p")


def pooled_slices(slices: pl.DataFrame, exams: pl.DataFrame) -> pl.DataFrame:
    """Return the AUCs of exams whose slices are pooled plainly, with no pooling learned.

    Logits are pooled: their mean is what the linear classifier says of the mean embedding. Against
    the run's own exam logit on the same exams, a patient's together.

    Args:
        slices: ``PREDICTED_SLICES`` of one or more runs.
        exams: ``PREDICTED_EXAMS`` of the same runs; those without a slice don't count.

    Returns:
        ``POOLED_SLICES``.

    Example:
        >>> from examwise.core.schemas.predictions import PREDICTED_EXAMS, PREDICTED_SLICES
        >>> pooled_slices(PREDICTED_SLICES.frame([]), PREDICTED_EXAMS.frame([])).height
        0
    """
    key = ["run_id", "exam_id", "finding"]
    pooled = slices.group_by(key).agg(**_POOLINGS)
    labelled = exams.drop_nulls("exam_label").join(pooled, on=key, how="inner")
    groups = labelled.sort("exam_id").partition_by(
        "run_id", "archive", "finding", as_dict=True, include_key=True
    )
    rows: list[dict[str, Any]] = []
    for (run_id, archive, finding), group in sorted(groups.items(), key=lambda item: item[0]):
        shared = {
            "run_id": run_id,
            "learner": group["learner"][0],
            "archive": archive,
            "finding": finding,
            "n_patients": group["patient_key"].n_unique(),
            "n_exams": group.height,
            "n_positive": int(group["exam_label"].sum()),
        }
        scores = group.select(*_POOLINGS, "exam_logit").to_numpy().T
        patients = group["patient_key"].to_numpy()
        estimates = auc_estimates(group["exam_label"].to_numpy(), scores, patients)
        for place, pooling in enumerate(_POOLINGS):
            rows.append({**shared, "pooling": pooling, **_areas(estimates, place)})
    return POOLED_SLICES.frame(rows)


def _areas(estimates: AucEstimates | None, place: int) -> dict[str, float | None]:
    if estimates is None:
        return dict.fromkeys(_AREAS)
    own = len(estimates.aucs) - 1
    lower, upper = auc_interval(estimates, place)
    difference = auc_difference(estimates, own, place)
    return {
        "auc": float(estimates.aucs[place]),
        "auc_lower": lower,
        "auc_upper": upper,
        "own_auc": float(estimates.aucs[own]),
        "difference": difference.difference,
        "lower": difference.lower,
        "upper": difference.upper,
        "p": difference.p,
    }
