import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score
from sklearn.metrics import precision_recall_curve as reference

from examwise.core.errors import InputError
from examwise.metrics.precision_recall import (
    average_precision,
    average_precision_weighted,
    precision_recall_curve,
)

ITEMS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 6)), min_size=1, max_size=40)


@settings(deadline=None, max_examples=50)
@given(ITEMS)
def test_points_and_area_are_those_of_scikit_learn(items):
    labels, scores = np.array(items).T
    curve = precision_recall_curve(labels, scores)
    if not labels.any():
        assert curve is None
        return
    precision, recall, thresholds = reference(labels, scores)
    assert np.allclose(curve.precision[::-1], precision)
    assert np.allclose(curve.recall[::-1], recall)
    assert np.allclose(curve.thresholds[:0:-1], thresholds)
    assert np.isclose(curve.average_precision, average_precision_score(labels, scores))


@settings(deadline=None, max_examples=50)
@given(ITEMS, st.integers(0, 1000))
def test_reweighted_samples_are_samples_with_repeated_items(items, seed):
    labels, scores = np.array(items).T
    weights = np.random.default_rng(seed).integers(0, 4, (5, len(labels)))
    found = average_precision_weighted(labels, scores, weights)
    for value, row in zip(found, weights, strict=True):
        repeated = np.repeat(labels, row)
        if len(set(repeated.tolist())) < 2:
            assert np.isnan(value)
        else:
            assert np.isclose(value, average_precision_score(repeated, np.repeat(scores, row)))


def test_broken_weights_are_those_of_scikit_learn_and_groups_share_a_column(monkeypatch):
    draw = np.random.default_rng(0)
    labels, scores, group = np.arange(30) % 2, draw.integers(0, 9, 30), np.arange(30) // 3
    weights = draw.random((7, 10))
    whole = average_precision_weighted(labels, scores, weights[:, group])
    expected = [average_precision_score(labels, scores, sample_weight=w[group]) for w in weights]
    np.testing.assert_allclose(whole, expected)
    monkeypatch.setattr("examwise.metrics.precision_recall._ELEMENTS_AT_ONCE", 60)
    chunked = average_precision_weighted(labels, scores, weights, columns=group)
    np.testing.assert_allclose(chunked, whole)


@pytest.mark.parametrize("labels", [[0, 0], [1, 1], []])
def test_one_class_has_no_average_precision(labels):
    scores = np.arange(float(len(labels)))
    assert average_precision(labels, scores) is None
    assert np.isnan(average_precision_weighted(labels, scores, np.ones((3, len(labels))))).all()


def test_constant_scores_have_the_prevalence():
    assert average_precision([0, 0, 1, 0], [0.3] * 4) == 0.25


@pytest.mark.parametrize("weights", [[1, 1], [[1, -1]], [[1, np.nan]], [[1, 1, 1]]])
def test_unusable_weights_are_refused(weights):
    with pytest.raises(InputError, match="weights"):
        average_precision_weighted([0, 1], [0.1, 0.2], weights)
