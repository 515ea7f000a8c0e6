from __future__ import annotations

import numpy as np
import pytest

from examwise.core.errors import InputError
from examwise.explain.hshap.importance import Importance


def test_an_absolute_threshold_is_to_be_exceeded():
    values = np.array([[0.0, -1.0, 0.5, 0.6]])
    assert Importance().matters(values, np.array([0])).tolist() == [[False, False, True, True]]
    assert Importance(0.5).matters(values, np.array([0])).sum() == 1


def test_percentiles_are_taken_within_a_group():
    values = np.array([[1.0, 2.0], [3.0, 4.0], [100.0, 200.0]])
    found = Importance(50, "relative").matters(values, np.array([0, 0, 3]))
    assert found.tolist() == [[False, False], [True, True], [False, True]]


def test_a_percentile_is_to_be_reached_above_0_and_exceeded_otherwise():
    level = np.array([[2.0, 2.0, 2.0, 2.0], [0.0, 0.0, 0.0, 0.0]])
    found = Importance(70, "relative").matters(level, np.array([0, 1]))
    assert found.all(1).tolist() == [True, False]
    assert not found[1].any()


def test_no_parts():
    none = np.empty((0, 4))
    for rule in (Importance(), Importance(50, "relative")):
        assert rule.matters(none, np.empty(0, np.int64)).shape == (0, 4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "often"}, "threshold mode: expected one of absolute, relative, got often"),
        ({"threshold": 101, "mode": "relative"}, "expected a percentile, 0 to 100, got 101"),
        ({"threshold": float("nan")}, "threshold: expected a number, got nan"),
    ],
)
def test_a_wrong_rule_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        Importance(**options)
