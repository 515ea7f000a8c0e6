from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.core.errors import InputError
from examwise.core.schemas.budget_curves import CURVE_FORECAST, CURVE_REPLICATES
from examwise.evaluation.curve_fits import CurveName, FittedCurves, fit_curves
from examwise.evaluation.curve_forecast import cost_at, forecast, predict

BUDGETS = np.array([12.0, 60.0, 300.0, 1500.0])


def truth(labels: np.ndarray) -> np.ndarray:
    return 0.88 - 0.25 * (labels / 12) ** -0.45


def fitted(seed: int = 0, *, hours: bool = True, archive: str = "a") -> FittedCurves:
    draw = np.random.default_rng(2)
    chance = draw.normal(0, 0.01, (200, 1)) + draw.normal(0, 0.006, (200, 4))
    auc = np.vstack([truth(BUDGETS), truth(BUDGETS) + chance])
    n = len(auc)
    labels = np.repeat(BUDGETS, n)
    return fit_curves(
        CURVE_REPLICATES.frame(
            {
                "archive": [archive] * auc.size,
                "learner": ["strong"] * auc.size,
                "mode": ["budgeted"] * auc.size,
                "acquisition": ["spread"] * auc.size,
                "finding": ["any"] * auc.size,
                "budget": labels.astype(int).tolist(),
                "replicate": list(range(n)) * 4,
                "labels": labels.tolist(),
                "actions": (labels * 1.5).tolist(),
                "hours": (labels / 50).tolist() if hours else [None] * auc.size,
                "auc": auc.T.ravel().tolist(),
            }
        ),
        seed=seed,
    )


FITTED = fitted()
CURVE = FITTED.curves[CurveName("a", "strong", "budgeted", "spread", "any")]


def test_forecast_from_the_smallest_budget_to_ten_times_the_largest() -> None:
    table = forecast(FITTED)
    CURVE_FORECAST.validate(table)
    assert table["labels"].min() == 12
    assert table["labels"].max() == pytest.approx(15_000)
    assert set(BUDGETS) <= set(table["labels"])
    assert table["is_extrapolated"].to_list() == (table["labels"] > 1500).to_list()
    assert (table["lower"] <= table["auc"]).all()
    assert (table["auc"] <= table["upper"]).all()
    true = truth(table["labels"].to_numpy())
    assert (table["lower"].to_numpy() <= true).all()
    assert (true <= table["upper"].to_numpy()).all()
    assert table["actions"].to_numpy() == pytest.approx(1.5 * table["labels"].to_numpy())
    assert table["hours"].to_numpy() == pytest.approx(table["labels"].to_numpy() / 50)


def test_intervals_widen_beyond_the_budgets() -> None:
    table = forecast(FITTED, [1500, 3000, 6000, 15_000, 150_000])
    width = (table["upper"] - table["lower"]).to_list()
    assert width == sorted(width)
    assert width[-1] > 1.5 * width[0]


def test_amounts_as_asked_for_and_hours_only_with_costs() -> None:
    table = forecast(fitted(hours=False), [600, 6, 600])
    assert table["labels"].to_list() == [6, 600]
    assert table["is_extrapolated"].to_list() == [True, False]
    assert table["hours"].is_null().all()


def test_predict_draws_a_row_for_each_replicate() -> None:
    drawn = predict(CURVE, [100, 5000])
    assert drawn.shape == (200, 2)
    assert predict(CURVE, 5000).shape == (200, 1)
    assert np.array_equal(predict(CURVE, 5000)[:, 0], drawn[:, 1])
    table = forecast(FITTED, [100, 5000])
    assert table["auc"].to_numpy() == pytest.approx(drawn.mean(axis=0))


def test_draws_are_a_function_of_seed_and_curve() -> None:
    name = CURVE.name
    assert np.array_equal(predict(fitted(0).curves[name], 5000), predict(CURVE, 5000))
    assert not np.array_equal(predict(fitted(1).curves[name], 5000), predict(CURVE, 5000))
    other = fitted(archive="b").curves[name._replace(archive="b")]
    assert not np.array_equal(predict(other, 5000), predict(CURVE, 5000))


@pytest.mark.parametrize("labels", [0, -1, np.nan, np.inf, [[10.0]]])
def test_refuses_what_is_no_number_of_labels(labels) -> None:
    with pytest.raises(InputError, match="numbers above 0"):
        predict(CURVE, labels)


def test_without_curves_there_is_no_forecast() -> None:
    table = forecast(FittedCurves({}, FITTED.table.clear()))
    assert table.is_empty()
    assert table.columns == CURVE_FORECAST.names
    assert isinstance(table, pl.DataFrame)


@given(st.floats(1, 1e6), st.floats(1, 1e6))
@settings(deadline=None, max_examples=50)
def test_costs_stay_between_the_costs_of_one_label(first, second) -> None:
    each = np.array([3.0, 2.5, 2.0, 1.0])
    costs = cost_at(BUDGETS, each * BUDGETS, np.array([first, second]))
    assert (costs >= np.array([first, second]) * 0.999).all()
    assert (costs <= np.array([first, second]) * 3.001).all()
    assert cost_at(BUDGETS, each * BUDGETS, BUDGETS) == pytest.approx(each * BUDGETS)
