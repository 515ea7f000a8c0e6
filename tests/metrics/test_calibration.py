from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss

from examwise.core.errors import InputError
from examwise.metrics.calibration import NO_COEFFICIENT, brier_score, logit_calibration


def drawn(n, *, slope=1.0, intercept=0.0, seed=0, scale=2.0):
    draw = np.random.default_rng(seed)
    logits = draw.normal(0, scale, n)
    return (draw.random(n) < expit(intercept + slope * logits)).astype(int), logits


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.floats(0.3, 2), st.floats(-1, 1), st.sampled_from([0.01, 1, 100]))
def test_the_slope_is_that_of_an_independent_regression(seed, slope, intercept, unit):
    labels, logits = drawn(200, slope=slope, intercept=intercept, seed=seed)
    found = logit_calibration(labels, logits * unit, range(200))
    fit = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(logits[:, None], labels)
    assert found.slope.value * unit == pytest.approx(fit.coef_[0, 0], rel=1e-4)


def test_the_intercept_makes_the_mean_right():
    labels, logits = drawn(300, intercept=-0.7)
    found = logit_calibration(labels, logits, range(300))
    assert expit(logits + found.intercept.value).mean() == pytest.approx(labels.mean())
    assert found.intercept.lower < -0.7 < found.intercept.upper


def test_errors_are_those_of_the_sandwich_by_patient():
    labels, logits = drawn(120, seed=3)
    patients = np.arange(120) // 3
    found = logit_calibration(labels, logits, patients)
    # By hand, with the logits as they are, patient by patient.
    design = np.column_stack([np.ones(120), logits])
    fit = LogisticRegression(C=np.inf, tol=1e-12, max_iter=1000).fit(logits[:, None], labels)
    p = fit.predict_proba(logits[:, None])[:, 1]
    bread = np.linalg.inv(design.T @ np.diag(p * (1 - p)) @ design)
    meat = np.zeros((2, 2))
    for patient in range(40):
        own = patients == patient
        score = design[own].T @ (labels[own] - p[own])
        meat += np.outer(score, score)
    error = np.sqrt((bread @ meat @ bread * 40 / 39)[1, 1])
    assert found.slope.upper - found.slope.value == pytest.approx(1.959964 * error, rel=1e-4)


def test_intervals_cover_with_several_exams_a_patient():
    draw = np.random.default_rng(5)
    n_sets, patients = 600, np.repeat(np.arange(150), 2)
    covered = np.zeros(2)
    for _ in range(n_sets):
        # Exams of a patient are alike altogether: as if each had been seen twice.
        logits = draw.normal(0, 1.5, 150)
        labels = (draw.random(150) < expit(logits)).astype(int)
        found = logit_calibration(labels[patients], logits[patients], patients)
        covered += [
            found.slope.lower <= 1 <= found.slope.upper,
            found.intercept.lower <= 0 <= found.intercept.upper,
        ]
    assert (covered / n_sets > 0.925).all()
    assert (covered / n_sets < 0.975).all()


@pytest.mark.parametrize(
    ("labels", "logits"),
    [
        ([0, 0, 1, 1], [-2.0, -1.0, 1.0, 2.0]),
        ([1, 1, 0, 0], [-2.0, -1.0, 1.0, 2.0]),
        ([0, 0, 1, 1], [-2.0, 1.0, 1.0, 2.0]),
        ([0, 1, 0, 1], [0.5, 0.5, 0.5, 0.5]),
    ],
    ids=["separated", "reversed", "touching", "constant"],
)
def test_without_a_likeliest_slope_there_is_none_but_an_intercept(labels, logits):
    found = logit_calibration(labels, logits, range(4))
    assert found.slope == NO_COEFFICIENT
    assert np.isfinite(found.intercept.value)


def test_one_class_or_one_patient_says_nothing_of_the_spread():
    found = logit_calibration([1, 1], [0.0, 1.0], range(2))
    assert found.slope == found.intercept == NO_COEFFICIENT
    assert logit_calibration([], [], []).slope == NO_COEFFICIENT
    labels, logits = drawn(30)
    found = logit_calibration(labels, logits, [0] * 30)
    assert found.slope.value is not None
    assert found.slope.lower is found.intercept.upper is None


def test_far_logits_are_no_trouble():
    labels, logits = drawn(100, seed=2)
    logits = np.append(logits, [700.0, -900.0])
    found = logit_calibration(np.append(labels, [0, 1]), logits, range(102))
    assert np.isfinite([found.slope.value, found.intercept.value]).all()


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=30))
def test_the_brier_score_is_that_of_an_independent_implementation(items):
    labels, probabilities = (list(column) for column in zip(*items, strict=True))
    wanted = brier_score_loss(labels, probabilities, pos_label=True, labels=[False, True])
    assert brier_score(labels, probabilities) == pytest.approx(wanted)


def test_wrong_input_is_refused():
    assert brier_score([], []) is None
    with pytest.raises(InputError, match="infinite"):
        logit_calibration([0, 1], [0.0, np.inf], [0, 1])
    with pytest.raises(InputError, match="NaN"):
        logit_calibration([0, 1], [0.0, np.nan], [0, 1])
    with pytest.raises(InputError, match="patients"):
        logit_calibration([0, 1], [0.0, 1.0], [0])
    with pytest.raises(InputError, match="probabilities"):
        brier_score([0, 1], [0.0, 1.5])


@pytest.mark.parametrize("certain", [40.0, 1000.0])
def test_exams_that_tell_nothing_of_the_intercept_leave_it_without_limits(certain):
    logits = [-certain, -certain, certain, certain]
    found = logit_calibration([0, 1, 0, 1], logits, range(4))
    assert found.intercept.value == pytest.approx(0, abs=1e-9)
    assert found.intercept.lower is found.intercept.upper is None
    assert found.slope.value == pytest.approx(0, abs=1e-9)


def test_a_logit_beyond_all_others_leaves_no_slope():
    found = logit_calibration([0, 1, 0, 1], [0.0, 1e-8, 2e-8, 1e8], range(4))
    assert found.slope.value is found.slope.lower is found.slope.upper is None
