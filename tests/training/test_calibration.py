from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from examwise.core.errors import InputError
from examwise.training.calibration import FEWEST_LABELS, fit_temperature, fit_temperatures


def drawn(n, temperature, seed=0, scale=2.0):
    """Logits that are `temperature` times what they should be, and labels."""
    stream = np.random.default_rng(seed)
    right = stream.normal(-0.5, scale, n)
    return temperature * right, (stream.random(n) < expit(right)).astype(float)


def negative_log_likelihood(temperature, logits, labels):
    return np.logaddexp(0, -np.where(labels == 1, logits, -logits) / temperature).sum()


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_it_agrees_with_scikit_learn_and_with_a_search(temperature):
    logits, labels = drawn(400, temperature)
    found = fit_temperature(logits, labels)
    model = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-10)
    model.fit(logits[:, None], labels)
    assert found == pytest.approx(1 / model.coef_[0, 0], rel=1e-4)
    searched = minimize_scalar(
        lambda sharpness: negative_log_likelihood(1 / sharpness, logits, labels),
        bounds=(1e-3, 100),
        method="bounded",
        options={"xatol": 1e-10},
    )
    assert found == pytest.approx(1 / searched.x, rel=1e-5)


@pytest.mark.parametrize("temperature", [0.25, 1.0, 5.0])
def test_a_known_miscalibration_is_recovered(temperature):
    logits, labels = drawn(20_000, temperature, seed=1)
    assert fit_temperature(logits, labels) == pytest.approx(temperature, rel=0.05)


@settings(deadline=None, max_examples=50)
@example(logits=[0.0, 1.0, 1.0, 1.401298464324817e-45], seed=100, factor=1e-6)
@example(logits=[0.0, 1.0, 1.0, 1e-10], seed=100, factor=7.0)
@given(
    logits=st.lists(st.floats(-50, 50, width=32), min_size=4, max_size=30),
    seed=st.integers(0, 1000),
    factor=st.sampled_from([1e-6, 0.5, 7.0, 1e6]),
)
def test_it_is_the_best_positive_temperature_and_scales_with_the_logits(logits, seed, factor):
    values = np.array(logits)
    labels = np.random.default_rng(seed).integers(0, 2, len(values)).astype(float)
    found = fit_temperature(values, labels, minimum=1)
    if found is None:
        toward = np.where(labels == 1, values, -values)
        assert labels.min() == labels.max() or toward.min() >= 0 or toward.sum() <= 1e-9
        return
    assert np.isfinite(found)
    assert found > 0
    best = negative_log_likelihood(found, values, labels)
    for other in (0.9, 0.99, 1.01, 1.1):
        assert best <= negative_log_likelihood(other * found, values, labels) + 1e-9
    assert fit_temperature(factor * values, labels, minimum=1) == pytest.approx(
        factor * found, rel=1e-6
    )
    order = np.argsort(values, kind="stable")
    assert (np.diff(expit(values / found)[order]) >= 0).all()


def test_missing_labels_are_left_out():
    logits, labels = drawn(200, 2.0)
    expected = fit_temperature(logits, labels)
    more = np.concatenate([logits, [np.nan, 30.0]]), np.concatenate([labels, [np.nan, np.nan]])
    assert fit_temperature(*more) == expected


@pytest.mark.parametrize(
    ("logits", "labels"),
    [
        ([1.0] * 30, [1.0] * 30),
        ([1.0, -1.0] * 15, [1.0, 0.0] * 15),
        ([1.0, -1.0] * 15, [0.0, 1.0] * 15),
        ([0.0] * 30, [0.0, 1.0] * 15),
        ([], []),
    ],
    ids=["one class", "all right", "all wrong", "no logits", "no labels"],
)
def test_where_no_temperature_is_best_there_is_none(logits, labels):
    assert fit_temperature(logits, labels) is None


def test_too_few_labels_have_no_temperature():
    logits, labels = drawn(FEWEST_LABELS, 1.0)
    assert fit_temperature(logits, labels) is not None
    assert fit_temperature(logits[1:], labels[1:]) is None
    assert fit_temperature(logits[1:], labels[1:], minimum=FEWEST_LABELS - 1) is not None


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_logit_that_is_not_finite_is_refused(value):
    logits, labels = drawn(30, 1.0)
    logits[3] = value
    with pytest.raises(InputError, match="logits"):
        fit_temperature(logits, labels)


def test_another_label_is_refused():
    logits, labels = drawn(30, 1.0)
    labels[3] = 0.5
    with pytest.raises(InputError, match="labels"):
        fit_temperature(logits, labels)


def test_each_finding_has_its_own():
    first, second = drawn(100, 3.0), drawn(100, 0.5, seed=2)
    labels = np.stack([first[1], second[1], np.full(100, np.nan)], 1).astype(np.float32)
    result = SimpleNamespace(logits=np.stack([first[0], second[0], first[0]], 1), labels=labels)
    found = fit_temperatures(("a", "b", "c"), result)
    assert found == {"a": fit_temperature(*first), "b": fit_temperature(*second), "c": None}
    assert fit_temperatures(("a", "b"), None) == {"a": None, "b": None}
