import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from examwise.evaluation.between_repeats import (
    crossed_variance,
    few_factor,
    overlap_factor,
    repeated_mean,
    variance_between,
)
from examwise.evaluation.repeat_draws import RepeatDraws

OF_PATIENTS = 0.02**2


def made_up(n_repeats=10, n_replicates=4000, *, of_patients=0.02, of_runs=0.0, luck=0.02, seed=0):
    draw = np.random.default_rng(seed)
    own = draw.normal(0, luck, n_repeats)[:, None]
    shared = np.append(0.0, draw.normal(0, of_patients, n_replicates))
    noise = draw.normal(0, of_runs, (n_repeats, n_replicates + 1))
    return 0.8 + own + shared + noise


def drawn(n_repeats=10, n_replicates=4000):
    return RepeatDraws(range(n_repeats), n_replicates=n_replicates, seed=1).counts(range(n_repeats))


@pytest.mark.parametrize("overlap", [0.0, 0.2, 0.5])
def test_the_variance_is_that_of_patients_and_of_repeats_that_share_labels(overlap):
    aucs = made_up()
    found = repeated_mean(aucs, drawn(), overlap=overlap)
    spread = aucs[:, 0].var(ddof=1)
    sigma = spread / (1 - overlap)
    between = sigma * (1 + 9 * overlap) / 10
    enlarged = few_factor(between, OF_PATIENTS, n_repeats=10) ** 2 * between
    assert found.replicates.var() == pytest.approx(OF_PATIENTS + enlarged, rel=0.06)
    assert found.between_share == pytest.approx(between / (OF_PATIENTS + between), rel=0.05)
    assert not found.is_conditional
    assert found.replicates.mean() == pytest.approx(aucs[:, 0].mean(), abs=0.002)


def test_beyond_half_nothing_is_scaled_and_it_is_said():
    aucs = made_up()
    alone, shared = (repeated_mean(aucs, drawn(), overlap=share) for share in (0.0, 0.6))
    np.testing.assert_array_equal(alone.replicates, shared.replicates)
    assert (alone.is_conditional, shared.is_conditional) == (False, True)


def test_the_noise_of_one_run_counts_once():
    # All that differs between runs is noise of these patients: no luck of labels is left.
    found = repeated_mean(made_up(luck=0.0, of_runs=0.02), drawn())
    assert found.replicates.var() <= (0.02**2 + 0.02**2 / 10) * 1.1 + found.between_share * 1e-3
    both = repeated_mean(made_up(luck=0.0, of_runs=0.02, seed=3), drawn())
    assert both.between_share < 0.35


def test_a_single_repeat_has_the_patients_chance_alone():
    aucs = made_up(1)
    found = repeated_mean(aucs, np.ones((4000, 1), int), overlap=0.9)
    np.testing.assert_array_equal(found.replicates, aucs[0, 1:])
    assert np.isnan(found.between_share)
    assert not found.is_conditional


def test_replicates_without_a_class_stay_without_a_value():
    aucs = made_up()
    aucs[:, 5] = np.nan
    found = repeated_mean(aucs, drawn())
    assert np.flatnonzero(np.isnan(found.replicates)).tolist() == [4]
    assert 0 < found.between_share < 1


def test_values_stay_what_an_auc_can_be():
    aucs = np.clip(made_up(luck=0.2) + 0.15, 0, 1)
    found = repeated_mean(aucs, drawn(), overlap=0.5)
    assert found.replicates.max() <= 1


@settings(deadline=None, max_examples=50)
@given(st.integers(2, 20), st.floats(0, 0.5))
def test_factor_is_that_of_the_formula(n_repeats, overlap):
    # R repeats with correlation o: variance of their mean over that of their sample variance's.
    covariance = np.full((n_repeats, n_repeats), overlap) + (1 - overlap) * np.eye(n_repeats)
    mean = np.full(n_repeats, 1 / n_repeats)
    expected_spread = (np.trace(covariance) - n_repeats * mean @ covariance @ mean) / (
        n_repeats - 1
    )
    wanted = mean @ covariance @ mean * n_repeats / expected_spread
    assert overlap_factor(n_repeats, overlap) == pytest.approx(wanted)


def test_crossed_variance_equals_that_of_the_replicates():
    draw = np.random.default_rng(0)
    n_patients, n_repeats = 200, 6
    effects = draw.normal(size=n_patients) + 0.5 * draw.normal(size=(n_repeats, n_patients))
    effects += draw.normal(0, 0.1, n_repeats)[:, None]
    values = effects.mean(axis=1)
    influence = (effects - values[:, None]) / n_patients
    counts = draw.multinomial(n_patients, np.full(n_patients, 1 / n_patients), size=4000)
    aucs = np.column_stack([values, effects @ counts.T / n_patients])
    # Away from the bounds of an AUC.
    found = repeated_mean(0.5 + aucs / 10, drawn(n_repeats))
    expected = crossed_variance(values, influence, overlap=0.0) / 100
    assert found.replicates.var() == pytest.approx(expected, rel=0.1)


def test_crossed_variance_of_one_repeat_and_of_one_patient():
    influence = np.array([[0.1, -0.1, 0.0]])
    assert crossed_variance(np.array([0.5]), influence, overlap=0.0) == pytest.approx(0.03)
    assert np.isnan(crossed_variance(np.array([0.5]), np.zeros((1, 1)), overlap=0.0))


def test_noise_larger_than_the_spread_leaves_nothing():
    assert variance_between(np.array([0.5, 0.6]), noise=1.0, overlap=0.0) == 0


def test_limits_from_few_repeats_are_those_of_student():
    # All between repeats: t with R - 1 degrees of freedom.
    expected = stats.t.ppf(0.975, 4) / stats.norm.ppf(0.975)
    assert few_factor(1.0, 0.0, n_repeats=5) == pytest.approx(expected)
    # Almost all of patients: next to nothing is added.
    assert few_factor(0.01, 1.0, n_repeats=3) == pytest.approx(1, rel=0.02)
    assert few_factor(0.0, 1.0, n_repeats=3) == 1


def test_intervals_of_few_repeats_keep_their_level():
    draw = np.random.default_rng(0)
    covered = 0
    for _ in range(600):
        luck = 0.03 * draw.normal(size=4)
        patients = 0.01 * draw.normal(size=401)
        patients[1:] += patients[0]
        found = repeated_mean(0.8 + luck[:, None] + patients, drawn(4, 400))
        reach = 1.96 * float(np.std(found.replicates))
        covered += abs(luck.mean() + patients[0]) < reach
    assert 0.92 < covered / 600 < 0.975
