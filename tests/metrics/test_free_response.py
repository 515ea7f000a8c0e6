import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.core.errors import InputError
from examwise.metrics.free_response import free_response, marked_slices
from examwise.metrics.runs import find_runs

slices = st.tuples(st.integers(0, 1), st.integers(0, 4), st.booleans())
bags = st.lists(st.lists(slices, min_size=1, max_size=8), min_size=1, max_size=4)


def arrays(exams):
    exam = np.repeat(np.arange(len(exams)), [len(one) for one in exams])
    return exam, *np.array([one for bag in exams for one in bag]).T


@settings(deadline=None, max_examples=50)
@given(bags, st.sampled_from([0.0, 0.25, 0.5, 1.0, 2.0, 8.0]))
def test_a_point_is_the_best_threshold_that_keeps_to_the_rate(exams, rate):
    exam, labels, ratings, marks = arrays(exams)
    found = free_response(labels, ratings, exam, marks)
    runs = find_runs(labels, exam)
    best = np.zeros(len(runs), bool)
    for threshold in (0, 1, 2, 3, 4, 5):
        counted = (marks == 1) & (ratings >= threshold)
        if (counted & (labels == 0)).sum() <= rate * len(exams):
            spans = zip(runs.start, runs.length, strict=True)
            best |= np.array([counted[s : s + n].any() for s, n in spans], bool)
    assert (found.is_found(rate) == best).all()


@settings(deadline=None, max_examples=50)
@given(bags)
def test_marks_are_the_first_highest_of_their_neighbours(exams):
    exam, _, scores, _ = arrays(exams)
    expected = []
    for bag in exams:
        own = [score for _, score, _ in bag]
        for index, score in enumerate(own):
            before, after = own[max(0, index - 2) : index], own[index + 1 : index + 3]
            expected.append(all(score > b for b in before) and all(score >= a for a in after))
    assert marked_slices(scores, exam).tolist() == expected


def test_marks_of_one_rating_count_together():
    found = free_response([1, 0, 0, 0], [2, 2, 2, 1], [0, 0, 0, 0], [1, 0, 1, 1])
    assert found.largest_rate == 2
    assert not found.is_found(0.9).any()
    assert found.is_found(1).all()


def test_exams_without_a_true_run_count_among_exams():
    found = free_response([0, 0], [1, 2], [0, 1], [1, 1])
    assert found.n_exams == 2
    assert found.largest_rate == 1
    assert found.is_found(1).shape == (0,)


def test_no_slice_and_nan_are_refused():
    with pytest.raises(InputError, match="one or more slices"):
        free_response([], [], [], [])
    with pytest.raises(InputError, match="NaN"):
        free_response([1], [float("nan")], [0], [1])


def test_missing_slices_end_runs_and_keep_marks_apart():
    exam, index = [0] * 4, [3, 4, 9, 10]
    scores = np.array([4.0, 3.0, 2.0, 1.0])
    assert marked_slices(scores, exam).tolist() == [True, False, False, False]
    marks = marked_slices(scores, exam, index)
    assert marks.tolist() == [True, False, True, False]
    found = free_response([0, 1, 1, 0], scores, exam, marks, index)
    assert found.true_rating.tolist() == [-np.inf, 2.0]
    assert found.false_rating.tolist() == [4.0]
