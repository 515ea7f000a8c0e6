from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.explain.hshap.shapley import shapley_values


def by_orders(worth, n_players):
    """Average what each player adds over all orders of arrival."""
    added = np.zeros(n_players)
    orders = list(permutations(range(n_players)))
    for order in orders:
        coalition = 0
        for player in order:
            joined = coalition | 1 << player
            added[player] += worth[joined] - worth[coalition]
            coalition = joined
    return added / len(orders)


@settings(deadline=None, max_examples=30)
@given(n_players=st.integers(1, 5), seed=st.integers(0, 10**6))
def test_equal_to_the_mean_over_all_orders(n_players, seed):
    worth = np.random.default_rng(seed).normal(size=(3, 2**n_players))
    found = shapley_values(worth, n_players=n_players)
    for row, expected in zip(found, worth, strict=True):
        assert row == pytest.approx(by_orders(expected, n_players), abs=1e-12)
    assert found.sum(1) == pytest.approx(worth[:, -1] - worth[:, 0], abs=1e-12)


def test_who_adds_nothing_gets_nothing_to_the_last_bit():
    of_three = np.random.default_rng(0).normal(size=(50, 8))
    worth = np.concatenate([of_three, of_three], 1)
    assert (shapley_values(worth, n_players=4)[:, 3] == 0).all()


def test_no_games():
    assert shapley_values(np.empty((0, 16)), n_players=4).shape == (0, 4)
