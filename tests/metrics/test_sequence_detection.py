import math

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.core.errors import InputError
from examwise.metrics.runs import find_runs
from examwise.metrics.sequence_detection import (
    detected_sequences,
    is_above_even_share,
    match_runs,
    shares_of_exam,
)

slices = st.tuples(st.booleans(), st.booleans(), st.integers(0, 3))
bags = st.lists(st.lists(slices, min_size=1, max_size=12), min_size=1, max_size=4)


def walk(flags):
    """Runs of one exam as lists of indices."""
    found = []
    for index, flag in enumerate(flags):
        if flag and index and flags[index - 1]:
            found[-1].append(index)
        elif flag:
            found.append([index])
    return found


def slow_counts(one, *, offset, min_length):
    labels, calls, scores = zip(*one, strict=True)
    true = walk(labels)
    predicted = [run for run in walk(calls) if len(run) >= min_length]
    tops = [max(run, key=lambda index: (scores[index], -index)) for run in predicted]

    def meet(run, top):
        return run[0] - offset <= top <= run[-1] + offset

    n_hit = sum(any(meet(run, top) for top in tops) for run in true)
    n_correct = sum(any(meet(run, top) for run in true) for top in tops)
    return len(true), n_hit, len(predicted), n_correct


@settings(deadline=None, max_examples=50)
@given(bags, st.integers(0, 14), st.integers(1, 4))
def test_counts_equal_a_walk_along_each_exam(exams, offset, min_length):
    exam = np.repeat(np.arange(len(exams)), [len(one) for one in exams])
    labels, calls, scores = np.array([one for bag in exams for one in bag], float).T
    found = detected_sequences(labels, calls, scores, exam, offset=offset, min_length=min_length)
    expected = [slow_counts(one, offset=offset, min_length=min_length) for one in exams]
    columns = (found.n_true, found.n_hit, found.n_predicted, found.n_correct)
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == expected
    for f1, (n_true, n_hit, n_predicted, n_correct) in zip(found.f1(), expected, strict=True):
        if n_true == n_predicted == 0:
            assert math.isnan(f1)
        elif n_hit == 0:
            assert f1 == 0
        else:
            recall, precision = n_hit / n_true, n_correct / n_predicted
            assert f1 == pytest.approx(2 / (1 / recall + 1 / precision))


def test_runs_of_one_slice_without_offset_are_plain_classification():
    draw = np.random.default_rng(0)
    # Every second slice is negative and uncalled, so that each slice is a run of its own.
    labels, calls = draw.integers(0, 2, (2, 200))
    spread = np.zeros((2, 400), int)
    spread[:, ::2] = labels, calls
    found = detected_sequences(spread[0], spread[1], np.zeros(400), np.zeros(400, int))
    assert found.f1()[0] == pytest.approx(sklearn.metrics.f1_score(labels, calls))


def test_an_offset_does_not_reach_into_the_next_exam():
    true = find_runs([0, 0, 1, 1], [0, 0, 1, 1])
    predicted = find_runs([0, 1, 0, 0], [0, 0, 1, 1])
    matched = match_runs(true, predicted, [1], offset=50, n_exams=2)
    assert not matched.hits.any()
    assert matched.is_hit_by.tolist() == [0]


def test_one_top_slice_between_two_true_runs_hits_both_and_is_one_prediction():
    found = detected_sequences([1, 0, 1], [0, 1, 0], [0, 1, 0], [0, 0, 0], offset=1)
    assert (found.n_hit[0], found.n_predicted[0], found.n_correct[0]) == (2, 1, 1)
    assert found.f1()[0] == 1


def test_a_negative_offset_is_refused():
    runs = find_runs([1], [0])
    with pytest.raises(InputError, match="0 or more"):
        match_runs(runs, runs, [0], offset=-1, n_exams=1)


@pytest.mark.parametrize("n", [1, 3, 7, 30, 49, 97])
def test_slices_all_alike_have_the_even_share_whatever_their_number(n):
    exam = np.zeros(n, int)
    assert is_above_even_share(shares_of_exam(np.full(n, 0.1), exam), exam).all()
    assert is_above_even_share(np.full(n, np.float32(1) / np.float32(n)), exam).all()
    assert not is_above_even_share(shares_of_exam(np.zeros(n), exam), exam).any()
