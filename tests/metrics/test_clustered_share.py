from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from examwise.core.errors import InputError
from examwise.metrics.clustered_share import NO_SHARE, clustered_share


@settings(deadline=None, max_examples=50)
@given(st.lists(st.booleans(), min_size=1, max_size=60), st.sampled_from([0.5, 0.9, 0.95]))
def test_one_item_a_patient_gives_wilsons_interval(hits, level):
    share = clustered_share(hits, range(len(hits)), level=level)
    wilson = binomtest(sum(hits), len(hits)).proportion_ci(level, method="wilson")
    assert share.value == pytest.approx(np.mean(hits))
    assert (share.lower, share.upper) == pytest.approx((wilson.low, wilson.high), abs=1e-12)


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_limits_hold_the_share_and_order_makes_no_difference(data):
    n = data.draw(st.integers(1, 40))
    hits = data.draw(st.lists(st.booleans(), min_size=n, max_size=n))
    patients = data.draw(st.lists(st.integers(0, 9), min_size=n, max_size=n))
    share = clustered_share(hits, patients)
    assert 0 <= share.lower <= share.value <= share.upper <= 1
    single = clustered_share(hits, range(n))
    assert share.lower <= single.lower + 1e-12
    assert share.upper >= single.upper - 1e-12
    order = data.draw(st.permutations(range(n)))
    again = clustered_share([hits[i] for i in order], [f"p{patients[i]}" for i in order])
    assert (again.lower, again.upper) == pytest.approx((share.lower, share.upper))


def test_patients_who_agree_count_once():
    hits, patients = [1, 1, 0, 0, 1, 1, 0, 0] * 5, np.repeat(np.arange(20), 2)
    share = clustered_share(hits, patients)
    # The variance over patients has the factor m / (m - 1): 19 patients' worth.
    once = binomtest(10, 20).proportion_ci(method="wilson")
    assert share.lower == pytest.approx(once.low, abs=0.01)
    assert share.upper == pytest.approx(once.high, abs=0.01)


@pytest.mark.parametrize("hit", [0, 1])
def test_without_a_spread_patients_count_and_not_items(hit):
    found = clustered_share([hit] * 30, np.repeat(np.arange(10), 3))
    wilson = binomtest(10 * hit, 10).proportion_ci(method="wilson")
    assert (found.lower, found.upper) == pytest.approx((wilson.low, wilson.high))
    assert found.value == hit


def test_intervals_of_clustered_items_cover():
    draw = np.random.default_rng(0)
    n_patients, n_sets, covered, covered_single = 150, 1500, 0, 0
    patients = np.repeat(np.arange(n_patients), 3)
    for _ in range(n_sets):
        of_patients = draw.beta(2, 1, n_patients)
        hits = draw.random(len(patients)) < of_patients[patients]
        share = clustered_share(hits, patients)
        covered += share.lower <= 2 / 3 <= share.upper
        single = clustered_share(hits, range(len(hits)))
        covered_single += single.lower <= 2 / 3 <= single.upper
    assert 0.935 < covered / n_sets < 0.965
    assert covered_single / n_sets < 0.93


def test_one_patient_is_worth_one_item():
    share = clustered_share([1, 0, 1, 0], ["a"] * 4)
    assert share.upper - share.lower > 0.8


def test_nothing_to_count_has_no_share_and_wrong_input_is_refused():
    assert clustered_share([], []) == NO_SHARE
    with pytest.raises(InputError, match="labels"):
        clustered_share([1, 2], [0, 1])
    with pytest.raises(InputError, match="shape"):
        clustered_share([1, 0, 1], [0, 1])
    with pytest.raises(InputError, match="level"):
        clustered_share([1, 0], [0, 1], level=1)
    with pytest.raises(InputError, match="patients"):
        clustered_share([1, 0], [[0, 1]])
