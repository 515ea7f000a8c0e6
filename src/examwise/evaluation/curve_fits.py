"""Families of learning curves fitted to a study's curves, and compared on larger budgets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.core.errors import InputError
from examwise.core.schemas.budget_curves import CURVE_FITS, CURVE_REPLICATES
from examwise.core.schemas.study import LABEL_FREE
from examwise.metrics.learning_curves.comparison import FamilyScores, compare_families
from examwise.metrics.learning_curves.families import LAST_VALUE

Floats = npt.NDArray[np.float64]

FEWEST_BUDGETS = 2
"""A single budget says nothing of a curve's course."""

FEWEST_REPLICATES = 2
"""Fewer have no spread."""


class CurveName(NamedTuple):
    """Which curve.

    Attributes:
        archive: Archive of the test exams.
        learner: Learner's name.
        mode: What the runs are for.
        acquisition: How labels were drawn.
        finding: What is found.
    """

    archive: str
    learner: str
    mode: str
    acquisition: str
    finding: str


@dataclass(frozen=True)
class FittedCurve:
    """One curve of a study and how its families compare; all that a forecast needs.

    Attributes:
        name: Which curve.
        budgets: Budgets with a value, rising, shape (budgets,).
        labels: Labels bought, mean over repeats, rising, shape (budgets,).
        actions: Reader actions, mean, shape (budgets,).
        hours: Reader hours, mean, shape (budgets,); None without costs.
        auc: Mean exam AUC in the study itself, shape (budgets,).
        replicates: The same in each bootstrap replicate, in the order of their numbers, NaN where a
            class or all repeats are absent, shape (replicates, budgets).
        scores: How the families compare.
        seed: Seed of what forecasts draw.
    """

    name: CurveName
    budgets: npt.NDArray[np.int64]
    labels: Floats
    actions: Floats
    hours: Floats | None
    auc: Floats
    replicates: Floats
    scores: FamilyScores
    seed: int


@dataclass(frozen=True)
class FittedCurves:
    """The fitted curves of a study.

    Attributes:
        curves: Each by its name; those with fewer than two budgets, or replicates that have two,
            are absent.
        table: ``CURVE_FITS``.
    """

    curves: Mapping[CurveName, FittedCurve]
    table: pl.DataFrame


def fit_curves(replicates: pl.DataFrame, *, seed: int = 0) -> FittedCurves:
    """Fit every family to every curve that has two budgets or more.

    Which family to trust is asked of the curve itself: each is fitted to its smaller budgets and
    judged on the larger ones that were held out (:func:`compare_families`). Runs without labels
    make no curve.

    Args:
        replicates: ``CURVE_REPLICATES``.
        seed: Seed of what forecasts draw.

    Raises:
        InputError: If replicate 0, the study itself, is missing, or replicates differ between the
            budgets of a curve.
    """
    CURVE_REPLICATES.validate(replicates)
    with_labels = replicates.filter(pl.col("mode") != LABEL_FREE)
    curves: dict[CurveName, FittedCurve] = {}
    for values, own in with_labels.sort(*CURVE_REPLICATES.key).group_by(
        CurveName._fields, maintain_order=True
    ):
        name = CurveName(*(str(value) for value in values))
        curve = _fitted(name, own, seed)
        if curve is not None:
            curves[name] = curve
    rows = [row for curve in curves.values() for row in _rows(curve)]
    return FittedCurves(curves, CURVE_FITS.frame(rows))


def _fitted(name: CurveName, rows: pl.DataFrame, seed: int) -> FittedCurve | None:
    """Arrange a curve's rows, sorted by budget and replicate, and compare its families."""
    budgets = rows["budget"].unique(maintain_order=True).to_numpy()
    numbers = rows["replicate"].unique().sort().to_numpy()
    expected = np.tile(numbers, len(budgets))
    if numbers[0] != 0 or not np.array_equal(expected, rows["replicate"].to_numpy()):
        raise InputError(
            where=f"{CURVE_REPLICATES.file}, learner {name.learner}",
            expected="replicate 0 and the same replicates for each budget of a curve",
            got="others",
            remedy="evaluate the study anew",
        )

    def grid(column: str) -> Floats:
        values = rows[column].cast(pl.Float64).fill_null(np.nan).to_numpy()
        return values.reshape(len(budgets), len(numbers)).T

    auc, labels, hours = grid("auc"), grid("labels"), grid("hours")
    # Budgets that bought the same labels, since an archive had no more, are one.
    most_before = np.maximum.accumulate(np.r_[0.0, labels[0, :-1]])
    usable = np.isfinite(auc[0]) & (labels[0] > most_before)
    seen = np.isfinite(auc[1:, usable]).sum(axis=1) >= FEWEST_BUDGETS
    if usable.sum() < FEWEST_BUDGETS or seen.sum() < FEWEST_REPLICATES:
        return None
    return FittedCurve(
        name=name,
        budgets=budgets[usable].astype(np.int64),
        labels=labels[0, usable],
        actions=grid("actions")[0, usable],
        hours=hours[0, usable] if np.isfinite(hours[0, usable]).all() else None,
        auc=auc[0, usable],
        replicates=auc[1:, usable],
        scores=compare_families(labels[0, usable], auc[0, usable], auc[1:, usable]),
        seed=seed,
    )


def _rows(curve: FittedCurve) -> list[dict[str, object]]:
    scores = curve.scores
    return [
        {
            **curve.name._asdict(),
            "family": family,
            "n_budgets": len(curve.budgets),
            "asymptote": None if family == LAST_VALUE else scores.asymptotes[family],
            "fit_error": scores.fit_errors[family],
            "held_out_error": scores.held_out_errors.get(family),
            "weight": scores.weights[family],
        }
        for family in scores.weights
    ]
