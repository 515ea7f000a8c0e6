import math

import numpy as np
import pytest
import sklearn.isotonic
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.evaluation.needed_amount import (
    auc_at,
    monotone_curve,
    needed_amount,
    needed_amounts,
)

AMOUNTS = np.array([10.0, 100.0, 1000.0])

aucs = st.lists(st.floats(0, 1), min_size=1, max_size=8)


@settings(deadline=None, max_examples=50)
@given(aucs)
def test_fit_equals_scikit_learn(values):
    expected = sklearn.isotonic.isotonic_regression(values)
    np.testing.assert_allclose(monotone_curve(values), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("curve", "amount"),
    [
        ([0.6, 0.7, 0.9], 10**2.5),
        ([0.6, 0.8, 0.9], 100),
        ([0.7, 0.7, 0.9], 10**2.5),
        ([0.6, 0.9, 0.9], 10 ** (1 + 2 / 3)),
    ],
)
def test_interpolates_in_the_logarithm(curve, amount):
    found = needed_amount(np.array(curve), AMOUNTS, 0.8)
    assert found.low == found.high == pytest.approx(amount)
    assert found.reached
    assert not found.at_most


def test_nothing_is_extrapolated():
    above = needed_amount(np.array([0.8, 0.85, 0.9]), AMOUNTS, 0.8)
    assert (above.low, above.high, above.reached, above.at_most) == (0, 10, True, True)
    below = needed_amount(np.array([0.6, 0.7, 0.79]), AMOUNTS, 0.8)
    assert (below.low, below.high, below.reached, below.at_most) == (1000, math.inf, False, False)


def test_a_target_met_exactly_after_pooling_is_met():
    curve = monotone_curve([0.6, 0.8 + 1e-3, 0.8 - 1e-3])
    assert needed_amount(curve, AMOUNTS, 0.8).reached


def test_a_lucky_budget_does_not_count_alone():
    curve = monotone_curve([0.6, 0.82, 0.74])
    assert not needed_amount(curve, AMOUNTS, 0.8).reached


@settings(deadline=None, max_examples=50)
@given(aucs, st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_a_higher_target_never_needs_less(values, first, second):
    curve = monotone_curve(values)
    amounts = 10.0 * 2.0 ** np.arange(len(values))
    lower, higher = sorted((first, second))
    less, more = needed_amount(curve, amounts, lower), needed_amount(curve, amounts, higher)
    assert less.high <= more.high * (1 + 1e-9)
    assert less.low <= more.low * (1 + 1e-9)


def test_falling_mean_costs_are_read_as_flat():
    found = needed_amount(np.array([0.6, 0.9]), np.array([50.0, 40.0]), 0.8)
    assert found.high == pytest.approx(50)


def test_many_curves_are_fitted_and_read_as_one_by_one():
    draw = np.random.default_rng(0)
    values = draw.uniform(size=(60, 3))
    values[7, 1] = np.nan
    fitted = monotone_curve(values)
    found = needed_amounts(fitted, np.tile(AMOUNTS, (60, 1)), 0.6)
    for row, (own, ends) in enumerate(zip(values, found, strict=True)):
        if row == 7:
            assert np.isnan(fitted[row]).all()
            assert np.isnan(ends).all()
            continue
        np.testing.assert_allclose(fitted[row], monotone_curve(own))
        one = needed_amount(monotone_curve(own), AMOUNTS, 0.6)
        assert ends.tolist() == [one.low, one.high]


def test_reading_a_curve_is_linear_in_the_logarithm_and_keeps_its_ends():
    curve = np.array([[0.6, 0.7, 0.9]])
    wanted = np.array([1.0, 10.0, 10**1.5, 100.0, 10**2.25, 1000.0, 5000.0])
    found = auc_at(np.repeat(curve, 7, axis=0), np.tile(AMOUNTS, (7, 1)), wanted)
    expected = np.interp(np.log(wanted), np.log(AMOUNTS), curve[0])
    np.testing.assert_allclose(found, expected)
    assert auc_at(curve[:, :1], AMOUNTS[None, :1], np.array([7.0])).tolist() == [0.6]


def test_reading_a_curve_is_the_inverse_of_the_needed_amount():
    curve = np.array([[0.6, 0.7, 0.9]])
    amount = needed_amounts(curve, AMOUNTS[None], 0.83)[:, 1]
    assert auc_at(curve, AMOUNTS[None], amount).item() == pytest.approx(0.83)
