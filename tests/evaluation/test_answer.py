import json
from dataclasses import replace

import polars as pl
import pytest

from examwise.core.errors import SchemaError
from examwise.core.schemas.evaluation import BUDGET_CURVE, RATIOS
from examwise.evaluation.answer import Answer, compose_answer
from examwise.evaluation.study_facts import StudyFacts

FACTS = StudyFacts("here", 400, 160, 390, "whole_exam", 28.0, 27.9, 0.0)


def curve_row(learner, budget, auc, **columns):
    return {
        "learner": learner,
        "finding": "any",
        "label_kind": "slice" if learner == "strong" else "exam",
        "budget": budget,
        "n_repeats": 5,
        "mean_exams_opened": 10.0,
        "mean_reader_actions": budget / 2,
        "mean_reader_hours": budget / 100,
        "mean_auc": auc,
        "auc_lower": auc - 0.05,
        "auc_upper": auc + 0.05,
    } | columns


def ratio_row(unit, strong=300.0, weak=100.0, lower=2.0, upper=4.5, **columns):
    both = strong is not None and weak is not None
    kinds = {(1, 1): "closed", (1, 0): "open_above", (0, 1): "open_below", (0, 0): "not_estimable"}
    return {
        "finding": "any",
        "target_auc": 0.8,
        "unit": unit,
        "strong": strong,
        "strong_at_most": False,
        "weak": weak,
        "weak_at_most": False,
        "ratio": strong / weak if both else None,
        "ratio_lower": lower,
        "ratio_upper": upper,
        "interval": kinds[lower is not None, upper is not None],
        "reached_strong": 1.0,
        "reached_weak": 1.0,
        "reached_neither": 0.0,
    } | columns


CURVE = BUDGET_CURVE.frame(
    [
        curve_row("strong", 100, 0.7),
        curve_row("strong", 5000, 0.85),
        curve_row("weak", 20, 0.72),
        curve_row("weak", 300, 0.86),
    ]
)


def compose(*ratios, curve=CURVE, costs_given=True, facts=FACTS):
    return compose_answer(
        curve,
        RATIOS.frame(list(ratios)),
        target_auc=0.8,
        finding="any",
        costs_given=costs_given,
        facts=facts,
    )


def test_hours_come_first_then_actions_and_labels():
    answer = compose(
        ratio_row("labels", 2800.0, 100.0, 20.0, 40.0),
        ratio_row("actions", 140.0, 100.0, 0.9, 2.1),
        ratio_row("hours", 9.0, 3.0),
    )
    assert answer.headline == (
        "To reach an AUC of 0.8 for the finding 'any', labelling slices took 9.00 reader hours "
        "and labelling whole exams 3.00 reader hours: 3.00 times the reader hours (95% interval "
        "2.00 to 4.50), 1.40 times the reader actions (95% interval 0.90 to 2.10) and 28 times "
        "the labels (95% interval 20 to 40); in reader hours, labelling whole exams was cheaper."
    )


def test_without_costs_actions_lead_and_hours_are_silent():
    answer = compose(
        ratio_row("labels"), ratio_row("hours"), ratio_row("actions", lower=0.8), costs_given=False
    )
    assert "hours" not in answer.headline
    assert "in reader actions the interval includes 1, so these data do not tell" in answer.headline
    assert all(row["hours"] is None for row in answer.table)
    assert any("there are no hours" in caution for caution in answer.cautions)


@pytest.mark.parametrize(
    ("limits", "verdict"),
    [
        ((1.2, 4.0), "labelling whole exams was cheaper"),
        ((1.2, None), "labelling whole exams was cheaper"),
        ((0.2, 0.8), "labelling slices was cheaper"),
        ((None, 0.8), "labelling slices was cheaper"),
        ((0.5, 2.0), "the interval includes 1, so these data do not tell which is cheaper"),
        ((0.5, None), "the interval includes 1, so these data do not tell which is cheaper"),
        ((None, 1.5), "the interval includes 1, so these data do not tell which is cheaper"),
        ((None, None), "is not estimable, so these data do not tell which is cheaper"),
    ],
)
def test_verdict_follows_the_interval_alone(limits, verdict):
    headline = compose(ratio_row("hours", 9.0, 3.0, *limits)).headline
    assert headline.endswith(f"{verdict}.")


def test_strong_that_does_not_reach_the_target_is_said():
    headline = compose(ratio_row("hours", None, 3.0, 16.0, None)).headline
    assert headline == (
        "Labelling whole exams reached an AUC of 0.8 for the finding 'any' with 3.00 reader "
        "hours, labelling slices did not reach it with the largest budget, 50 reader hours; in "
        "reader hours, labelling whole exams was cheaper (ratio of slices to exams: 95% interval "
        "16 or more)."
    )


def test_weak_that_does_not_reach_the_target_is_said():
    row = ratio_row("hours", 9.0, None, None, 2.5)
    headline = compose(row | {"strong_at_most": True}).headline
    assert headline.startswith("Labelling slices reached an AUC of 0.8")
    assert "with at most 9.00 reader hours" in headline
    assert "labelling whole exams did not reach it with the largest budget, 3.00" in headline
    assert (
        "the interval includes 1 (ratio of slices to exams: 95% interval 2.50 or less)" in headline
    )


def test_neither_reaching_the_target_is_said_with_the_best_of_each():
    curve = CURVE.with_columns(pl.col("mean_auc") - 0.1)
    headline = compose(ratio_row("hours", None, None, None, None), curve=curve).headline
    assert headline == (
        "Neither way of labelling reached an AUC of 0.8 for the finding 'any' (the mean AUC came "
        "to 0.75 with 5,000 labels by labelling slices and 0.76 with 300 labels by labelling "
        "whole exams), so these data do not tell which is cheaper."
    )


def test_a_lucky_budget_or_rounding_does_not_contradict_that_neither_reached_the_target():
    rows = [curve_row("strong", budget, auc) for budget, auc in ((10, 0.6), (20, 0.82), (40, 0.74))]
    rows += [curve_row("weak", 10, 0.7), curve_row("weak", 20, 0.7996)]
    curve = BUDGET_CURVE.frame(rows)
    headline = compose(ratio_row("hours", None, None, None, None), curve=curve).headline
    assert (
        "(the never falling fit to the mean AUC came to 0.78 with 40 labels by labelling slices "
        "and 0.7996 with 20 labels by labelling whole exams)"
    ) in headline


def test_one_draw_of_labels_is_called_one_draw():
    once = CURVE.with_columns(pl.lit(1, pl.Int32).alias("n_repeats"))
    for row in (ratio_row("hours"), ratio_row("hours", None, 3.0, 16.0, None)):
        assert "was cheaper in the one draw of labels" in compose(row, curve=once).headline
        assert "draw" not in compose(row).headline


@pytest.mark.parametrize(
    ("arm", "words"), [("strong", "at most 3.00 times"), ("weak", "at least 3.00 times")]
)
def test_a_smallest_budget_that_suffices_bounds_the_ratio(arm, words):
    answer = compose(ratio_row("hours", 9.0, 3.0, **{f"{arm}_at_most": True}))
    assert words in answer.headline
    assert any("the smallest budget reached the target already" in c for c in answer.cautions)


def test_two_smallest_budgets_that_suffice_compare_nothing():
    row = ratio_row("hours", 9.0, 3.0, None, None, strong_at_most=True, weak_at_most=True)
    headline = compose(row | {"ratio": None}).headline
    assert "at most 9.00 reader hours" in headline
    assert headline.endswith("so these data do not tell which is cheaper.")


def test_a_study_without_one_arm_says_so_and_speaks_of_no_ratio():
    answer = compose(curve=CURVE.filter(pl.col("learner") == "weak"))
    assert answer.headline.startswith("This study has no runs of labelling slices,")
    assert not any("ratio" in caution for caution in answer.cautions)


def test_table_holds_learners_by_budget():
    table = compose(ratio_row("hours")).table
    assert [(row["learner"], row["labels"]) for row in table] == [
        ("strong", 100),
        ("strong", 5000),
        ("weak", 20),
        ("weak", 300),
    ]
    assert table[0]["actions"] == 50
    aucs = table[0]["auc"], table[0]["auc_lower"], table[0]["auc_upper"]
    assert aucs == pytest.approx((0.7, 0.65, 0.75))


def cautions(*, curve=CURVE, facts=FACTS, costs_given=True, **columns):
    row = ratio_row("hours" if costs_given else "actions", **columns)
    return "\n".join(compose(row, curve=curve, facts=facts, costs_given=costs_given).cautions)


def test_cautions_state_what_the_study_was():
    text = cautions()
    assert "400 test exams (160 positive) of 390 patients." in text
    assert "archive 'here'" in text
    assert "Every budget was tried 5 times with labels drawn anew." in text
    assert "assumed costs" in text
    assert "drawn exam by exam, 28 for each exam opened" in text
    assert "28 slices on average" in text
    for absent in ("few", "did not reach", "falls", "unspent", "once"):
        assert absent not in text


def test_cautions_appear_with_their_cause():
    few = StudyFacts("here", 100, 20, 100, "spread", None, 1.1, 0.16)
    text = cautions(facts=few, reached_strong=0.88, reached_neither=0.001)
    assert "In less than 1% of the resampled studies neither way did" in text
    assert "of 100 patients, which is few." in text
    assert "spread over exams, 1.10 for each exam opened" in text
    assert "up to 16% of a budget stayed unspent" in text
    assert "In 12% of the resampled studies labelling slices did not reach" in text
    assert "slices on average" not in text


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.004, "less than 1%"), (0.12, "12%"), (0.996, "more than 99%"), (1.0, "all")],
)
def test_shares_of_resampled_studies_are_not_rounded_to_all_or_none(share, words):
    assert f"In {words} of the resampled studies labelling whole" in cautions(
        reached_weak=1 - share
    )


def test_nothing_is_left_out_of_an_interval_that_there_is_not():
    assert "left out of its interval" in cautions(reached_neither=0.02)
    text = cautions(reached_neither=0.4, lower=None, upper=None)
    assert "these say nothing about the ratio." in text


def test_runs_whose_training_failed_are_said():
    facts = replace(FACTS, n_runs=24, n_constant_runs=3)
    assert "3 of 24 runs gave every test exam the same score" in cautions(facts=facts)
    assert "same score" not in cautions(facts=replace(facts, n_constant_runs=0))


@pytest.mark.parametrize(
    ("repeats", "words"),
    [
        ((1, 1), "was tried once"),
        ((3, 3), "tried 3 times with labels drawn anew; so few"),
        ((2, 6), "tried 2 to 6 times"),
    ],
)
def test_few_repeats_are_said(repeats, words):
    rows = [
        curve_row("strong", 10, 0.7, n_repeats=repeats[0]),
        curve_row("weak", 10, 0.7, n_repeats=repeats[1]),
    ]
    assert words in cautions(curve=BUDGET_CURVE.frame(rows))


def test_a_falling_curve_is_said():
    rows = [curve_row("strong", 10, 0.75), curve_row("strong", 20, 0.74), curve_row("weak", 9, 0.7)]
    assert "With labelling slices the mean AUC falls" in cautions(curve=BUDGET_CURVE.frame(rows))


def test_json_round_trip():
    answer = compose(ratio_row("hours"))
    assert Answer.from_json(answer.to_json()) == answer
    assert set(json.loads(answer.to_json())) == {
        "headline",
        "finding",
        "target_auc",
        "table",
        "cautions",
    }


@pytest.mark.parametrize("text", ["{", "[]", '{"headline": "x"}'])
def test_broken_json_is_refused(text):
    with pytest.raises(SchemaError, match="an answer in JSON"):
        Answer.from_json(text)
