import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.core.errors import InputError
from examwise.metrics.runs import find_runs, top_slices

bags = st.lists(
    st.lists(st.tuples(st.booleans(), st.integers(0, 3)), min_size=1, max_size=9),
    min_size=1,
    max_size=5,
)


def arrays(exams):
    exam = np.repeat(np.arange(len(exams)), [len(one) for one in exams])
    flat = [pair for one in exams for pair in one]
    return exam, np.array([p for p, _ in flat]), np.array([s for _, s in flat], float)


def slow_runs(exams):
    """Each run as (exam, first, length, index of its top slice)."""
    found = []
    for number, one in enumerate(exams):
        place = 0
        for positive, members in itertools.groupby(one, key=lambda pair: pair[0]):
            scores = [score for _, score in members]
            if positive:
                found.append((number, place, len(scores), place + scores.index(max(scores))))
            place += len(scores)
    return found


@settings(deadline=None, max_examples=50)
@given(bags)
def test_runs_and_their_top_slices_equal_a_walk_along_each_exam(exams):
    exam, positive, scores = arrays(exams)
    runs = find_runs(positive, exam)
    tops = top_slices(runs, scores)
    columns = (runs.exam, runs.first, runs.length, tops)
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == slow_runs(exams)
    assert (runs.last == runs.first + runs.length - 1).all()
    assert all(positive[s : s + n].all() for s, n in zip(runs.start, runs.length, strict=True))


def test_a_run_ends_where_slices_are_missing():
    runs = find_runs([1, 1, 1], [0, 0, 0], [3, 4, 7])
    assert runs.first.tolist() == [3, 7]
    assert runs.length.tolist() == [2, 1]
    assert top_slices(runs, [0.1, 0.9, 0.2]).tolist() == [4, 7]


def test_without_a_positive_slice_there_is_no_run():
    runs = find_runs([0, 0], [0, 1])
    assert len(runs) == 0
    assert top_slices(runs, [0.1, 0.2]).shape == (0,)


@pytest.mark.parametrize(
    ("positive", "exam", "index"),
    [
        ([1, 1], [1, 0], None),
        ([1, 1], [0, 0], [1, 0]),
        ([1, 1], [0, 0], [1, 1]),
        ([1, 1, 1], [0, 0], None),
    ],
)
def test_slices_in_another_order_are_refused(positive, exam, index):
    with pytest.raises(InputError, match="exam after exam"):
        find_runs(positive, exam, index)
