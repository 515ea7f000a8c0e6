from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logit

from examwise.training.thresholds import fit_thresholds
from examwise.training.validation import ValidationResult

NAN = float("nan")


def result(probabilities, labels):
    return ValidationResult(0.0, logit(np.array(probabilities)), np.array(labels, np.float32))


def chosen(found):
    return found["threshold"], found["source"]


def test_a_threshold_is_fitted_for_each_finding_on_its_own_labels():
    found = fit_thresholds(
        ("any", "subdural"),
        exams=result([[0.1, 0.2], [0.8, 0.9], [0.7, 0.4]], [[0, 0], [1, NAN], [1, 1]]),
        slices=None,
        minimum=2,
    )
    assert chosen(found["any"]) == (pytest.approx(0.7), "validation")
    assert chosen(found["subdural"]) == (pytest.approx(0.4), "validation")


def test_other_rules_choose_on_the_same_labels():
    labels = [[0], [0], [1], [0], [0], [1]]
    found = fit_thresholds(
        ("any",),
        exams=result([[0.1], [0.2], [0.3], [0.5], [0.6], [0.9]], labels),
        slices=result([[0.1], [0.4]] * 3, [[0], [1]] * 3),
        minimum=2,
    )["any"]
    assert found["rules"] == {
        "youden": pytest.approx(0.3),
        "closest_to_corner": pytest.approx(0.3),
        "sensitivity_0.9": pytest.approx(0.3),
    }
    assert found["threshold"] == found["rules"]["youden"]
    assert found["slice_threshold"] == pytest.approx(0.4)


@pytest.mark.parametrize(
    "given",
    [None, result([[0.1], [0.8]], [[0], [1]]), result([[0.1]] * 9, [[0]] * 9)],
    ids=["none", "few", "one class"],
)
def test_too_little_to_choose_by_gives_the_fixed_threshold(given):
    assert fit_thresholds(("any",), exams=given, slices=given, minimum=3) == {
        "any": {"threshold": 0.5, "source": "fixed"}
    }


def test_slices_serve_where_too_few_exams_are_known():
    slices = result([[0.1], [0.8], [0.7]], [[0], [1], [1]])
    for exams in (None, result([[0.3]], [[1]])):
        found = fit_thresholds(("any",), exams=exams, slices=slices, minimum=3)["any"]
        assert chosen(found) == (pytest.approx(0.7), "validation slices")
        assert found["slice_threshold"] == found["rules"]["youden"] == found["threshold"]
    exams = result([[0.2], [0.9], [0.9]], [[0], [1], [1]])
    found = fit_thresholds(("any",), exams=exams, slices=slices, minimum=3)["any"]
    assert chosen(found) == (pytest.approx(0.9), "validation")
    assert found["slice_threshold"] == pytest.approx(0.7)
