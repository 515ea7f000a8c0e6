import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, norm

from examwise.core.errors import InputError
from examwise.metrics.auc_power import (
    binormal_auc_variance,
    needed_exams,
    non_inferiority_power,
    power_of_test_set,
)
from examwise.metrics.auc_variance import auc_estimates
from examwise.metrics.non_inferiority import non_inferiority

SHARES = st.floats(0.55, 0.99)


def test_75_exams_have_a_power_of_17_to_26_percent_at_a_margin_of_3_points():
    """At areas of .92 and .95, errors correlated by about a half."""

    def percent(auc, correlation):
        power = non_inferiority_power(
            auc=auc, margin=0.03, n_positive=36, n_negative=39, correlation=correlation
        )
        return round(100 * power)

    assert (percent(0.92, 0.525), percent(0.95, 0.525)) == (17, 26)
    assert (percent(0.92, 0.5), percent(0.95, 0.5)) == (16, 25)


@settings(deadline=None, max_examples=20)
@given(SHARES, st.integers(2, 500), st.integers(2, 500))
def test_the_variance_is_that_of_bivariate_normals(auc, n_positive, n_negative):
    distance = norm.ppf(auc)
    both = multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]]).cdf([distance, distance])
    expected = auc * (1 - auc) + (n_positive + n_negative - 2) * (both - auc**2)
    found = binormal_auc_variance(auc, n_positive=n_positive, n_negative=n_negative)
    assert found == pytest.approx(expected / (n_positive * n_negative), rel=1e-4)


def test_at_one_half_the_variance_is_that_of_the_rank_sum():
    found = binormal_auc_variance(0.5, n_positive=20, n_negative=30)
    assert found == pytest.approx((20 + 30 + 1) / (12 * 20 * 30))


def test_the_variance_is_that_of_simulated_sets():
    draw = np.random.default_rng(0)
    labels = np.repeat([0, 1], [39, 36])
    shift = np.sqrt(2) * norm.ppf(0.9) * labels
    aucs = [auc_estimates(labels, draw.normal(size=75) + shift).aucs[0] for _ in range(4000)]
    expected = binormal_auc_variance(0.9, n_positive=36, n_negative=39)
    assert np.var(aucs) == pytest.approx(expected, rel=0.1)


def test_the_power_is_how_often_simulated_tests_succeed():
    draw = np.random.default_rng(1)
    labels = np.repeat([0, 1], [300, 200])
    shift = np.sqrt(2) * norm.ppf(0.85) * labels
    shown, correlations, n_sets = 0, [], 1000
    aucs = []
    for _ in range(n_sets):
        scores = (draw.normal(size=(2, 500)) + draw.normal(size=500)) / np.sqrt(2) + shift
        found = auc_estimates(labels, scores)
        aucs.append(found.aucs)
        shown += non_inferiority(found, new=0, reference=1, margin=0.04).is_shown
    correlations = np.corrcoef(np.array(aucs).T)[0, 1]
    power = non_inferiority_power(
        auc=0.85, margin=0.04, n_positive=200, n_negative=300, correlation=correlations
    )
    assert shown / n_sets == pytest.approx(power, abs=0.06)


def test_the_power_of_a_test_set_is_that_of_its_own_error():
    draw = np.random.default_rng(2)
    labels = np.arange(100) % 2
    found = auc_estimates(labels, draw.normal(size=(2, 100)) + labels)
    table = found.covariance
    error = np.sqrt(table[0, 0] + table[1, 1] - 2 * table[0, 1])
    power = power_of_test_set(found, new=0, reference=1, margin=0.05)
    assert power == pytest.approx(norm.cdf(0.05 / error - norm.ppf(0.975)))


def test_without_an_error_there_is_no_power():
    alike = auc_estimates([0, 0, 1, 1, 0], [[3, 2, 1, 4, 0]] * 2)
    unknown = auc_estimates([0, 0, 1], [[1, 2, 3], [2, 1, 3]])
    for found in (alike, unknown):
        assert power_of_test_set(found, new=0, reference=1, margin=0.05) is None


@settings(deadline=None, max_examples=30)
@given(
    SHARES, st.floats(0.01, 0.2), st.floats(0.05, 0.95), st.floats(-0.5, 0.9), st.floats(0.1, 0.95)
)
def test_the_needed_exams_have_the_power_and_one_fewer_does_not(
    auc, margin, prevalence, correlation, power
):
    n = needed_exams(
        auc=auc, margin=margin, prevalence=prevalence, correlation=correlation, power=power
    )

    def power_of(n):
        n_positive = min(max(round(n * prevalence), 1), n - 1)
        return non_inferiority_power(
            auc=auc,
            margin=margin,
            n_positive=n_positive,
            n_negative=n - n_positive,
            correlation=correlation,
        )

    assert power_of(n) >= power
    assert n == 2 or power_of(n - 1) < power


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"auc": 1.0}, "auc"),
        ({"auc": 0.0}, "auc"),
        ({"margin": 0.0}, "margin"),
        ({"margin": 1e-6}, "billion"),
        ({"prevalence": 0.0}, "prevalence"),
        ({"correlation": 1.0}, "correlation"),
        ({"correlation": -1.1}, "correlation"),
        ({"power": 0.01}, "power"),
        ({"power": 1.0}, "power"),
        ({"alpha": 0.6}, "alpha"),
    ],
)
def test_numbers_outside_their_range_are_refused(change, match):
    arguments = {"auc": 0.9, "margin": 0.05, "prevalence": 0.4, "correlation": 0.5} | change
    with pytest.raises(InputError, match=match):
        needed_exams(**arguments)


@pytest.mark.parametrize("empty", ["n_positive", "n_negative"])
def test_both_classes_need_exams(empty):
    arguments = {"n_positive": 10, "n_negative": 10} | {empty: 0}
    with pytest.raises(InputError, match=empty):
        non_inferiority_power(auc=0.9, margin=0.1, correlation=0, **arguments)
