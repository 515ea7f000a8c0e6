from dataclasses import replace

import polars as pl
import pytest

from examwise.core.schemas.evaluation import BUDGET_CURVE, RATIOS
from examwise.evaluation.archive_answer import compose_archive_answer, ratios_by_drawing
from examwise.evaluation.paired_difference import (
    FineTuningComparison,
    PairedDifference,
    ReferenceComparison,
)
from examwise.evaluation.study_facts import StudyFacts

FACTS = StudyFacts(
    "here", 400, 160, 390, slices_per_exam=28.0, labels_per_exam={"whole_exam": 27.9}
)


@pytest.fixture
def curve(make_curve_row):
    return BUDGET_CURVE.frame(
        [
            make_curve_row("strong", 100, 0.7),
            make_curve_row("strong", 5000, 0.85),
            make_curve_row("weak", 20, 0.72),
            make_curve_row("weak", 300, 0.86),
        ]
    )


@pytest.fixture
def compose(curve):
    def compose(*ratios, curve=curve, costs_given=True, facts=FACTS):
        return compose_archive_answer(
            curve,
            ratios_by_drawing(RATIOS.frame(list(ratios)), costs_given=costs_given),
            arms={"strong": "strong", "weak": "weak"},
            target_auc=0.8,
            finding="any",
            costs_given=costs_given,
            facts=facts,
        )

    return compose


@pytest.fixture
def sentence(compose):
    def sentence(*ratios, **options):
        (reading,) = compose(*ratios, **options).readings
        return reading.sentence

    return sentence


def test_hours_come_first_then_actions_and_labels(compose, make_ratio_row):
    answer = compose(
        make_ratio_row("labels", 2800.0, 100.0, 20.0, 40.0),
        make_ratio_row("actions", 140.0, 100.0, 0.9, 2.1),
        make_ratio_row("hours", 9.0, 3.0),
    )
    (reading,) = answer.readings
    assert reading.sentence == (
        "With slice labels drawn exam by exam, to reach an AUC of 0.8 for the finding 'any', slice "
        "labels took 9.00 reader hours and exam labels 3.00 reader hours: 3.00 times the reader "
        "hours (95% interval 2.00 to 4.50), 1.40 times the reader actions (95% interval 0.90 to "
        "2.10) and 28 times the labels (95% interval 20 to 40); in reader hours, exam labels were "
        "cheaper."
    )
    assert list(reading.cheaper.items()) == [
        ("hours", "weak"),
        ("actions", None),
        ("labels", "weak"),
    ]


def test_without_costs_actions_lead_and_hours_are_silent(compose, make_ratio_row):
    answer = compose(
        make_ratio_row("labels"),
        make_ratio_row("hours"),
        make_ratio_row("actions", lower=0.8),
        costs_given=False,
    )
    (reading,) = answer.readings
    assert "hours" not in reading.sentence
    assert list(reading.cheaper) == ["actions", "labels"]
    assert (
        "in reader actions the interval includes 1, so these data do not tell" in reading.sentence
    )
    assert all(row["hours"] is None for row in answer.table)
    assert any("there are no hours" in caution for caution in answer.cautions)


@pytest.mark.parametrize(
    ("limits", "verdict", "arm"),
    [
        ((1.2, 4.0), "exam labels were cheaper", "weak"),
        ((1.2, None), "exam labels were cheaper", "weak"),
        ((0.2, 0.8), "slice labels were cheaper", "strong"),
        ((None, 0.8), "slice labels were cheaper", "strong"),
        ((0.5, 2.0), "the interval includes 1, so these data do not tell which is cheaper", None),
        ((0.5, None), "the interval includes 1, so these data do not tell which is cheaper", None),
        ((None, 1.5), "the interval includes 1, so these data do not tell which is cheaper", None),
        ((None, None), "is not estimable, so these data do not tell which is cheaper", None),
    ],
)
def test_verdict_follows_the_interval_alone(compose, make_ratio_row, limits, verdict, arm):
    (reading,) = compose(make_ratio_row("hours", 9.0, 3.0, *limits)).readings
    assert reading.sentence.endswith(f"{verdict}.")
    assert reading.cheaper == {"hours": arm}


def test_strong_that_does_not_reach_the_target_is_said(sentence, make_ratio_row):
    assert sentence(make_ratio_row("hours", None, 3.0, 16.0, None)) == (
        "With slice labels drawn exam by exam, exam labels reached an AUC of 0.8 for the finding "
        "'any' with 3.00 reader hours, and slice labels did not reach it with the largest budget, "
        "50 reader hours; in reader hours, exam labels were cheaper (ratio of slice to exam "
        "labels: 95% interval 16 or more)."
    )


def test_weak_that_does_not_reach_the_target_is_said(sentence, make_ratio_row):
    row = make_ratio_row("hours", 9.0, None, None, 2.5)
    said = sentence(row | {"strong_at_most": True})
    assert "slice labels reached an AUC of 0.8" in said
    assert "with at most 9.00 reader hours" in said
    assert "exam labels did not reach it with the largest budget, 3.00" in said
    assert (
        "the interval includes 1 (ratio of slice to exam labels: 95% interval 2.50 or less)" in said
    )


def test_neither_reaching_the_target_is_said_with_the_best_of_each(compose, curve, make_ratio_row):
    low = curve.with_columns(pl.col("mean_auc") - 0.1)
    # Even where the replicates' interval lies to one side of 1.
    (reading,) = compose(make_ratio_row("hours", None, None, 1.5, None), curve=low).readings
    assert reading.sentence == (
        "With slice labels drawn exam by exam, neither way of labelling reached an AUC of 0.8 for "
        "the finding 'any' (the mean AUC came to 0.75 with 5,000 slice labels and 0.76 with 300 "
        "exam labels), so these data do not tell which is cheaper."
    )
    assert reading.cheaper == {"hours": None}


def test_a_lucky_budget_or_rounding_does_not_contradict_that_neither_reached_the_target(
    sentence, make_curve_row, make_ratio_row
):
    aucs = ((10, 0.6), (20, 0.82), (40, 0.74))
    rows = [make_curve_row("strong", budget, auc) for budget, auc in aucs]
    rows += [make_curve_row("weak", 10, 0.7), make_curve_row("weak", 20, 0.7996)]
    said = sentence(make_ratio_row("hours", None, None, None, None), curve=BUDGET_CURVE.frame(rows))
    assert (
        "(the never falling fit to the mean AUC came to 0.78 with 40 slice labels "
        "and 0.7996 with 20 exam labels)"
    ) in said


def test_one_draw_of_labels_is_called_one_draw(sentence, curve, make_ratio_row):
    once = curve.with_columns(pl.lit(1, pl.Int32).alias("n_repeats"))
    for row in (make_ratio_row("hours"), make_ratio_row("hours", None, 3.0, 16.0, None)):
        assert "were cheaper in the one draw of labels" in sentence(row, curve=once)
        assert "one draw" not in sentence(row)


@pytest.mark.parametrize(
    ("arm", "words"), [("strong", "at most 3.00 times"), ("weak", "at least 3.00 times")]
)
def test_a_smallest_budget_that_suffices_bounds_the_ratio(compose, make_ratio_row, arm, words):
    answer = compose(make_ratio_row("hours", 9.0, 3.0, **{f"{arm}_at_most": True}))
    assert words in answer.readings[0].sentence
    assert any("the smallest budget reached the target already" in c for c in answer.cautions)


def test_two_smallest_budgets_that_suffice_compare_nothing(compose, make_ratio_row):
    bounds = {"strong_at_most": True, "weak_at_most": True, "ratio": None}
    (reading,) = compose(make_ratio_row("hours", 9.0, 3.0, None, None) | bounds).readings
    assert "at most 9.00 reader hours" in reading.sentence
    assert reading.sentence.endswith("so these data do not tell which is cheaper.")
    assert reading.cheaper == {"hours": None}


def test_a_study_without_one_arm_has_no_reading_and_speaks_of_no_ratio(compose, curve):
    answer = compose(curve=curve.filter(pl.col("learner") == "weak"))
    assert answer.readings == ()
    assert not any("ratio" in caution for caution in answer.cautions)


def test_every_way_of_drawing_has_its_reading(compose, curve, make_curve_row, make_ratio_row):
    spread = [
        make_curve_row("strong", budget, auc, acquisition="spread")
        for budget, auc in ((100, 0.75), (7000, 0.88))
    ]
    answer = compose(
        make_ratio_row("hours"),
        make_ratio_row("hours", None, 3.0, 16.0, None, acquisition="spread"),
        curve=pl.concat([curve, BUDGET_CURVE.frame(spread)]),
    )
    first, second = answer.readings
    assert (first.acquisition, second.acquisition) == ("spread", "whole_exam")
    assert first.sentence.startswith("With slice labels drawn spread over exams, exam labels")
    # The largest budget of these slice labels, not of the others.
    assert "with the largest budget, 70 reader hours" in first.sentence
    assert any(c.startswith("Every interval is for itself") for c in answer.cautions)


def test_table_holds_every_curve_by_budget(compose, curve, make_curve_row, make_ratio_row):
    free = {"mode": "label_free", "acquisition": "none", "label_kind": "none"}
    more = [
        make_curve_row("mean_hu", 0, 0.6, **free),
        make_curve_row("strong", 5000, 0.9, mode="fine_tuned"),
    ]
    table = compose(
        make_ratio_row("hours"), curve=pl.concat([curve, BUDGET_CURVE.frame(more)])
    ).table
    assert [(row["learner"], row["mode"], row["labels"]) for row in table] == [
        ("mean_hu", "label_free", 0),
        ("strong", "budgeted", 100),
        ("strong", "budgeted", 5000),
        ("strong", "fine_tuned", 5000),
        ("weak", "budgeted", 20),
        ("weak", "budgeted", 300),
    ]
    assert table[1]["actions"] == 50
    assert (table[1]["acquisition"], table[1]["label_kind"]) == ("whole_exam", "slice")
    aucs = table[1]["auc"], table[1]["auc_lower"], table[1]["auc_upper"]
    assert aucs == pytest.approx((0.7, 0.65, 0.75))


@pytest.fixture
def cautions(compose, curve, make_ratio_row):
    def cautions(*, curve=curve, facts=FACTS, costs_given=True, **columns):
        row = make_ratio_row("hours" if costs_given else "actions", **columns)
        return "\n".join(compose(row, curve=curve, facts=facts, costs_given=costs_given).cautions)

    return cautions


def test_cautions_state_what_the_study_was(cautions):
    text = cautions()
    assert "400 test exams (160 positive) of 390 patients." in text
    assert "archive 'here'" in text
    assert "Every budget was tried 5 times with labels drawn anew." in text
    assert "assumed costs" in text
    assert "drawn exam by exam came to 28 for each exam opened" in text
    assert "28 slices on average" in text
    for absent in ("few", "did not reach", "falls", "unspent", "once", "without any", "Every int"):
        assert absent not in text


def test_outside_only_what_concerns_the_test_is_said(cautions):
    text = cautions(facts=replace(FACTS, is_external=True), reached_weak=0.9)
    assert "400 test exams" in text
    assert "In 10% of the resampled studies exam labels did not reach" in text
    for absent in ("tried", "costs", "slices on average", "The answer holds"):
        assert absent not in text


def test_cautions_appear_with_their_cause(cautions):
    few = replace(
        FACTS,
        n_exams=100,
        n_positive=20,
        n_patients=100,
        slices_per_exam=None,
        labels_per_exam={"spread": 1.1},
        largest_unspent_share=0.16,
    )
    text = cautions(facts=few, reached_strong=0.88, reached_neither=0.001)
    assert "In less than 1% of the resampled studies neither way reached" in text
    assert "of 100 patients, which is few." in text
    assert "spread over exams came to 1.10 for each exam opened" in text
    assert "up to 16% of a budget stayed unspent" in text
    assert "In 12% of the resampled studies slice labels drawn exam by exam did not reach" in text
    assert "slices on average" not in text


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.004, "less than 1%"), (0.12, "12%"), (0.996, "more than 99%"), (1.0, "all")],
)
def test_shares_of_resampled_studies_are_not_rounded_to_all_or_none(cautions, share, words):
    text = cautions(reached_weak=1 - share)
    assert f"In {words} of the resampled studies exam labels" in text


def test_nothing_is_left_out_of_an_interval_that_there_is_not(cautions):
    assert "left out of its interval" in cautions(reached_neither=0.02)
    text = cautions(reached_neither=0.4, lower=None, upper=None)
    assert "these say nothing about the ratio." in text


def test_runs_whose_training_failed_are_said(cautions):
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
def test_few_repeats_are_said(cautions, make_curve_row, repeats, words):
    rows = [
        make_curve_row("strong", 10, 0.7, n_repeats=repeats[0]),
        make_curve_row("weak", 10, 0.7, n_repeats=repeats[1]),
        # How often others were tried says nothing about the arms.
        make_curve_row("pooled", 10, 0.7, n_repeats=9),
    ]
    assert words in cautions(curve=BUDGET_CURVE.frame(rows))


def test_a_falling_curve_is_said(cautions, make_curve_row):
    rows = [
        make_curve_row("strong", 10, 0.75),
        make_curve_row("strong", 20, 0.74),
        make_curve_row("weak", 9, 0.7),
    ]
    text = cautions(curve=BUDGET_CURVE.frame(rows))
    assert "With slice labels drawn exam by exam the mean AUC falls" in text


def test_curves_of_two_ways_of_drawing_are_not_taken_for_one(cautions, make_curve_row):
    rows = [
        make_curve_row("strong", 10, 0.75, acquisition="spread"),
        make_curve_row("strong", 10, 0.7),
        make_curve_row("strong", 20, 0.74),
        make_curve_row("weak", 9, 0.7),
    ]
    assert "falls" not in cautions(curve=BUDGET_CURVE.frame(rows))


def test_a_target_that_no_label_is_needed_for_is_said(cautions, curve, make_curve_row):
    free = {"mode": "label_free", "acquisition": "none", "label_kind": "none"}
    rows = [
        make_curve_row("pretext", 0, 0.81, **free),
        make_curve_row("mean_hu", 0, 0.6, **free),
    ]
    text = cautions(curve=pl.concat([curve, BUDGET_CURVE.frame(rows)]))
    assert (
        "The pretrained encoder's own score reaches the target without any label (AUC 0.810)"
        in text
    )
    assert "The mean brightness" not in text


def test_repeats_that_draw_the_same_labels_are_said(cautions):
    shared = {("strong", "whole_exam"): 0.3, ("weak", "exam"): 1.0}
    text = cautions(facts=replace(FACTS, shared_labels=shared))
    assert "(two of them share all with exam labels)" in text
    assert "conditional on this archive" in text
    assert "conditional" not in cautions(
        facts=replace(FACTS, shared_labels={("weak", "exam"): 0.4})
    )


def compared(reference, auc, *, arm="weak", labels=300, reference_labels=0):
    acquisition = "exam" if arm == "weak" else "spread"
    return ReferenceComparison(arm, acquisition, labels, reference, reference_labels, auc)


def test_rows_that_an_arm_does_not_beat_are_named_with_the_difference(cautions):
    references = (
        compared("mean_hu", PairedDifference(0.8, 0.81, -0.03, 0.01)),
        compared("pretext", PairedDifference(0.8, 0.7, 0.05, 0.15)),
        compared("pooled", PairedDifference(0.8, 0.8, None, None), reference_labels=300),
        compared(
            "position",
            PairedDifference(0.9, 0.85, 0.0, 0.1),
            arm="strong",
            labels=5000,
            reference_labels=2000,
        ),
        compared("mine", PairedDifference(0.9, 0.85, 0.01, 0.1), arm="strong"),
    )
    text = cautions(facts=replace(FACTS, references=references))
    assert (
        "300 exam labels (AUC 0.800) are not shown to do better than the mean brightness of "
        "soft tissue, without any label (0.810; difference -0.010, 95% interval -0.030 to +0.010) "
        "and the plain mean over slices, without attention, with the same labels (0.800; "
        "difference +0.000, 95% interval not estimable)."
    ) in text
    assert (
        "5,000 slice labels drawn spread over exams (AUC 0.900) are not shown to do better than "
        "where slices lie, and nothing else, from 2,000 labels (0.850; difference +0.050, 95% "
        "interval +0.000 to +0.100)."
    ) in text
    assert "pretrained" not in text
    assert "mine" not in text


@pytest.mark.parametrize(
    ("limits", "verdict"),
    [
        ((0.01, 0.03), "fine-tuning did better"),
        ((-0.03, -0.01), "fine-tuning did worse"),
        ((-0.01, 0.03), "which does better is not told"),
        ((None, None), "which does better is not told"),
    ],
)
def test_fine_tuned_and_frozen_stand_side_by_side(cautions, limits, verdict):
    row = FineTuningComparison("weak", "exam", 300, 1, PairedDifference(0.9, 0.88, *limits))
    text = cautions(facts=replace(FACTS, fine_tuning=(row,)))
    assert (
        "Fine-tuned (the encoder trained on as well), 300 exam labels came to an AUC of 0.900; "
        "trained as for the curves, the same labels came to 0.880 (tried once, difference +0.020, "
    ) in text
    assert f"): {verdict}." in text


def test_the_full_answer_reads_its_own_runs(curve, make_curve_row, make_ratio_row):
    tuned = {"mode": "fine_tuned", "n_repeats": 1}
    both = BUDGET_CURVE.frame(
        [
            *curve.to_dicts(),
            make_curve_row("strong", 1000, 0.7, **tuned),
            make_curve_row("strong", 5000, 0.78, **tuned),
            make_curve_row("weak", 100, 0.8, **tuned),
            make_curve_row("weak", 300, 0.9, **tuned),
        ]
    )
    ratios = RATIOS.frame(
        [
            make_ratio_row("labels", 2800.0, 100.0, 20.0, 40.0),
            make_ratio_row("labels", None, 100.0, 50.0, None, mode="fine_tuned"),
        ]
    )
    answer = compose_archive_answer(
        both,
        ratios_by_drawing(ratios, costs_given=False),
        arms={"strong": "strong", "weak": "weak"},
        target_auc=0.8,
        finding="any",
        costs_given=False,
        facts=FACTS,
        full_ratios=ratios_by_drawing(ratios, costs_given=False, mode="fine_tuned"),
    )
    first, full = answer.readings
    assert (first.mode, full.mode) == ("budgeted", "fine_tuned")
    assert first.sentence.startswith("With slice labels drawn exam by exam, to reach")
    assert full.sentence == (
        "With the encoder trained on as well, and slice labels drawn exam by exam, exam labels "
        "reached an AUC of 0.8 for the finding 'any' with 100 labels, and slice labels did not "
        "reach it with the largest budget, 5,000 labels; in labels, exam labels were cheaper in "
        "the one draw of labels that was tried (ratio of slice to exam labels: 95% interval 50 or "
        "more)."
    )
