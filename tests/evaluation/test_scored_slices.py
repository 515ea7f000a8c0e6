import numpy as np
import polars as pl
import pytest

from examwise.evaluation.scored_slices import scored_slices
from examwise.metrics.position import PositionHistogram

HISTOGRAM = PositionHistogram((0.0, 1.0), (0.1, 0.9), 40)


@pytest.fixture
def two_runs(make_exams, make_slices):
    frames = [
        make_exams([0, 1] * 4, [0.1] * 8, run_id=run_id, archive=["b", "a", "a", "b"] * 2)
        for run_id in ("r2", "r1")
    ]
    slices = [make_slices(exams, attention=exams["run_id"][0] == "r1") for exams in frames]
    return pl.concat(slices), pl.concat(frames)


def test_groups_come_in_the_order_of_their_names(two_runs):
    groups = list(scored_slices(*two_runs, {"r1": {"any": HISTOGRAM}}))
    assert [(g.run_id, g.archive) for g in groups] == [
        ("r1", "a"),
        ("r1", "b"),
        ("r2", "a"),
        ("r2", "b"),
    ]
    assert list(groups[0].scores) == ["slice_probability", "attention_weight", "position_only"]
    assert list(groups[-1].scores) == ["slice_probability"]
    assert groups[0].n_exams == 4
    assert groups[0].key == {
        "run_id": "r1",
        "learner": "weak",
        "archive": "a",
        "finding": "any",
    }


def test_slices_stand_exam_after_exam_whatever_their_order(two_runs):
    slices, exams = two_runs
    for a, b in zip(
        scored_slices(slices, exams, {}),
        scored_slices(slices.sample(fraction=1, shuffle=True, seed=0), exams.reverse(), {}),
        strict=True,
    ):
        assert a.exam.tolist() == np.repeat(np.arange(4), 5).tolist() == b.exam.tolist()
        assert a.slice_index.tolist() == list(range(5)) * 4 == b.slice_index.tolist()
        assert (a.label == b.label).all()
        assert (a.patient == b.patient).all()
        assert all((a.scores[name] == b.scores[name]).all() for name in a.scores)


def test_slices_of_exams_that_are_not_evaluated_are_left_out(two_runs):
    slices, exams = two_runs
    kept = exams.filter(pl.col("exam_id") == "e0003", pl.col("run_id") == "r1")
    (group,) = scored_slices(slices, kept, {})
    assert (group.n_exams, len(group.exam)) == (1, 5)
    assert not list(scored_slices(slices.clear(), kept, {}))


def test_whole_exams_are_numbered_anew(two_runs):
    slices, exams = two_runs
    hole = (pl.col("exam_id") == "e0002") & (pl.col("slice_index") == 3)
    unlabelled = slices.with_columns(
        slice_label=pl.when(~hole).then(pl.col("slice_label")).cast(pl.Int8)
    )
    group = next(iter(scored_slices(unlabelled, exams, {})))
    assert group.counted("slice_probability").sum() == 19
    whole = group.of_whole_exams("slice_probability")
    assert whole.exam.tolist() == np.repeat(np.arange(3), 5).tolist()
    assert whole.patient.tolist() == [group.patient[0], *group.patient[2:].tolist()]
    assert (whole.label >= 0).all()
    assert whole.of_whole_exams("slice_probability") is whole


def test_positive_exams_are_those_with_a_positive_slice(two_runs):
    group = next(iter(scored_slices(*two_runs, {})))
    inside = group.in_positive_exams()
    assert set(group.exam[inside]) == set(group.exam[group.label == 1])
    assert inside.sum() == 5 * len(set(group.exam[group.label == 1]))
