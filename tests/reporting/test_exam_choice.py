from __future__ import annotations

import random

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.reporting.exam_choice import ExamCall, choose_exams, exam_calls

NAMES = {"strong": "strong", "weak": "weak"}


def call(exam_id: str, label: int | None, strong: float, weak: float) -> ExamCall:
    return ExamCall(
        exam_id,
        label,
        {"strong": strong, "weak": weak},
        {"strong": strong >= 0.5, "weak": weak >= 0.5},
    )


def test_rule_by_hand() -> None:
    calls = [
        call("a", 1, 0.9, 0.8),
        call("b", 1, 0.99, 0.6),
        call("c", 1, 0.1, 0.9),
        call("d", 1, 0.2, 0.3),
        call("e", 1, 0.7, 0.05),
        call("f", 0, 0.6, 0.1),
        call("g", 0, 0.2, 0.95),
        call("h", 0, 0.1, 0.2),
        call("i", 0, 0.05, 0.3),
    ]
    chosen, absent = choose_exams(calls, NAMES)
    assert [(exam.title, exam.call.exam_id) for exam in chosen] == [
        ("Most confident hit", "a"),
        ("Missed by the strong learner", "c"),
        ("Missed by the weak learner", "e"),
        ("False alarm", "g"),
        ("Learners disagree", "f"),
        ("Correct negative", "h"),
    ]
    assert absent == []


def test_kinds_without_an_exam_are_named() -> None:
    chosen, absent = choose_exams([call("a", 1, 0.9, 0.9)], NAMES)
    assert len(chosen) == 1
    assert absent == [
        "Missed by the strong learner",
        "Missed by the weak learner",
        "False alarm",
        "Learners disagree",
        "Correct negative",
    ]


def test_exams_without_truth_are_shown_only_for_disagreement() -> None:
    chosen, _ = choose_exams([call("a", None, 0.9, 0.1), call("b", None, 0.9, 0.9)], NAMES)
    assert [exam.title for exam in chosen] == ["Learners disagree"]


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.tuples(st.sampled_from([0, 1, None]), st.sampled_from([0.1, 0.4, 0.6]), st.floats(0, 1)),
        max_size=12,
    ),
    st.randoms(use_true_random=False),
)
def test_no_exam_twice_whatever_the_order(
    rows: list[tuple[int | None, float, float]], shuffler: random.Random
) -> None:
    calls = [call(f"e{number:02d}", *row) for number, row in enumerate(rows)]
    chosen, absent = choose_exams(calls, NAMES)
    ids = [exam.call.exam_id for exam in chosen]
    assert len(set(ids)) == len(ids)
    assert len(ids) + len(absent) == 6
    shuffled = list(calls)
    shuffler.shuffle(shuffled)
    again, _ = choose_exams(sorted(shuffled, key=lambda found: found.exam_id), NAMES)
    assert [exam.call.exam_id for exam in again] == ids


def test_calls_compare_with_each_runs_own_threshold() -> None:
    rows = {"exam_id": ["b", "a"], "exam_probability": [0.4, 0.6], "exam_label": [1, 0]}
    frame = pl.DataFrame(rows)
    calls = exam_calls(
        {"strong": frame, "weak": frame.filter(pl.col("exam_id") == "b")},
        {"strong": 0.4, "weak": 0.41},
    )
    assert [found.exam_id for found in calls] == ["b"]
    assert calls[0].positive == {"strong": True, "weak": False}
