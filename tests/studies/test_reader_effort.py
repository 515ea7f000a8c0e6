import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from examwise.core.errors import InputError
from examwise.studies.config import ReaderCosts
from examwise.studies.reader_effort import ReaderEffort, run_actions


@given(st.lists(st.integers(0, 1), min_size=1, max_size=40))
def test_actions_are_two_a_run_and_one_for_a_negative_exam(labels):
    runs = sum(value for value, _ in itertools.groupby(labels))
    assert run_actions(np.array(labels)) == (2 * runs or 1)


def test_efforts_add_up():
    total = ReaderEffort(1, 2, 3) + ReaderEffort(10, 20, 30)
    assert total == ReaderEffort(11, 22, 33)


def test_hours_count_each_kind_of_work():
    costs = ReaderCosts(seconds_per_exam=60, seconds_per_slice=6, seconds_per_action=3)
    assert ReaderEffort(30, 200, 200).hours(costs) == pytest.approx((1800 + 1200 + 600) / 3600)


def test_costs_that_are_all_zero_are_refused():
    with pytest.raises(InputError, match="leave costs out if you do not know them"):
        ReaderCosts(seconds_per_exam=0, seconds_per_slice=0, seconds_per_action=0)


def test_negative_costs_are_refused():
    with pytest.raises(InputError, match=r"costs\.seconds_per_slice: expected 0 or more"):
        ReaderCosts(seconds_per_exam=1, seconds_per_slice=-1, seconds_per_action=1)
