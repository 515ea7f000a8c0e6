import polars as pl
import pytest

from examwise.core.errors import InputError
from examwise.evaluation.test_set import common_test_set


def two(first, second):
    return pl.concat([first, second])


def test_exams_are_aligned_whatever_their_order(make_exams):
    first = make_exams([0, 1, 1], [1.0, 2.0, 3.0])
    second = make_exams([0, 1, 1], [4.0, 5.0, 6.0], run_id="r2").reverse()
    found = common_test_set(two(first, second), ["r1", "r2"], finding="any")
    assert found.exam_logits["r2"].tolist() == [4, 5, 6]
    assert (found.archive, found.n_exams, found.n_positive, found.n_patients) == ("here", 3, 2, 3)


def test_runs_that_score_all_exams_alike_are_counted(make_exams):
    same = make_exams([0, 1, 1], [4.0, 4.0 + 1e-9, 4.0], run_id="r2")
    both = two(make_exams([0, 1, 1], [1.0, 2.0, 3.0]), same)
    found = common_test_set(both, ["r1", "r2"], finding="any")
    assert (found.n_constant(["r1", "r2"]), found.n_constant(["r1"])) == (1, 0)


def test_exams_without_a_label_are_left_out(make_exams):
    found = common_test_set(make_exams([0, None, 1], [1.0, 2.0, 3.0]), ["r1"], finding="any")
    assert found.exam_logits["r1"].tolist() == [1, 3]


@pytest.mark.parametrize(
    "labels", [[0, 1], [0, 1, None], [1, 0, 1]], ids=["fewer", "unlabelled", "relabelled"]
)
def test_runs_judged_by_other_exams_are_refused(make_exams, labels):
    first = make_exams([0, 1, 1], [1.0, 2.0, 3.0])
    second = make_exams(labels, [1.0] * len(labels), run_id="r2")
    with pytest.raises(InputError, match="run r2: expected the 3 labelled exams of run r1"):
        common_test_set(two(first, second), ["r1", "r2"], finding="any")


def test_a_finding_or_run_without_predictions_is_refused(make_exams):
    exams = make_exams([0, 1], [1.0, 2.0])
    with pytest.raises(InputError, match="exams with a label for subdural"):
        common_test_set(exams, ["r1"], finding="subdural")
    with pytest.raises(InputError, match="run r9"):
        common_test_set(exams, ["r1", "r9"], finding="any")
    with pytest.raises(InputError, match="at least one finished run"):
        common_test_set(exams, [], finding="any")


def test_one_class_is_refused(make_exams):
    with pytest.raises(InputError, match="2 exams, all labelled 1"):
        common_test_set(make_exams([1, 1], [1.0, 2.0]), ["r1"], finding="any")


def test_exams_of_several_archives_are_judged_together(make_exams):
    exams = make_exams([0, 1], [1.0, 2.0], archive=["b", "a"], patient_key="p")
    found = common_test_set(exams, ["r1"], finding="any")
    assert (found.archive, found.n_exams, found.n_patients) == ("a + b", 2, 1)
