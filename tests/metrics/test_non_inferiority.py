import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from examwise.core.errors import InputError
from examwise.metrics.auc_power import power_of_test_set
from examwise.metrics.auc_variance import auc_difference, auc_estimates, auc_interval
from examwise.metrics.non_inferiority import non_inferiority


def estimates(seed=0, n=80, gains=(1.5, 1.4)):
    draw = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    return auc_estimates(labels, draw.normal(size=(2, n)) + labels * np.array(gains)[:, None])


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 50), st.floats(0.01, 0.3), st.floats(0.005, 0.2))
def test_the_limit_and_p_say_the_same(seed, margin, alpha):
    found = non_inferiority(estimates(seed), new=1, reference=0, margin=margin, alpha=alpha)
    assert found.is_shown == (found.lower > -margin)
    if abs(found.p - alpha) > 1e-9:
        assert found.is_shown == (found.p < alpha)


def test_the_limit_is_made_of_both_areas_limits_and_their_correlation():
    data = estimates()
    found = non_inferiority(data, new=1, reference=0, margin=0.03)
    new, reference = auc_interval(data, 1), auc_interval(data, 0)
    down, up = data.aucs[1] - new[0], reference[1] - data.aucs[0]
    table = data.covariance
    correlation = table[0, 1] / np.sqrt(table[0, 0] * table[1, 1])
    reach = np.sqrt(down**2 + up**2 - 2 * correlation * down * up)
    assert found.difference == data.aucs[1] - data.aucs[0]
    assert found.lower == pytest.approx(found.difference - reach)


def test_many_exams_bring_it_to_the_plain_limit():
    large = estimates(n=20_000)
    found = non_inferiority(large, new=1, reference=0, margin=0.01)
    both = auc_difference(large, 1, 0)
    assert found.lower == pytest.approx(both.lower, abs=1e-4)
    z = (found.difference + 0.01) / both.standard_error
    assert found.p == pytest.approx(norm.sf(z), abs=0.002)


def test_a_new_area_below_the_bound_has_a_p_above_a_half():
    worse = estimates(n=2000, gains=(2.0, 1.0))
    assert non_inferiority(worse, new=1, reference=0, margin=0.02).p > 0.99
    at_bound = float(worse.aucs[0] - worse.aucs[1])
    assert non_inferiority(worse, new=1, reference=0, margin=at_bound).p == pytest.approx(0.5)
    assert non_inferiority(worse, new=0, reference=1, margin=0.9).p < 1e-12


def test_a_perfect_new_learner_is_judged_by_its_number_of_pairs():
    draw = np.random.default_rng(3)
    labels = np.arange(60) % 2
    found = auc_estimates(labels, [labels * 1.0, draw.normal(size=60) + labels])
    result = non_inferiority(found, new=0, reference=1, margin=0.05)
    assert result.is_shown
    assert result.lower > 0


def test_a_wide_margin_and_many_exams_show_it():
    large = estimates(n=4000, gains=(1.5, 1.5))
    assert non_inferiority(large, new=1, reference=0, margin=0.1).is_shown
    assert not non_inferiority(large, new=1, reference=0, margin=0.0001).is_shown


@pytest.mark.parametrize(
    "found",
    [
        auc_estimates([0, 0, 1, 1], [[1, 2, 3, 4], [1, 2, 3, 4]]),
        auc_estimates([0, 0, 1, 1, 0], [[3, 2, 1, 4, 0], [6, 4, 2, 8, 0]]),
        auc_estimates([0, 0, 1], [[1, 2, 3], [2, 1, 3]]),
    ],
    ids=["perfect", "alike", "one positive"],
)
def test_nothing_is_shown_where_nothing_varies(found):
    result = non_inferiority(found, new=0, reference=1, margin=0.5)
    assert (result.difference, result.lower, result.p, result.is_shown) == (0, None, None, False)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"margin": 0}, "margin"),
        ({"margin": 1}, "margin"),
        ({"margin": float("nan")}, "margin"),
        ({"margin": 0.1, "alpha": 0.5}, "alpha"),
        ({"margin": 0.1, "alpha": 0}, "alpha"),
    ],
)
def test_margins_and_levels_have_ranges(arguments, match):
    with pytest.raises(InputError, match=match):
        non_inferiority(estimates(), new=0, reference=1, **arguments)


@pytest.mark.parametrize("truth", [0.85, 0.93])
def test_the_test_keeps_its_level_at_the_boundary(truth):
    draw = np.random.default_rng(7)
    shifts = np.sqrt(2) * norm.ppf([truth, truth - 0.05])[:, None]
    shown = 0
    for _ in range(1500):
        labels = (draw.random(200) < 0.4).astype(int)
        scores = (draw.normal(size=(2, 200)) + draw.normal(size=200)) / np.sqrt(2)
        found = auc_estimates(labels, scores + shifts * labels)
        shown += non_inferiority(found, new=1, reference=0, margin=0.05).is_shown
    assert 0.013 <= shown / 1500 <= 0.037


def test_a_perfect_new_auc_shows_nothing_in_a_handful_of_exams():
    labels, reference = [0] * 5 + [1] * 5, [0, 1, 2, 3, 6, 4, 7, 8, 9, 10]
    estimates = auc_estimates(labels, [range(10), reference])
    found = non_inferiority(estimates, new=0, reference=1, margin=0.3)
    # Five pairs that are all right with probability 0.025.
    down, up = 1 - 0.025**0.2, auc_interval(estimates, 1)[1] - estimates.aucs[1]
    assert found.lower == pytest.approx(found.difference - np.hypot(down, up))
    assert found.p > 0.025
    assert not found.is_shown
    several = auc_estimates(labels, [range(10), reference], [0, 0, 1, 2, 3, 4, 5, 6, 7, 8])
    assert non_inferiority(several, new=0, reference=1, margin=0.3).lower is None


def test_a_perfect_reference_is_no_hindrance_and_constant_scores_tell_nothing():
    labels, good = [0] * 5 + [1] * 5, [0, 1, 2, 3, 6, 4, 7, 8, 9, 10]
    estimates = auc_estimates(labels, [range(10), good, [1] * 10])
    against = non_inferiority(estimates, new=1, reference=0, margin=0.3)
    # Its own limit alone: the truth behind a reference of 1 cannot lie above it.
    assert against.lower == pytest.approx(auc_interval(estimates, 1)[0] - 1)
    for new, reference in ((1, 2), (2, 1)):
        assert non_inferiority(estimates, new=new, reference=reference, margin=0.3).lower is None
    for new, reference in ((0, 1), (1, 0), (1, 2)):
        assert power_of_test_set(estimates, new=new, reference=reference, margin=0.3) is None
