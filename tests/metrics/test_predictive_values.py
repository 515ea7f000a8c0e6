from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.core.errors import InputError
from examwise.metrics.clustered_share import NO_SHARE
from examwise.metrics.predictive_values import predictive_values


def counted(hits, misses, alarms, passed):
    labels = [1] * (hits + misses) + [0] * (alarms + passed)
    return labels, [1] * hits + [0] * misses + [1] * alarms + [0] * passed


def by_hand(se, n1, sp, n0, prevalence):
    """Values and limits by the published formulas (Mercaldo, Lau and Zhou, 2007)."""
    found = []
    for value, variance in (
        (se * prevalence / (se * prevalence + (1 - sp) * (1 - prevalence)),
         (1 - se) / (se * n1) + sp / ((1 - sp) * n0)),
        (sp * (1 - prevalence) / (sp * (1 - prevalence) + (1 - se) * prevalence),
         se / ((1 - se) * n1) + (1 - sp) / (sp * n0)),
    ):  # fmt: skip
        center, half = np.log(value / (1 - value)), 1.959963984540054 * np.sqrt(variance)
        found.append((value, *(1 / (1 + np.exp(-(center + sign * half))) for sign in (-1, 1))))
    return found


@settings(deadline=None, max_examples=50)
@given(*[st.integers(1, 60)] * 4, st.floats(0.01, 0.9))
def test_one_exam_a_patient_gives_mercaldos_interval(hits, misses, alarms, passed, prevalence):
    labels, called = counted(hits, misses, alarms, passed)
    values = predictive_values(labels, called, range(len(labels)), prevalence=prevalence)
    n1, n0 = hits + misses, alarms + passed
    expected = by_hand(hits / n1, n1, passed / n0, n0, prevalence)
    for share, wanted in zip((values.positive, values.negative), expected, strict=True):
        assert (share.value, share.lower, share.upper) == pytest.approx(wanted, rel=1e-9)


def test_at_the_own_prevalence_values_are_those_seen():
    labels, called = counted(30, 10, 20, 60)
    values = predictive_values(labels, called, range(120), prevalence=1 / 3)
    assert values.positive.value == pytest.approx(30 / 50)
    assert values.negative.value == pytest.approx(60 / 70)


def test_perfect_calls_keep_an_interval_that_holds_them():
    values = predictive_values(*counted(20, 0, 0, 30), range(50), prevalence=0.05)
    for share in (values.positive, values.negative):
        assert share.value == share.upper == 1
        assert 0 < share.lower < 1
    few = predictive_values(*counted(4, 0, 0, 6), range(10), prevalence=0.05)
    assert few.positive.lower < values.positive.lower


def test_what_is_never_called_has_no_value():
    none_called = predictive_values(*counted(0, 20, 0, 30), range(50), prevalence=0.1)
    assert none_called.positive == NO_SHARE
    assert none_called.negative.value == pytest.approx(0.9)
    all_called = predictive_values(*counted(20, 0, 30, 0), range(50), prevalence=0.1)
    assert all_called.negative == NO_SHARE
    assert all_called.positive.value == pytest.approx(0.1)
    one_class = predictive_values([1, 1], [0, 1], [0, 1], prevalence=0.1)
    assert one_class.positive == one_class.negative == NO_SHARE


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_limits_hold_the_value_whatever_the_patients(data):
    n = data.draw(st.integers(2, 30))
    bits = st.lists(st.booleans(), min_size=n, max_size=n)
    patients = data.draw(st.lists(st.integers(0, 5), min_size=n, max_size=n))
    values = predictive_values(data.draw(bits), data.draw(bits), patients, prevalence=0.2)
    for share in (values.positive, values.negative):
        if share.value is not None:
            assert 0 <= share.lower <= share.value <= share.upper <= 1


def test_intervals_of_clustered_exams_cover():
    draw = np.random.default_rng(1)
    n_patients, n_sets, covered, covered_single = 200, 1000, 0, 0
    patients = np.repeat(np.arange(n_patients), 3)
    labels = np.repeat(np.arange(n_patients) % 2, 3)
    # Sensitivity .8 and specificity .7 on the whole, differing from patient to patient.
    true_value = 0.8 * 0.1 / (0.8 * 0.1 + 0.3 * 0.9)
    for _ in range(n_sets):
        of_positives, of_negatives = draw.beta([[1.6], [0.6]], [[0.4], [1.4]], (2, n_patients))
        share = np.where(np.arange(n_patients) % 2, of_positives, of_negatives)
        called = draw.random(len(patients)) < share[patients]
        found = predictive_values(labels, called, patients, prevalence=0.1).positive
        covered += found.lower <= true_value <= found.upper
        found = predictive_values(labels, called, range(len(labels)), prevalence=0.1).positive
        covered_single += found.lower <= true_value <= found.upper
    assert 0.93 < covered / n_sets < 0.97
    assert covered_single / n_sets < 0.9


@pytest.mark.parametrize("prevalence", [0, 1, -1, 1.5, float("nan")])
def test_an_impossible_prevalence_is_refused(prevalence):
    with pytest.raises(InputError, match="prevalence"):
        predictive_values([0, 1], [0, 1], [0, 1], prevalence=prevalence)
