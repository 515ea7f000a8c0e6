"""Curves with all their replicates as a table."""

from __future__ import annotations

import numpy as np
import polars as pl

from examwise.core.schemas.budget_curves import CURVE_REPLICATES
from examwise.core.schemas.study import LABEL_FREE
from examwise.evaluation.budget_replicates import BudgetReplicates, LearnerCurve


def curve_replicates(replicates: BudgetReplicates) -> pl.DataFrame:
    """Return mean AUC and mean costs of every curve over labels in every replicate.

    Args:
        replicates: From :func:`examwise.evaluation.budget_replicates.budget_replicates`.

    Returns:
        ``CURVE_REPLICATES``; replicate 0 is the study itself.
    """
    tables = [
        _of_curve(replicates, curve)
        for key, curve in replicates.curves.items()
        if key.mode != LABEL_FREE
    ]
    return pl.concat([CURVE_REPLICATES.frame([]), *tables])


def _of_curve(replicates: BudgetReplicates, curve: LearnerCurve) -> pl.DataFrame:
    aucs = np.vstack([curve.mean_auc, curve.auc_replicates])
    n, n_budgets = aucs.shape
    costs = {
        unit: np.vstack([means, curve.cost_replicates[unit]]).T.ravel()
        for unit, means in curve.mean_costs.items()
    }
    about = {
        "archive": replicates.test_set.archive,
        **curve.key._asdict(),
        "finding": replicates.finding,
    }
    names = [pl.lit(value).alias(name) for name, value in about.items()]
    table = pl.DataFrame(
        {
            "budget": np.repeat(curve.budgets, n),
            "replicate": np.tile(np.arange(n), n_budgets),
            "labels": costs["labels"],
            "actions": costs["actions"],
            "hours": costs.get("hours", [None] * (n * n_budgets)),
            "auc": pl.Series(aucs.T.ravel()).fill_nan(None),
        }
    ).with_columns(names)
    typed = [pl.col(column.name).cast(column.dtype) for column in CURVE_REPLICATES.columns]
    return CURVE_REPLICATES.validate(table.select(typed))
