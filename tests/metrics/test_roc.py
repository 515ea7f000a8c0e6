import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.core.errors import InputError
from examwise.metrics.roc import roc_auc, roc_auc_weighted, roc_curve

quick = settings(deadline=None, max_examples=50)


@st.composite
def two_classes(draw):
    """Labels with both classes, and scores on a coarse grid so that many tie."""
    n = draw(st.integers(2, 40))
    labels = draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))
    labels[0], labels[1] = 0, 1
    scores = draw(st.lists(st.integers(-6, 6), min_size=n, max_size=n))
    return np.array(labels), np.array(scores, float)


@quick
@given(two_classes())
def test_auc_equals_scikit_learn(data):
    labels, scores = data
    assert roc_auc(labels, scores) == pytest.approx(
        sklearn.metrics.roc_auc_score(labels, scores), abs=1e-12
    )


@quick
@given(two_classes())
def test_curve_equals_scikit_learn(data):
    labels, scores = data
    curve = roc_curve(labels, scores)
    fpr, tpr, thresholds = sklearn.metrics.roc_curve(labels, scores, drop_intermediate=False)
    np.testing.assert_allclose(curve.false_positive_rate, fpr)
    np.testing.assert_allclose(curve.true_positive_rate, tpr)
    np.testing.assert_array_equal(curve.thresholds, thresholds)


@quick
@given(two_classes())
def test_area_under_the_curve_is_the_auc_with_all_points_and_with_corners_alone(data):
    labels, scores = data
    for corners_only in (False, True):
        curve = roc_curve(labels, scores, corners_only=corners_only)
        area = np.trapezoid(curve.true_positive_rate, curve.false_positive_rate)
        assert area == pytest.approx(roc_auc(labels, scores), abs=1e-12)
        assert curve.true_positive_rate[[0, -1]].tolist() == [0, 1]
        assert curve.false_positive_rate[[0, -1]].tolist() == [0, 1]


def test_corners_leave_out_points_on_a_line():
    labels, scores = [1, 0, 1, 0] * 5, [0.5] * 4 + [0.4] * 4 + [0.3] * 4 + [0.2] * 4 + [0.1] * 4
    assert len(roc_curve(labels, scores).thresholds) == 6
    assert len(roc_curve(labels, scores, corners_only=True).thresholds) == 2


@quick
@given(two_classes())
def test_auc_is_invariant_under_rising_transforms_and_mirrored_by_negation(data):
    labels, scores = data
    auc = roc_auc(labels, scores)
    assert roc_auc(labels, np.exp(scores / 3) - 7) == pytest.approx(auc, abs=1e-12)
    assert roc_auc(labels, -scores) == pytest.approx(1 - auc, abs=1e-12)
    assert roc_auc(1 - labels, scores) == pytest.approx(1 - auc, abs=1e-12)


@quick
@given(two_classes(), st.randoms(use_true_random=False))
def test_auc_does_not_depend_on_order(data, random):
    labels, scores = data
    order = list(range(len(labels)))
    random.shuffle(order)
    assert roc_auc(labels[order], scores[order]) == roc_auc(labels, scores)


@quick
@given(two_classes(), st.integers(0, 2**32 - 1))
def test_weights_equal_repetition_and_scikit_learn(data, seed):
    labels, scores = data
    weights = np.random.default_rng(seed).integers(0, 4, (5, len(labels)))
    for row, auc in zip(weights, roc_auc_weighted(labels, scores, weights), strict=True):
        repeated = roc_auc(np.repeat(labels, row), np.repeat(scores, row))
        if repeated is None:
            assert np.isnan(auc)
        else:
            assert auc == pytest.approx(repeated, abs=1e-12)
            assert auc == pytest.approx(
                sklearn.metrics.roc_auc_score(labels, scores, sample_weight=row), abs=1e-9
            )


def test_columns_stand_for_gathered_weights_over_many_chunks(monkeypatch):
    draw = np.random.default_rng(0)
    labels, scores = draw.integers(0, 2, 50), draw.integers(0, 9, 50)
    group, weights = draw.integers(0, 7, 50), draw.integers(0, 3, (23, 7))
    whole = roc_auc_weighted(labels, scores, weights[:, group])
    monkeypatch.setattr("examwise.metrics.roc._ELEMENTS_AT_ONCE", 200)
    np.testing.assert_array_equal(roc_auc_weighted(labels, scores, weights, columns=group), whole)


@pytest.mark.parametrize("labels", [[0, 0], [1, 1], []])
def test_one_class_alone_is_undefined(labels):
    scores = [0.1] * len(labels)
    assert roc_auc(labels, scores) is None
    assert roc_curve(labels, scores) is None
    assert np.isnan(roc_auc_weighted(labels, scores, np.ones((3, len(labels))))).all()


def test_constant_scores_are_worth_nothing():
    assert roc_auc([0, 1, 1], [0.5] * 3) == 0.5


def test_infinite_scores_rank():
    assert roc_auc([0, 1, 1], [-np.inf, 0, np.inf]) == 1


def test_nan_is_refused():
    with pytest.raises(InputError, match="1 NaN among 2"):
        roc_auc([0, 1], [0.1, np.nan])


@pytest.mark.parametrize("weights", [[[1, -1]], [[1, np.nan]], [[1, np.inf]], [1, 1], [[1, 1, 1]]])
def test_unusable_weights_are_refused(weights):
    with pytest.raises(InputError, match="weights"):
        roc_auc_weighted([0, 1], [0.1, 0.2], weights)
