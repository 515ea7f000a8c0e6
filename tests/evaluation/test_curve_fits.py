from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from examwise.core.errors import InputError
from examwise.core.schemas.budget_curves import CURVE_FITS, CURVE_REPLICATES
from examwise.evaluation.curve_fits import CurveName, fit_curves
from examwise.metrics.learning_curves.families import FAMILIES, LAST_VALUE

BUDGETS = (10, 40, 160, 640)


def table(
    *,
    learner: str = "weak",
    mode: str = "budgeted",
    acquisition: str = "exam",
    archive: str = "a",
    budgets: tuple[int, ...] = BUDGETS,
    labels: tuple[float, ...] | None = None,
    n_replicates: int = 60,
    hours: bool = True,
) -> pl.DataFrame:
    m = np.array(budgets, dtype=float)
    draw = np.random.default_rng(0)
    curve = 0.9 - 0.3 * (np.maximum(m, 10) / 10) ** -0.5
    chance = draw.normal(0, 0.02, (n_replicates, 1)) + draw.normal(0, 0.01, (n_replicates, len(m)))
    auc = np.vstack([curve, np.clip(curve + chance, 0, 1)])
    n = len(auc)
    bought = np.repeat(m if labels is None else np.array(labels), n)
    return CURVE_REPLICATES.frame(
        {
            "archive": [archive] * auc.size,
            "learner": [learner] * auc.size,
            "mode": [mode] * auc.size,
            "acquisition": [acquisition] * auc.size,
            "finding": ["any"] * auc.size,
            "budget": [int(budget) for budget in budgets for _ in range(n)],
            "replicate": list(range(n)) * len(budgets),
            "labels": bought.tolist(),
            "actions": (2 * bought).tolist(),
            "hours": (bought / 100).tolist() if hours else [None] * auc.size,
            "auc": auc.T.ravel().tolist(),
        }
    )


WEAK = CurveName("a", "weak", "budgeted", "exam", "any")


def test_every_family_of_every_curve_has_a_row() -> None:
    both = pl.concat([table(), table(learner="strong", acquisition="spread", budgets=(12, 100))])
    fitted = fit_curves(both)
    CURVE_FITS.validate(fitted.table)
    assert fitted.table.height == 2 * (len(FAMILIES) + 1)
    of_weak = fitted.table.filter(pl.col("learner") == "weak")
    assert of_weak["weight"].sum() == pytest.approx(1)
    assert set(of_weak["n_budgets"]) == {4}
    by_family = {row["family"]: row for row in of_weak.iter_rows(named=True)}
    assert by_family["power"]["asymptote"] == pytest.approx(0.9, abs=0.02)
    assert by_family["power"]["held_out_error"] < by_family[LAST_VALUE]["held_out_error"]
    assert by_family[LAST_VALUE]["asymptote"] is None
    # Of two budgets none can be held out.
    of_strong = fitted.table.filter(pl.col("learner") == "strong")
    assert of_strong["held_out_error"].is_null().all()


def test_a_curve_holds_what_the_table_says() -> None:
    replicates = table()
    curve = fit_curves(replicates.sample(fraction=1.0, shuffle=True, seed=1)).curves[WEAK]
    assert curve.budgets.tolist() == list(BUDGETS)
    assert curve.labels.tolist() == list(BUDGETS)
    assert curve.actions.tolist() == [20, 80, 320, 1280]
    assert curve.hours is not None
    assert curve.hours.tolist() == [0.1, 0.4, 1.6, 6.4]
    own = replicates.filter(pl.col("budget") == 40).sort("replicate")["auc"].to_numpy()
    assert curve.auc[1] == own[0]
    assert np.array_equal(curve.replicates[:, 1], own[1:])


@pytest.mark.parametrize(
    "replicates",
    [
        table(mode="label_free", acquisition="none", budgets=(0,)),
        table(budgets=(10,)),
        table(n_replicates=1),
        table(budgets=(10, 40), labels=(10.0, 10.0)),
    ],
    ids=["no labels", "one budget", "one replicate", "an archive without more labels"],
)
def test_what_makes_no_curve_is_left_out(replicates) -> None:
    fitted = fit_curves(replicates)
    assert fitted.curves == {}
    assert fitted.table.is_empty()
    assert fitted.table.columns == CURVE_FITS.names


def test_missing_hours_and_missing_aucs() -> None:
    replicates = table(hours=False).with_columns(
        auc=pl.when((pl.col("replicate") == 5) | (pl.col("budget") == 640))
        .then(None)
        .otherwise("auc")
    )
    curve = fit_curves(replicates).curves[WEAK]
    assert curve.hours is None
    assert curve.budgets.tolist() == [10, 40, 160]
    assert np.isnan(curve.replicates[4]).all()


@pytest.mark.parametrize(
    "condition",
    [pl.col("replicate") > 0, (pl.col("replicate") != 7) | (pl.col("budget") != 40)],
    ids=["no study", "a budget without a replicate"],
)
def test_incomplete_tables_are_refused(condition) -> None:
    with pytest.raises(InputError, match="replicate 0 and the same replicates"):
        fit_curves(table().filter(condition))
