import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.core.errors import InputError
from examwise.metrics.thresholds import (
    closest_to_corner_threshold,
    operating_point,
    wanted_sensitivity_threshold,
    youden_threshold,
)

RULES = (youden_threshold, closest_to_corner_threshold)


@st.composite
def two_classes(draw):
    n = draw(st.integers(2, 30))
    labels = draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))
    labels[0], labels[1] = 0, 1
    return np.array(labels), np.array(
        draw(st.lists(st.integers(0, 10), min_size=n, max_size=n))
    ) / 10


@settings(deadline=None, max_examples=50)
@given(two_classes())
def test_no_other_probability_does_better_and_of_equals_the_lowest_is_taken(data):
    labels, probabilities = data

    def costs(threshold):
        point = operating_point(labels, probabilities, threshold)
        miss, alarm = 1 - point.sensitivity, 1 - point.specificity
        return miss + alarm, np.hypot(miss, alarm)

    candidates = np.unique(probabilities).tolist()
    for rule, which in zip(RULES, (0, 1), strict=True):
        by_cost = [costs(candidate)[which] for candidate in candidates]
        best = min(
            c for c, cost in zip(candidates, by_cost, strict=True) if cost < min(by_cost) + 1e-9
        )
        assert rule(labels, probabilities) == best


@settings(deadline=None, max_examples=30)
@given(two_classes(), st.floats(0, 1))
def test_operating_point_equals_scikit_learn(data, threshold):
    labels, probabilities = data
    point = operating_point(labels, probabilities, threshold)
    called = probabilities >= threshold
    assert point.sensitivity == pytest.approx(sklearn.metrics.recall_score(labels, called))
    assert point.specificity == pytest.approx(
        sklearn.metrics.recall_score(labels, called, pos_label=0)
    )


def test_rules_differ_where_they_should():
    labels = [1] * 10 + [0] * 100
    probabilities = [0.9] * 3 + [0.5] * 6 + [0.1] + [0.5] * 66 + [0.1] * 34
    # At 0.9: sensitivity .3, specificity 1; at 0.5: .9 and .34. Youden: .30 and .24;
    # distance to the corner: .70 and .67.
    assert youden_threshold(labels, probabilities) == 0.9
    assert closest_to_corner_threshold(labels, probabilities) == 0.5


@pytest.mark.parametrize("rule", RULES)
def test_degenerate_input_is_defined(rule):
    assert rule([1, 1], [0.1, 0.2]) is None
    assert rule([0, 0], [0.1, 0.2]) is None
    assert rule([0, 1], [0.3, 0.3]) == 0.3
    assert rule([0, 1], [0.9, 0.1]) == 0.1


def test_missing_class_has_no_rate():
    assert operating_point([1, 1], [0.1, 0.9], 0.5).specificity is None
    assert operating_point([0], [0.1], 0.5).sensitivity is None
    empty = operating_point([], [], 0.5)
    assert (empty.sensitivity, empty.specificity) == (None, None)


def test_threshold_itself_is_positive():
    assert operating_point([1], [0.5], 0.5).sensitivity == 1


@pytest.mark.parametrize("rule", RULES)
def test_logits_are_refused(rule):
    with pytest.raises(InputError, match="sigmoid"):
        rule([0, 1], [-1.5, 2])


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_threshold_outside_the_unit_interval_is_refused(threshold):
    with pytest.raises(InputError, match="threshold"):
        operating_point([0, 1], [0.1, 0.2], threshold)


@settings(deadline=None, max_examples=50)
@given(two_classes(), st.sampled_from([0.1, 0.5, 0.8, 0.9, 1]))
def test_a_wanted_sensitivity_gets_the_highest_threshold_that_has_it(data, wanted):
    labels, probabilities = data
    enough = [
        candidate
        for candidate in np.unique(probabilities).tolist()
        if operating_point(labels, probabilities, candidate).sensitivity >= wanted - 1e-12
    ]
    found = wanted_sensitivity_threshold(labels, probabilities, sensitivity=wanted)
    assert found == max(enough)


def test_an_impossible_sensitivity_is_refused_and_one_class_has_no_threshold():
    for wanted in (0, 1.1, float("nan")):
        with pytest.raises(InputError, match="sensitivity"):
            wanted_sensitivity_threshold([0, 1], [0.1, 0.9], sensitivity=wanted)
    assert wanted_sensitivity_threshold([1, 1], [0.1, 0.9], sensitivity=0.9) is None
