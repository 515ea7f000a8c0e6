"""Everything that follows learners over their budgets at one site, as tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

from examwise.core.analysis_protocol import RatioClaim
from examwise.core.schemas.budget_curves import (
    CURVE_FITS,
    CURVE_FORECAST,
    CURVE_REPLICATES,
    METRIC_CURVE,
    PLATEAUS,
    RATIO_CLAIMS,
)
from examwise.core.schemas.evaluation import BUDGET_CURVE, RATIOS
from examwise.evaluation.budget_curve import budget_curve
from examwise.evaluation.budget_replicates import BudgetReplicates
from examwise.evaluation.curve_fits import fit_curves
from examwise.evaluation.curve_forecast import forecast
from examwise.evaluation.curve_replicates import curve_replicates
from examwise.evaluation.label_ratio import label_ratios
from examwise.evaluation.plateaus import plateaus
from examwise.evaluation.ratio_claims import ratio_claims
from examwise.evaluation.study_sites import JudgedSite

BUDGET_TABLES = (
    BUDGET_CURVE,
    RATIOS,
    RATIO_CLAIMS,
    PLATEAUS,
    CURVE_REPLICATES,
    CURVE_FITS,
    CURVE_FORECAST,
    METRIC_CURVE,
)

MetricFollower = Callable[[JudgedSite, pl.DataFrame], pl.DataFrame]
"""Makes ``METRIC_CURVE`` of a site and its ``BUDGET_CURVE``."""


def budget_tables(
    replicates: BudgetReplicates,
    site: JudgedSite,
    *,
    target_auc: float,
    strong: str,
    weak: str,
    claim: RatioClaim | None,
    seed: int,
    follow: MetricFollower | None = None,
) -> dict[str, pl.DataFrame]:
    """Return file to rows for one site.

    Args:
        replicates: Its curves.
        site: What all runs come to there.
        target_auc: AUC at which needs of labels are compared.
        strong: Learner trained on slice labels.
        weak: Learner trained on exam labels.
        claim: Which ratios are tested; none if None.
        seed: Seed of what forecasts draw.
        follow: Follows other metrics than exams' AUC; nothing does if None.
    """
    curve = budget_curve(replicates)
    drawn = curve_replicates(replicates)
    fitted = fit_curves(drawn, seed=seed)
    tables: Mapping[str, pl.DataFrame] = {
        BUDGET_CURVE.file: curve,
        RATIOS.file: label_ratios(replicates, target_auc=target_auc, strong=strong, weak=weak),
        RATIO_CLAIMS.file: RATIO_CLAIMS.frame([])
        if claim is None
        else ratio_claims(replicates, claim, strong=strong, weak=weak),
        PLATEAUS.file: plateaus(replicates, margin=None if claim is None else claim.margin),
        CURVE_REPLICATES.file: drawn,
        CURVE_FITS.file: fitted.table,
        CURVE_FORECAST.file: forecast(fitted),
        METRIC_CURVE.file: METRIC_CURVE.frame([]) if follow is None else follow(site, curve),
    }
    return dict(tables)


def no_budget_tables() -> dict[str, pl.DataFrame]:
    """Return file to no rows, of a site that can judge nothing."""
    return {table.file: table.frame([]) for table in BUDGET_TABLES}
