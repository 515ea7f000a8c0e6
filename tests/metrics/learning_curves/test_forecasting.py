from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.metrics.learning_curves.comparison import compare_families
from examwise.metrics.learning_curves.forecasting import forecast_draws

LABELS = np.geomspace(10, 10_000, 5)
CURVE = 0.9 - 0.3 * (LABELS / 10) ** -0.4


def draws(
    wanted: np.ndarray, *, curve: np.ndarray = CURVE, level: float = 0.02, form: float = 0.005
) -> np.ndarray:
    draw = np.random.default_rng(3)
    chance = draw.normal(0, level, (400, 1)) + draw.normal(0, form, (400, len(curve)))
    replicates = np.clip(curve + chance, 0, 1)
    scores = compare_families(LABELS, curve, replicates)
    return forecast_draws(LABELS, replicates, scores, wanted, generator=np.random.default_rng(5))


def test_holds_the_truth_and_widens_with_distance() -> None:
    wanted = 10_000 * np.array([1.0, 2.0, 4.0, 10.0, 100.0])
    drawn = draws(wanted, level=0.0)
    truth = 0.9 - 0.3 * (wanted / 10) ** -0.4
    lower, upper = np.percentile(drawn, (2.5, 97.5), axis=0)
    assert ((lower <= truth) & (truth <= upper)).all()
    assert (np.diff(upper - lower) > 0).all()


def test_at_the_budgets_the_spread_is_that_of_the_replicates() -> None:
    drawn = draws(LABELS)
    assert drawn.mean(axis=0) == pytest.approx(CURVE, abs=0.01)
    assert drawn.std(axis=0) == pytest.approx(np.full(5, 0.02), rel=0.25)


def test_between_budgets_wider_than_at_them() -> None:
    middle = np.sqrt(LABELS[2] * LABELS[3])
    drawn = draws(np.array([LABELS[2], middle, LABELS[3]]), level=0.0)
    spread = drawn.std(axis=0)
    assert spread[1] > spread[0]
    assert spread[1] > spread[2]


@given(st.lists(st.floats(1.0, 1e6), min_size=1, max_size=6), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=20)
def test_order_and_company_of_the_amounts_change_nothing(amounts, random) -> None:
    wanted = np.array(amounts)
    order = list(range(len(wanted)))
    random.shuffle(order)
    together = draws(wanted)
    assert np.array_equal(draws(wanted[order]), together[:, order])
    assert np.array_equal(draws(wanted[:1]), together[:, :1])
    assert (together >= 0).all()
    assert (together <= 1).all()


def test_more_labels_do_no_harm_beyond_the_budgets() -> None:
    last, beyond = draws(np.array([10_000.0, 80_000.0])).T
    assert (beyond >= last).all()
    first, before = draws(np.array([10.0, 3.0])).T
    assert (before <= first).all()


def test_pairs_with_the_replicates() -> None:
    draw = np.random.default_rng(3)
    levels = draw.normal(0, 0.03, (400, 1))
    replicates = CURVE + levels + draw.normal(0, 0.002, (400, 5))
    scores = compare_families(LABELS, CURVE, replicates)
    drawn = forecast_draws(
        LABELS, replicates, scores, np.array([1000.0]), generator=np.random.default_rng(5)
    )
    assert np.corrcoef(drawn[:, 0], levels[:, 0])[0, 1] > 0.95


def test_missing_values() -> None:
    replicates = np.tile(CURVE, (4, 1))
    replicates[1] = np.nan
    replicates[2, 1:] = np.nan
    replicates[3, 0] = np.nan
    scores = compare_families(LABELS, CURVE, replicates)
    drawn = forecast_draws(
        LABELS, replicates, scores, np.array([500.0, 50_000.0]), generator=np.random.default_rng(0)
    )
    assert np.isfinite(drawn).all(axis=1).tolist() == [True, False, False, True]
    assert np.isnan(drawn[1:3]).all()
