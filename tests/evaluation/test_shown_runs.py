"""Which runs stand for the others."""

import polars as pl

from examwise.core.schemas.study import BUDGETED, FINE_TUNED, LABEL_FREE
from examwise.evaluation.shown_runs import compared_pairs, main_runs, shown_runs

ARMS = {"strong": "strong", "weak": "weak"}


def _runs(*rows):
    names = ("run_id", "learner", "mode", "acquisition", "budget", "repeat", "n_exams_opened")
    return pl.DataFrame([dict(zip(names, row, strict=True)) for row in rows]).with_columns(
        pl.lit("any").alias("label_kind")
    )


RUNS = _runs(
    ("s-10", "strong", BUDGETED, "spread", 10, 0, 9),
    ("s-20", "strong", BUDGETED, "spread", 20, 0, 18),
    ("s-20-1", "strong", BUDGETED, "spread", 20, 1, 18),
    ("s-whole", "strong", BUDGETED, "whole_exam", 20, 0, 2),
    ("s-tuned", "strong", FINE_TUNED, "spread", 20, 0, 18),
    ("w-8", "weak", BUDGETED, "exam", 8, 0, 8),
    ("w-tuned", "weak", FINE_TUNED, "exam", 8, 0, 8),
    ("pooled", "pooled", BUDGETED, "exam", 8, 0, 8),
    ("free", "mean_hu", LABEL_FREE, "none", 0, 0, 0),
)


def test_one_run_a_curve_is_shown():
    assert shown_runs(RUNS) == [
        "free",
        "pooled",
        "s-20",
        "s-tuned",
        "s-whole",
        "w-8",
        "w-tuned",
    ]


def test_a_fine_tuned_run_stands_for_its_learner():
    assert main_runs(RUNS, ARMS) == {"strong": "s-tuned", "weak": "w-tuned"}


def test_without_fine_tuning_the_largest_budget_stands_for_it():
    frozen = RUNS.filter(pl.col("mode") != FINE_TUNED)
    assert main_runs(frozen, ARMS) == {"strong": "s-whole", "weak": "w-8"}


def test_a_learner_that_was_not_trained_has_no_run():
    assert main_runs(RUNS.filter(pl.col("learner") != "weak"), ARMS) == {"strong": "s-tuned"}


def test_pairs_hold_like_against_like_and_main_runs_against_references():
    pairs = compared_pairs(RUNS, ARMS)
    assert pairs[:3] == [("w-tuned", "s-tuned"), ("w-8", "s-20"), ("w-8", "s-whole")]
    assert set(pairs[3:]) == {
        ("w-tuned", "w-8"),
        ("w-tuned", "pooled"),
        ("w-tuned", "free"),
        ("s-tuned", "s-20"),
        ("s-tuned", "s-whole"),
        ("s-tuned", "pooled"),
        ("s-tuned", "free"),
    }
    assert len(pairs) == len(set(pairs))
