import dataclasses
import math

import numpy as np
import polars as pl
import pytest
from scipy import stats

from examwise.core.analysis_protocol import RatioClaim
from examwise.core.errors import InputError
from examwise.evaluation.budget_replicates import (
    BudgetReplicates,
    CurveKey,
    LearnerCurve,
    budget_replicates,
)
from examwise.evaluation.ratio_claims import claim_sentence, claimed_ratio, ratio_claims
from examwise.evaluation.repeat_draws import RepeatDraws
from examwise.evaluation.test_set import TestSet

WEAK_BUDGETS = (10, 100)
STRONG_BUDGETS = (100, 400, 1000, 2000)
FLAT = (0.8, 0.85, 0.86, 0.86)
CLAIM = RatioClaim(0.05, (2, 5, 10, 20, 35))


def curve(learner, means, budgets, *, scale=0.01, seed=0, mode="budgeted", n=2000):
    draw = np.random.default_rng(seed)
    means, amounts = np.array(means), np.array(budgets, float)
    # Mostly shared by all budgets, as the chance of patients is.
    replicates = means + draw.normal(0, scale, (n, 1)) + draw.normal(0, scale / 10, (n, len(means)))
    return LearnerCurve(
        key=CurveKey(learner, mode, "whole_exam" if learner == "strong" else "exam"),
        label_kind="slice" if learner == "strong" else "exam",
        budgets=np.array(budgets),
        n_repeats=np.full(len(budgets), 5),
        mean_exams_opened=amounts,
        mean_costs={"labels": amounts, "actions": amounts / 5 if learner == "strong" else amounts},
        mean_auc=means,
        cost_replicates={
            "labels": np.broadcast_to(amounts, replicates.shape),
            "actions": np.broadcast_to(
                amounts / 5 if learner == "strong" else amounts, replicates.shape
            ),
        },
        auc_replicates=replicates,
        by_patients=replicates,
        by_repeats=np.zeros_like(replicates),
        between_share=np.full(len(budgets), 0.5),
        is_conditional=np.zeros(len(budgets), bool),
    )


def replicates_of(*curves):
    draws = RepeatDraws([0, 1, 2], n_replicates=1, seed=0)
    test_set = TestSet("here", np.arange(400) % 2, np.arange(400), {})
    by_key = {one.key: one for one in curves}
    return BudgetReplicates("any", by_key, test_set, pl.DataFrame(), np.empty((0, 1)), draws)


def claims_of(strong=FLAT, weak=(0.8, 0.86), *, claim=CLAIM, unit="labels", **options):
    made = replicates_of(
        curve("strong", strong, STRONG_BUDGETS, **options),
        curve("weak", weak, WEAK_BUDGETS, seed=1, **options),
    )
    return ratio_claims(made, claim).filter(unit=unit)


def test_as_good_a_learner_is_claimed_up_to_the_largest_budget():
    found = claims_of()
    assert found["reason"].to_list() == [None, None, None, None, "beyond_budgets"]
    assert found["strong_amount"].to_list() == [200, 500, 1000, 2000, 3500]
    assert claimed_ratio(found) == 20
    assert found["weak_budget"].unique().to_list() == [100]


def test_difference_limit_and_p_by_hand():
    row = claims_of().row(0, named=True)
    # 200 lies half way between 100 and 400 in the logarithm.
    assert row["difference"] == pytest.approx(0.86 - 0.825)
    error = 0.01 * math.sqrt(2)
    assert row["lower"] == pytest.approx(
        row["difference"] - stats.norm.ppf(0.975) * error, abs=1.5e-3
    )
    p = stats.t.sf((row["difference"] + 0.05) / ((row["difference"] - row["lower"]) / 1.97196), 199)
    assert row["p"] == pytest.approx(p, rel=1e-3)


def test_the_order_ends_where_one_is_not_rejected():
    found = claims_of(weak=(0.8, 0.825), claim=RatioClaim(0.05, (2, 5, 10)))
    assert found["reason"].to_list() == [None, "limit", "limit"]
    assert claimed_ratio(found) == 2
    # Against a curve that dips, a later one may pass by itself, and does not count.
    dipped = claims_of(weak=(0.8, 0.7))
    assert claimed_ratio(dipped) is None
    assert dipped["is_shown"].sum() == 0


def test_one_that_passes_after_one_that_failed_is_not_shown():
    strong = curve("strong", FLAT, STRONG_BUDGETS)
    weak = curve("weak", (0.8, 0.86), WEAK_BUDGETS, seed=1)
    noisy = strong.auc_replicates.copy()
    # So uncertain at the smallest budgets alone that the first test fails.
    noisy[:, 0] += np.linspace(-0.4, 0.0, len(noisy))
    made = replicates_of(
        LearnerCurve(**{**vars(strong), "by_patients": noisy}),
        weak,
    )
    found = ratio_claims(made, RatioClaim(0.05, (1.0, 10.0))).filter(unit="labels")
    assert found["reason"].to_list() == ["limit", "order"]
    assert found["p"][1] < 0.025


def test_nothing_is_claimed_against_a_curve_that_still_rises():
    found = claims_of(strong=(0.6, 0.7, 0.75, 0.83), weak=(0.8, 0.9))
    assert set(found["reason"].to_list()) == {"no_plateau", "beyond_budgets"}
    assert claimed_ratio(found) is None
    assert "nothing is claimed" in claim_sentence(found)


def test_below_the_smallest_budget_the_auc_there_stands_in():
    row = claims_of(claim=RatioClaim(0.05, (2.0,), weak_budget=10)).row(0, named=True)
    assert (row["weak_budget"], row["strong_amount"]) == (10, 20)
    assert row["difference"] == pytest.approx(0.8 - 0.8)


def test_other_units_multiply_what_the_weak_labels_took():
    found = claims_of(unit="actions")
    assert found["strong_amount"].to_list() == [200, 500, 1000, 2000, 3500]
    # The strong arm's largest budget takes 400 actions.
    assert found["reason"].to_list() == [None, *["beyond_budgets"] * 4]


def test_replicates_that_never_differ_show_nothing():
    found = claims_of(scale=0.0)
    assert set(found["reason"].to_list()) == {"not_estimable", "beyond_budgets"}
    assert found["p"].null_count() == 5


def test_few_test_exams_widen_the_limit_and_one_shows_nothing():
    arms = curve("strong", FLAT, STRONG_BUDGETS), curve("weak", (0.8, 0.86), WEAK_BUDGETS, seed=1)
    lower = []
    for n in (400, 20, 2):
        made = replicates_of(*arms)
        made = dataclasses.replace(
            made, test_set=TestSet("here", np.arange(n) % 2, np.arange(n), {})
        )
        lower.append(ratio_claims(made, CLAIM)["lower"][0])
    assert lower[1] < lower[0]
    assert lower[2] is None


def test_a_budget_that_is_not_there():
    with pytest.raises(InputError, match=r"claims\.weak_budget: expected a budget of learner weak"):
        claims_of(claim=RatioClaim(0.05, (2.0,), weak_budget=11))
    tuned = replicates_of(
        curve("strong", FLAT, STRONG_BUDGETS, mode="fine_tuned"),
        curve("weak", (0.8, 0.86), WEAK_BUDGETS, mode="fine_tuned"),
    )
    assert ratio_claims(tuned, RatioClaim(0.05, (2.0,), weak_budget=11)).is_empty()
    assert ratio_claims(tuned, RatioClaim(0.05, (2.0,))).height == 2


def test_a_missing_learner_leaves_no_rows():
    made = replicates_of(curve("weak", (0.8, 0.86), WEAK_BUDGETS))
    assert ratio_claims(made, CLAIM).is_empty()


def test_sentences():
    assert claim_sentence(claims_of()) == (
        "100 exam labels do no worse than 20 times as many on slices, by a margin of 0.05 AUC "
        "(one-sided 2.5%); 35 times as many were not tested, being beyond the largest budget."
    )
    assert claim_sentence(claims_of(claim=RatioClaim(0.05, (2.0,)))).endswith(
        "that was the last ratio to be tested."
    )
    assert claim_sentence(claims_of(weak=(0.6, 0.7))).startswith("It was not shown that 100 exam")


def test_claims_of_a_whole_study(study):
    found = budget_replicates(study.runs, study.exams, finding="any", n_replicates=100, seed=0)
    claims = ratio_claims(found, RatioClaim(0.2, (2.0, 5.0)))
    assert claims["unit"].unique(maintain_order=True).to_list() == ["labels", "actions", "hours"]
    assert claims.filter(unit="labels")["strong_amount"].to_list() == [320, 800]
    assert claims.filter(unit="hours")["strong_amount"].to_list() == [16, 40]
    swapped = {"strong": "weak", "weak": "strong"}
    with pytest.raises(InputError, match="name the study's strong and weak learners"):
        ratio_claims(found, CLAIM, **swapped)
