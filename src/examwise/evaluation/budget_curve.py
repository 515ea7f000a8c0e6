"""The budget curve as a table."""

from __future__ import annotations

import math
from typing import Any

import polars as pl

from examwise.core.schemas.evaluation import BUDGET_CURVE
from examwise.evaluation.budget_replicates import BudgetReplicates
from examwise.metrics.patient_bootstrap import percentile_interval


def budget_curve(replicates: BudgetReplicates) -> pl.DataFrame:
    """Return mean cost and mean AUC with 95% interval by curve and budget.

    The interval covers the chance of the test patients and of the repeats; with a single repeat,
    or without labels, of the patients alone. Where ``is_conditional``, repeats share more than half
    of their labels, and it holds for draws from this pool of exams.

    Args:
        replicates: From :func:`examwise.evaluation.budget_replicates.budget_replicates`.

    Returns:
        ``BUDGET_CURVE``.
    """
    rows: list[dict[str, Any]] = []
    for key, curve in replicates.curves.items():
        hours = curve.mean_costs.get("hours")
        for column, budget in enumerate(curve.budgets.tolist()):
            share = float(curve.between_share[column])
            limits = percentile_interval(curve.auc_replicates[:, column])
            rows.append(
                {
                    "archive": replicates.test_set.archive,
                    **key._asdict(),
                    "finding": replicates.finding,
                    "label_kind": curve.label_kind,
                    "budget": budget,
                    "n_repeats": int(curve.n_repeats[column]),
                    "mean_exams_opened": float(curve.mean_exams_opened[column]),
                    "mean_reader_actions": float(curve.mean_costs["actions"][column]),
                    "mean_reader_hours": None if hours is None else float(hours[column]),
                    "mean_auc": float(curve.mean_auc[column]),
                    "auc_lower": limits.lower,
                    "auc_upper": limits.upper,
                    "between_share": None if math.isnan(share) else share,
                    "is_conditional": bool(curve.is_conditional[column]),
                }
            )
    return BUDGET_CURVE.frame(rows)
