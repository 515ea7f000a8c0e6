"""Whether more labels still help."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from scipy.special import ndtri

from examwise.core.schemas.budget_curves import PLATEAUS
from examwise.core.schemas.study import LABEL_FREE
from examwise.evaluation.budget_replicates import BudgetReplicates, LearnerCurve
from examwise.evaluation.needed_amount import auc_at
from examwise.metrics.patient_bootstrap import replicate_error

_ONE_SIDED = 0.025


def plateaus(replicates: BudgetReplicates, *, margin: float | None = None) -> pl.DataFrame:
    """Return for every curve over labels what the last doubling of its budget won.

    A curve counts as flat where the one-sided upper 97.5% limit of that gain is below the margin.
    The AUC at half of the largest budget lies on the line between its neighbours, in the logarithm
    of labels; the curve is not made monotone here, which would let no gain be negative and so find
    some where there is none. Limits are by the replicates' standard error and the normal
    distribution.

    Args:
        replicates: From :func:`examwise.evaluation.budget_replicates.budget_replicates`.
        margin: AUC below which a gain counts as none; without it no curve counts as flat.

    Returns:
        ``PLATEAUS``; no gain where the smallest budget is more than half of the largest.
    """
    return PLATEAUS.frame(
        [
            plateau_row(replicates, curve, margin=margin)
            for key, curve in replicates.curves.items()
            if key.mode != LABEL_FREE
        ]
    )


def plateau_row(
    replicates: BudgetReplicates, curve: LearnerCurve, *, margin: float | None
) -> dict[str, Any]:
    """Return one curve's row of ``PLATEAUS``.

    Args:
        replicates: The study that it is of.
        curve: The curve.
        margin: AUC below which a gain counts as none.
    """
    labels = curve.mean_costs["labels"]
    half = float(labels[-1]) / 2
    row: dict[str, Any] = {
        "archive": replicates.test_set.archive,
        **curve.key._asdict(),
        "finding": replicates.finding,
        "budget": int(curve.budgets[-1]),
        "from_labels": half,
        "gain": None,
        "gain_upper": None,
        "margin": margin,
        "is_reached": False,
    }
    if labels[0] > half:
        return row
    aucs = np.vstack([curve.mean_auc, curve.auc_replicates])
    amounts = np.broadcast_to(labels, aucs.shape)
    gains = aucs[:, -1] - auc_at(aucs, amounts, np.full(len(aucs), half))
    row["gain"] = float(gains[0])
    error = replicate_error(gains[1:])
    if error is not None:
        row["gain_upper"] = row["gain"] + float(-ndtri(_ONE_SIDED)) * error
        row["is_reached"] = margin is not None and row["gain_upper"] < margin
    return row
