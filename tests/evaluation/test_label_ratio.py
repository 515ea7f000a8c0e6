import math

import numpy as np
import polars as pl
import pytest

from examwise.core.errors import InputError
from examwise.evaluation.budget_replicates import (
    BudgetReplicates,
    CurveKey,
    LearnerCurve,
    budget_replicates,
)
from examwise.evaluation.label_ratio import label_ratios, ratio_ranges
from examwise.evaluation.needed_amount import NeededAmount
from examwise.evaluation.repeat_draws import RepeatDraws
from examwise.evaluation.test_set import TestSet

INF = math.inf
ANY_TEST_SET = TestSet("here", np.array([0, 1]), np.array([0, 1]), {})


def curve(learner, means, replicates, budgets=(10, 100, 1000), acquisition=None):
    budgets = np.array(budgets)
    replicates = np.array(replicates, float)
    amounts = budgets.astype(float)
    return LearnerCurve(
        key=CurveKey(
            learner,
            "budgeted",
            acquisition or ("whole_exam" if learner == "strong" else "exam"),
        ),
        label_kind="slice" if learner == "strong" else "exam",
        budgets=budgets,
        n_repeats=np.full(len(budgets), 3),
        mean_exams_opened=amounts,
        mean_costs={"labels": amounts},
        mean_auc=np.array(means),
        cost_replicates={"labels": np.broadcast_to(amounts, replicates.shape)},
        auc_replicates=replicates,
        by_patients=replicates,
        by_repeats=np.zeros_like(replicates),
        between_share=np.full(len(budgets), 0.5),
        is_conditional=np.zeros(len(budgets), bool),
    )


def scattered(means, n=400, scale=0.01, seed=0):
    draw = np.random.default_rng(seed)
    return np.array(means) + draw.normal(0, scale, (n, 1))


def replicates_of(*curves):
    draws = RepeatDraws([0, 1, 2], n_replicates=1, seed=0)
    by_key = {curve.key: curve for curve in curves}
    return BudgetReplicates("any", by_key, ANY_TEST_SET, pl.DataFrame(), np.empty((0, 1)), draws)


def ratio_of(strong, weak, target=0.8):
    return label_ratios(replicates_of(strong, weak), target_auc=target).row(0, named=True)


RISING = (0.6, 0.75, 0.9)


@pytest.mark.parametrize("truth", [0.3, 1.0, 5.0, 28.0])
def test_a_known_ratio_is_recovered(make_study, truth):
    budgets = tuple(int(truth * b) for b in (10, 20, 40, 80, 160))
    study = make_study(
        ratio=truth, n_exams=1200, n_repeats=8, budgets=(budgets, (10, 20, 40, 80, 160))
    )
    found = budget_replicates(study.runs, study.exams, finding="any", n_replicates=300, seed=0)
    target = study.start + study.slope * math.log(4)
    rows = {row["unit"]: row for row in label_ratios(found, target_auc=target).to_dicts()}
    labels = rows["labels"]
    assert labels["weak"] == pytest.approx(40, rel=0.4)
    assert labels["ratio"] == pytest.approx(truth, rel=0.25)
    assert labels["interval"] == "closed"
    assert labels["ratio_lower"] < truth < labels["ratio_upper"]
    assert labels["ratio_upper"] / labels["ratio_lower"] < 2.5
    # In the made-up study a slice label takes a fifth of an exam label's time.
    assert rows["hours"]["ratio"] == pytest.approx(labels["ratio"] / 5, rel=1e-6)
    assert list(rows) == ["labels", "actions", "hours"]


def test_interval_covers_the_true_ratio_about_as_often_as_it_says(make_study):
    covered = closed = 0
    for seed in range(30):
        study = make_study(seed=seed, n_repeats=8, noise=0.02, n_exams=400, start=0.6, slope=0.08)
        found = budget_replicates(study.runs, study.exams, finding="any", n_replicates=150, seed=1)
        row = label_ratios(found, target_auc=0.71).row(0, named=True)
        closed += row["interval"] == "closed"
        covered += (row["ratio_lower"] or 0) <= 5 <= (row["ratio_upper"] or INF)
    assert closed >= 27
    assert covered >= 26


@pytest.mark.parametrize(
    ("strong", "weak", "expected"),
    [
        (NeededAmount(60, 60), NeededAmount(20, 20), (3, 3)),
        (NeededAmount(60, INF), NeededAmount(20, 20), (3, INF)),
        (NeededAmount(60, 60), NeededAmount(20, INF), (0, 3)),
        (NeededAmount(60, INF), NeededAmount(20, INF), (0, INF)),
        (NeededAmount(0, 60), NeededAmount(20, 20), (0, 3)),
        (NeededAmount(60, 60), NeededAmount(0, 20), (3, INF)),
        (NeededAmount(0, 60), NeededAmount(0, 20), (0, INF)),
        (NeededAmount(60, INF), NeededAmount(0, 20), (3, INF)),
    ],
)
def test_ranges_of_ratios(strong, weak, expected):
    found = ratio_ranges(*(np.array([[one.low, one.high]]) for one in (strong, weak)))
    assert found.tolist() == [list(expected)]


def test_strong_not_reached_leaves_the_interval_open_above():
    low = (0.6, 0.65, 0.7)
    row = ratio_of(curve("strong", low, scattered(low)), curve("weak", RISING, scattered(RISING)))
    assert (row["strong"], row["ratio"], row["ratio_upper"]) == (None, None, None)
    assert row["interval"] == "open_above"
    # 1000 labels were not enough where about 215 were.
    assert row["weak"] == pytest.approx(10 ** (2 + 1 / 3))
    assert 2 < row["ratio_lower"] < 1000 / row["weak"]
    assert (row["reached_strong"], row["reached_weak"], row["reached_neither"]) == (0, 1, 0)


def test_weak_not_reached_leaves_the_interval_open_below():
    low = (0.6, 0.65, 0.7)
    row = ratio_of(curve("strong", RISING, scattered(RISING)), curve("weak", low, scattered(low)))
    assert (row["weak"], row["ratio"], row["ratio_lower"]) == (None, None, None)
    assert row["interval"] == "open_below"
    assert row["ratio_upper"] < 0.5


def test_some_replicates_that_miss_the_target_open_the_interval():
    close = (0.6, 0.7, 0.81)
    row = ratio_of(
        curve("strong", close, scattered(close)), curve("weak", RISING, scattered(RISING, seed=1))
    )
    assert row["ratio"] == pytest.approx(10 ** (2 + 10 / 11) / 10 ** (2 + 1 / 3))
    assert 0.7 < row["reached_strong"] < 0.95
    assert (row["interval"], row["ratio_upper"]) == ("open_above", None)


def test_neither_reached_is_not_estimable():
    low = (0.6, 0.65, 0.7)
    row = ratio_of(curve("strong", low, scattered(low)), curve("weak", low, scattered(low)))
    assert row["interval"] == "not_estimable"
    assert (row["strong"], row["weak"], row["ratio"]) == (None, None, None)
    assert row["reached_neither"] == 1


def test_already_above_the_target_is_at_most_the_smallest_budget():
    high = (0.85, 0.88, 0.9)
    row = ratio_of(curve("strong", high, scattered(high)), curve("weak", RISING, scattered(RISING)))
    assert (row["strong"], row["strong_at_most"], row["weak_at_most"]) == (10, True, False)
    assert row["ratio"] == pytest.approx(10 / 10 ** (2 + 1 / 3))
    assert (row["ratio_lower"], row["interval"]) == (None, "open_below")
    both = ratio_of(curve("strong", high, scattered(high)), curve("weak", high, scattered(high)))
    assert (both["ratio"], both["interval"]) == (None, "not_estimable")
    assert both["strong_at_most"]
    assert both["weak_at_most"]


def test_bounds_that_hold_in_every_replicate_are_reported():
    low, high = (0.6, 0.65, 0.7), (0.85, 0.88, 0.9)
    row = ratio_of(curve("strong", low, scattered(low)), curve("weak", high, scattered(high)))
    assert (row["ratio_lower"], row["interval"]) == (100, "open_above")


@pytest.mark.parametrize(("n_telling_nothing", "interval"), [(10, "closed"), (11, "not_estimable")])
@pytest.mark.parametrize("aucs", [(0.5, 0.5, 0.5), (0.9, 0.9, 0.9)])
def test_replicates_that_tell_nothing_are_left_out_if_few(n_telling_nothing, interval, aucs):
    arms = []
    for learner, seed in (("strong", 0), ("weak", 1)):
        replicates = scattered(RISING, seed=seed)
        replicates[:n_telling_nothing] = aucs
        arms.append(curve(learner, RISING, replicates))
    row = ratio_of(*arms)
    assert row["interval"] == interval
    if interval == "closed":
        assert 0.5 < row["ratio_lower"] < 1 < row["ratio_upper"] < 2


def test_too_few_usable_replicates_are_not_estimable():
    replicates = scattered(RISING)
    replicates[:40] = np.nan
    row = ratio_of(curve("strong", RISING, replicates), curve("weak", RISING, scattered(RISING)))
    assert row["ratio"] == pytest.approx(1)
    assert row["interval"] == "not_estimable"


def test_replicates_that_never_differ_are_not_estimable():
    same = np.tile(RISING, (100, 1))
    row = ratio_of(curve("strong", RISING, same), curve("weak", RISING, same))
    assert (row["ratio"], row["interval"]) == (pytest.approx(1), "not_estimable")


def test_a_missing_arm_leaves_no_rows():
    made = replicates_of(curve("weak", RISING, scattered(RISING)))
    assert label_ratios(made, target_auc=0.8).is_empty()


def test_every_way_of_drawing_slices_has_its_ratio():
    slow = (0.6, 0.7, 0.85)
    made = replicates_of(
        curve("strong", RISING, scattered(RISING), acquisition="spread"),
        curve("strong", slow, scattered(slow), acquisition="whole_exam"),
        curve("weak", RISING, scattered(RISING)),
    )
    found = label_ratios(made, target_auc=0.8)
    assert found["acquisition"].to_list() == ["spread", "whole_exam"]
    assert found["ratio"].to_list() == pytest.approx([1.0, 10 ** (1 / 3)])
    assert found["archive"].unique().to_list() == ["here"]


def test_exam_labels_drawn_two_ways_are_refused():
    weak = [
        curve("weak", RISING, scattered(RISING), acquisition=how) for how in ("exam", "whole_exam")
    ]
    made = replicates_of(curve("strong", RISING, scattered(RISING)), *weak)
    with pytest.raises(InputError, match="learner weak: expected exam labels drawn in one way"):
        label_ratios(made, target_auc=0.8)


def test_fine_tuned_curves_have_ratios_of_their_own(study):
    tuned = study.runs.with_columns(mode=pl.lit("fine_tuned"))
    options = {"finding": "any", "n_replicates": 40, "seed": 0}
    frozen = label_ratios(budget_replicates(study.runs, study.exams, **options), target_auc=0.7)
    found = label_ratios(budget_replicates(tuned, study.exams, **options), target_auc=0.7)
    assert found["mode"].unique().to_list() == ["fine_tuned"]
    assert found.drop("mode").equals(frozen.drop("mode"))
    once = tuned.filter((pl.col("learner") == "strong") | (pl.col("budget") == 160))
    found = budget_replicates(once, study.exams, **options)
    assert label_ratios(found, target_auc=0.7).is_empty()


def test_references_make_no_ratio(study):
    free = study.runs.with_columns(mode=pl.lit("label_free"))
    found = budget_replicates(free, study.exams, finding="any", n_replicates=40, seed=0)
    assert label_ratios(found, target_auc=0.7).is_empty()


def test_swapped_arms_are_refused(study):
    found = budget_replicates(study.runs, study.exams, finding="any", n_replicates=40, seed=0)
    with pytest.raises(InputError, match="learner strong: expected runs on exam labels"):
        label_ratios(found, target_auc=0.7, strong="weak", weak="strong")


@pytest.mark.parametrize("target", [0.5, 1.0, 80, float("nan")])
def test_impossible_targets_are_refused(study, target):
    found = budget_replicates(study.runs, study.exams, finding="any", n_replicates=40, seed=0)
    with pytest.raises(InputError, match="target_auc"):
        label_ratios(found, target_auc=target)


def test_seeds_change_limits_and_not_the_point(study):
    rows = [
        label_ratios(
            budget_replicates(study.runs, study.exams, finding="any", n_replicates=60, seed=seed),
            target_auc=0.74,
        )
        for seed in (0, 0, 1)
    ]
    assert rows[0].equals(rows[1])
    assert rows[0]["ratio"].equals(rows[2]["ratio"])
    assert not rows[0].select(pl.col("ratio_lower")).equals(rows[2].select("ratio_lower"))
