import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from examwise.core.errors import InputError
from examwise.metrics.auc_variance import (
    auc_difference,
    auc_estimates,
    auc_influence,
    auc_interval,
    logit_limits,
    patient_codes,
    standard_error_of_difference,
)

ITEMS = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 6), st.integers(-3, 3), st.integers(0, 9)),
    min_size=4,
    max_size=40,
)


def slow_estimates(labels, scores, patients):
    """Areas and covariance straight from the definition: every pair, then every patient."""
    positive = np.asarray(labels) == 1
    patients = np.asarray(patients)
    ups, downs = [], []
    for row in np.asarray(scores, float):
        pairs = row[positive][:, None] - row[~positive][None]
        psi = (pairs > 0) + 0.5 * (pairs == 0)
        ups.append(psi.mean(axis=1))
        downs.append(psi.mean(axis=0))
    k, m, n = len(ups), positive.sum(), (~positive).sum()
    names = sorted(set(patients.tolist()))
    with_up = len(set(patients[positive].tolist()))
    with_down = len(set(patients[~positive].tolist()))
    aucs = [up.mean() for up in ups]
    table = np.zeros((k, k))
    for a in range(k):
        for b in range(k):
            s10 = s01 = s11 = s11_turned = 0.0
            for name in names:
                up, down = patients[positive] == name, patients[~positive] == name
                x = [(ups[j][up] - aucs[j]).sum() for j in (a, b)]
                y = [(downs[j][down] - aucs[j]).sum() for j in (a, b)]
                s10 += x[0] * x[1]
                s01 += y[0] * y[1]
                s11 += x[0] * y[1]
                s11_turned += x[1] * y[0]
            table[a, b] = (
                s10 * with_up / (with_up - 1) / m**2
                + s01 * with_down / (with_down - 1) / n**2
                + (s11 + s11_turned) * len(names) / (len(names) - 1) / (m * n)
            )
    return np.array(aucs), table


@settings(deadline=None, max_examples=50)
@given(ITEMS, st.booleans())
def test_areas_and_covariance_are_those_of_the_definition(items, one_each):
    labels, ours, theirs, patients = np.array(items).T
    scores = np.stack([ours, theirs])
    found = auc_estimates(labels, scores, None if one_each else patients)
    if len(set(labels.tolist())) < 2:
        assert found is None
        return
    patients = np.arange(len(labels)) if one_each else patients
    distinct = len(set(patients.tolist()))
    assert found.variance == ("delong" if distinct == len(labels) else "obuchowski")
    assert (found.n_patients, found.n_positive) == (distinct, labels.sum())
    np.testing.assert_allclose(found.aucs, [roc_auc_score(labels, row) for row in scores])
    if min(len(set(patients[labels == side].tolist())) for side in (0, 1)) < 2:
        assert np.isnan(found.covariance).all()
        assert auc_interval(found) == (None, None)
        return
    aucs, table = slow_estimates(labels, scores, patients)
    np.testing.assert_allclose(found.aucs, aucs)
    np.testing.assert_allclose(found.covariance, table, atol=1e-14)


def test_with_one_exam_each_the_covariance_is_that_of_the_placements():
    """DeLong's: the sample covariances of the two classes' placements, over their sizes."""
    draw = np.random.default_rng(0)
    labels = np.arange(90) % 3 == 0
    scores = draw.normal(size=(3, 90)) + labels
    ranks = scores[:, :, None] > scores[:, None, :]
    ups, downs = ranks[:, labels][:, :, ~labels].mean(2), ranks[:, labels][:, :, ~labels].mean(1)
    expected = np.cov(ups) / labels.sum() + np.cov(downs) / (~labels).sum()
    np.testing.assert_allclose(auc_estimates(labels, scores).covariance, expected, rtol=1e-10)


def test_doubled_patients_change_nothing_but_the_correction():
    """Every exam twice, in one patient, is no more than every exam once."""
    draw = np.random.default_rng(1)
    labels = np.arange(60) % 2
    scores = draw.normal(size=60) + labels
    once = auc_estimates(labels, scores)
    twice = auc_estimates(np.repeat(labels, 2), np.repeat(scores, 2), np.repeat(np.arange(60), 2))
    assert (once.variance, twice.variance) == ("delong", "obuchowski")
    np.testing.assert_allclose(twice.covariance, once.covariance)


def test_neither_order_nor_names_of_patients_matter():
    draw = np.random.default_rng(2)
    labels, patients = draw.integers(0, 2, 50), draw.integers(0, 20, 50)
    scores = draw.normal(size=50)
    order = draw.permutation(50)
    found = auc_estimates(labels, scores, patients)
    names = np.array([f"p{number}" for number in patients])
    for kind in (str, object):
        named = auc_estimates(labels[order], scores[order], names[order].astype(kind))
        np.testing.assert_allclose(named.covariance, found.covariance)


def test_infinite_scores_rank_first_and_last():
    found = auc_estimates([0, 0, 1, 1, 0], [-np.inf, 0.0, 0.0, np.inf, -1.0])
    assert found.aucs[0] == pytest.approx(5.5 / 6)


def test_the_interval_is_symmetric_on_the_logit_scale():
    draw = np.random.default_rng(3)
    labels = np.arange(100) % 2
    found = auc_estimates(labels, draw.normal(size=100) + labels)
    lower, upper = auc_interval(found, level=0.9)
    auc, error = found.aucs[0], np.sqrt(found.covariance[0, 0])
    logits = np.log(np.array([lower, auc, upper]) / (1 - np.array([lower, auc, upper])))
    reach = norm.ppf(0.95) * error / (auc * (1 - auc))
    np.testing.assert_allclose(logits, [logits[1] - reach, logits[1], logits[1] + reach])
    # Seen from the other side it is the same.
    mirrored = auc_interval(auc_estimates(1 - labels, draw.normal(size=100)), level=0.9)
    assert 0 < mirrored[0] < mirrored[1] < 1


@pytest.mark.parametrize(
    ("labels", "scores"),
    [
        ([0, 0, 0, 1, 1, 1], [1, 2, 3, 4, 5, 6]),
        ([0, 0, 0, 1, 1, 1], [4, 5, 6, 1, 2, 3]),
        ([0, 0, 0, 1, 1, 1], [0.3] * 6),
        ([0, 0, 0, 1, 1, 1], [2, 2, 2, 1, 3, 2]),
        ([0, 0, 0, 1], [0.1, 0.5, 0.2, 0.3]),
    ],
    ids=["apart", "the wrong way", "constant", "symmetric ties", "one positive"],
)
def test_a_sample_that_saw_no_uncertainty_has_no_interval(labels, scores):
    found = auc_estimates(labels, scores)
    lower, upper = auc_interval(found)
    if np.nan_to_num(found.covariance[0, 0]) > 0 and 0 < found.aucs[0] < 1:
        assert lower < found.aucs[0] < upper
    else:
        assert (lower, upper) == (None, None)


def test_all_placements_alike_are_no_variance_whatever_the_rounding():
    labels = np.repeat([0, 1], [7, 3])
    scores = np.append(np.arange(7.0), [4.5] * 3)
    one_class_varies = auc_estimates(labels, scores)
    assert auc_interval(one_class_varies)[0] is not None
    assert auc_interval(auc_estimates(labels, np.full(10, 0.1))) == (None, None)


def test_a_difference_has_the_error_limits_and_p_of_the_normal():
    draw = np.random.default_rng(4)
    labels = np.arange(80) % 2
    scores = draw.normal(size=(2, 80)) + labels * np.array([[1.5], [0.7]])
    found = auc_estimates(labels, scores)
    table = found.covariance
    error = np.sqrt(table[0, 0] + table[1, 1] - 2 * table[0, 1])
    result = auc_difference(found)
    assert result.difference == pytest.approx(found.aucs[0] - found.aucs[1])
    assert result.standard_error == pytest.approx(error)
    assert result.p == pytest.approx(2 * norm.sf(abs(result.difference) / error))
    assert result.upper - result.lower == pytest.approx(2 * norm.ppf(0.975) * error)
    turned = auc_difference(found, 1, 0)
    assert (turned.difference, turned.p) == (pytest.approx(-result.difference), result.p)


def test_scores_that_rank_alike_have_no_error_and_no_p():
    draw = np.random.default_rng(5)
    labels, scores = np.arange(41) % 2, draw.normal(size=41)
    found = auc_estimates(labels, [scores, 3 * scores + 1])
    assert auc_difference(found).standard_error == 0
    assert (auc_difference(found).p, auc_difference(found).lower) == (None, None)


def test_an_unknown_variance_leaves_the_difference_alone():
    found = auc_estimates([0, 0, 1], [[1, 2, 3], [1, 3, 2]])
    result = auc_difference(found)
    assert result.difference == 0.5
    assert (result.standard_error, result.lower, result.upper, result.p) == (None,) * 4
    assert standard_error_of_difference(found) is None


def test_one_patient_of_both_classes_leaves_the_variance_unknown():
    found = auc_estimates([0, 1, 0, 1], [1, 3, 2, 4], ["a"] * 4)
    assert found.n_patients == 1
    assert auc_interval(found) == (None, None)


@pytest.mark.parametrize("labels", [[0, 0], [1, 1], []])
def test_one_class_has_no_area(labels):
    assert auc_estimates(labels, np.arange(float(len(labels)))) is None


def test_patients_are_numbered_from_zero():
    codes, n = patient_codes(np.array([7, 3, 7]))
    assert (codes.tolist(), n) == ([1, 0, 1], 2)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"scores": [0.1, np.nan]}, "NaN"),
        ({"scores": [[0.1, 0.2], [np.nan, 0.1]]}, "NaN"),
        ({"scores": [[[0.1, 0.2]]]}, "shape"),
        ({"scores": np.empty((0, 2))}, "shape"),
        ({"scores": [0.1, 0.2, 0.3]}, "labels"),
        ({"labels": [0, 2]}, "0 or 1"),
        ({"patients": ["a"]}, "patients"),
    ],
)
def test_unusable_arrays_are_refused(change, match):
    arguments = {"labels": [0, 1], "scores": [0.1, 0.2], "patients": None} | change
    with pytest.raises(InputError, match=match):
        auc_estimates(**arguments)


@pytest.mark.parametrize("level", [0, 1, 95])
def test_levels_are_shares(level):
    found = auc_estimates([0, 1], [[1, 2], [2, 1]])
    with pytest.raises(InputError, match="level"):
        auc_interval(found, level=level)
    with pytest.raises(InputError, match="level"):
        auc_difference(found, level=level)


@pytest.mark.parametrize("exams_each", [1, 3])
def test_intervals_and_tests_keep_their_level(exams_each):
    truth, covered, rejected, n_sets = 0.85, 0, 0, 600
    shift = np.sqrt(2) * norm.ppf(truth)
    draw = np.random.default_rng(6)
    patients = np.repeat(np.arange(200), exams_each)
    for _ in range(n_sets):
        labels = (draw.random(200) < 0.4).astype(int)[patients]
        noise = draw.normal(size=(3, 200))[:, patients] + draw.normal(size=(3, len(patients)))
        scores = (noise[:2] + noise[2]) / 2 + shift * labels
        found = auc_estimates(labels, scores, patients)
        lower, upper = auc_interval(found)
        covered += lower <= truth <= upper
        rejected += auc_difference(found).p <= 0.05
    # Three standard errors either way.
    assert abs(covered / n_sets - 0.95) < 0.027
    assert abs(rejected / n_sets - 0.05) < 0.027


@pytest.mark.parametrize("n_each", [1, 3])
def test_influence_adds_up_to_the_variance(n_each):
    draw = np.random.default_rng(5)
    patients = np.repeat(np.arange(200), n_each)
    labels = (draw.random(patients.size) < 0.4).astype(int)
    scores = draw.normal(size=patients.size) + labels
    expected = auc_estimates(labels, scores, patients)
    auc, parts = auc_influence(labels, scores, patients, n_patients=203)
    assert auc == pytest.approx(expected.aucs[0])
    assert parts.sum() == pytest.approx(0, abs=1e-12)
    assert (parts**2).sum() == pytest.approx(expected.covariance[0, 0], rel=0.02)
    assert parts[200:].tolist() == [0, 0, 0]
    assert auc_influence([1, 1], [0.1, 0.2], np.array([0, 1]), n_patients=2) is None


def test_logit_limits_are_those_of_an_auc():
    draw = np.random.default_rng(6)
    labels = np.arange(80) % 2
    found = auc_estimates(labels, draw.normal(size=80) + labels)
    value, variance = float(found.aucs[0]), float(found.covariance[0, 0])
    assert logit_limits(value, variance) == auc_interval(found)
    assert logit_limits(1.0, 0.1) == logit_limits(0.5, 0.0) == (None, None)
    assert logit_limits(0.5, float("nan")) == (None, None)
