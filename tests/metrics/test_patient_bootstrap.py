import math
from functools import partial

import numpy as np
import pytest
from scipy.stats import binom, norm

from examwise.core.errors import InputError
from examwise.metrics.patient_bootstrap import (
    bootstrap_auc,
    patient_counts,
    patient_weights,
    percentile_interval,
    replicate_error,
)
from examwise.metrics.roc import roc_auc_weighted


def stream(seed=0):
    return np.random.default_rng(seed)


def draws(n_replicates, generator):
    return partial(patient_counts, n_replicates=n_replicates, generator=generator)


def test_items_of_a_patient_share_their_multiplicity_and_draws_fill_the_sample():
    patients = np.array(["b", "a", "b", "c"])
    weights = patient_weights(patients, n_replicates=200, generator=stream())
    assert weights.shape == (200, 4)
    np.testing.assert_array_equal(weights[:, 0], weights[:, 2])
    np.testing.assert_array_equal(weights[:, [0, 1, 3]].sum(axis=1), 3)
    assert weights[:, 1].mean() == pytest.approx(1, abs=0.2)


def test_draws_do_not_depend_on_the_order_of_items():
    patients = np.array(["b", "a", "b", "c"])
    order = [3, 0, 2, 1]
    weights = patient_weights(patients, n_replicates=20, generator=stream())
    shuffled = patient_weights(patients[order], n_replicates=20, generator=stream())
    np.testing.assert_array_equal(shuffled, weights[:, order])


def test_bootstrap_equals_weights_of_items():
    draw = stream(1)
    labels, scores, patients = draw.integers(0, 2, 40), draw.normal(size=40), np.arange(40) // 3
    weights = patient_weights(patients, n_replicates=50, generator=stream())
    np.testing.assert_array_equal(
        bootstrap_auc(labels, scores, patients, draw=draws(50, stream())),
        roc_auc_weighted(labels, scores, weights),
    )


def test_exams_of_one_patient_widen_the_interval():
    draw = stream(2)
    labels = np.repeat(np.arange(100) % 2, 5)
    scores = labels + np.repeat(draw.normal(0, 1.2, 100), 5)
    widths = []
    for patients in (np.arange(500), np.arange(500) // 5):
        values = bootstrap_auc(labels, scores, patients, draw=draws(400, stream()))
        found = percentile_interval(values)
        widths.append(found.upper - found.lower)
    assert widths[1] > 1.7 * widths[0]


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    truth, covered = 0.75, 0
    shift = math.sqrt(2) * norm.ppf(truth)
    for number in range(100):
        draw = stream(number)
        labels = np.arange(120) % 2
        scores = draw.normal(size=120) + shift * labels
        values = bootstrap_auc(labels, scores, np.arange(120), draw=draws(300, draw))
        found = percentile_interval(values)
        covered += found.lower <= truth <= found.upper
    assert 88 <= covered <= 100


def test_replicates_without_a_value_are_left_out_and_counted():
    values = np.append(np.linspace(0, 1, 96), [np.nan] * 4)
    found = percentile_interval(values)
    assert found.n_left_out == 4
    assert found.lower == pytest.approx(0.025)
    assert found.upper == pytest.approx(0.975)


def test_too_few_usable_replicates_leave_the_interval_undefined():
    found = percentile_interval(np.append(np.linspace(0, 1, 94), [np.nan] * 6))
    assert (found.lower, found.upper, found.n_left_out) == (None, None, 6)


@pytest.mark.parametrize("values", [[], [0.5], [np.nan, np.nan], [0.7] * 100])
def test_no_spread_is_no_certainty(values):
    found = percentile_interval(values)
    assert (found.lower, found.upper) == (None, None)


def test_unusable_numbers_are_refused():
    with pytest.raises(InputError, match="number of patients"):
        patient_counts(0, n_replicates=3, generator=stream())
    with pytest.raises(InputError, match="n_replicates"):
        patient_counts(3, n_replicates=0, generator=stream())
    with pytest.raises(InputError, match="level"):
        percentile_interval([0, 1], level=95)


def test_draws_are_multinomial():
    counts = patient_counts(6, n_replicates=40_000, generator=stream(3))
    assert (counts.sum(axis=1) == 6).all()
    # Each patient's number is binomial, and two patients' numbers hold each other down.
    seen = np.bincount(counts[:, 2], minlength=7) / len(counts)
    np.testing.assert_allclose(seen, binom.pmf(np.arange(7), 6, 1 / 6), atol=0.01)
    covariance = np.cov(counts.T)
    np.testing.assert_allclose(covariance, 6 * (np.eye(6) / 6 - 1 / 36), atol=0.03)


def test_blocks_of_draws_change_nothing(monkeypatch):
    whole = patient_counts(7, n_replicates=30, generator=stream(5))
    monkeypatch.setattr("examwise.metrics.patient_bootstrap._DRAWN_AT_ONCE", 15)
    np.testing.assert_array_equal(patient_counts(7, n_replicates=30, generator=stream(5)), whole)


def test_error_of_replicates_is_undefined_where_their_interval_is():
    values = np.random.default_rng(0).normal(size=200)
    assert replicate_error(values) == pytest.approx(values.std(ddof=1))
    values[:10] = np.nan
    assert replicate_error(values) == pytest.approx(np.nanstd(values, ddof=1))
    values[:11] = np.nan
    for unusable in (values, np.full(50, 0.7), [0.5]):
        assert replicate_error(unusable) is None
        assert percentile_interval(unusable).lower is None
