"""The claim that m exam labels do as well as N times as many slice labels, in fixed order."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
from scipy.special import stdtr, stdtrit

from examwise.core.analysis_protocol import RatioClaim
from examwise.core.errors import InputError
from examwise.core.schemas.budget_curves import RATIO_CLAIMS
from examwise.core.schemas.evaluation import UNITS_OF_COST
from examwise.core.schemas.study import BUDGETED, FINE_TUNED
from examwise.evaluation.budget_replicates import (
    BudgetReplicates,
    LearnerCurve,
    paired_replicates,
)
from examwise.evaluation.label_ratio import compared_curves
from examwise.evaluation.needed_amount import auc_at, monotone_curve
from examwise.evaluation.plateaus import plateau_row
from examwise.metrics.patient_bootstrap import replicate_error

ONE_SIDED = 0.025
"""Level of each test; the first that fails ends the order, so that it is that of all together."""

_ROUNDING = 1e-9
"""Of amounts, as a share."""


def ratio_claims(
    replicates: BudgetReplicates,
    claim: RatioClaim,
    *,
    strong: str = "strong",
    weak: str = "weak",
) -> pl.DataFrame:
    """Test for rising N whether m exam labels do no worse than N times m of slice labels.

    The null of each N is that the weak learner's expected AUC at m falls short of the strong
    learner's at N times that amount by the margin or more; it is rejected at one-sided 2.5%. The
    order is fixed and stops at the first N that is not rejected, which keeps the chance of any
    false claim at 2.5% (Westfall and Krishen, 2001). The strong learner's AUC is read off its
    monotone curve, linear in the logarithm of the amount; below its smallest budget the AUC there
    stands in, which makes the claim the harder, and beyond its largest nothing is tested. The
    weak learner's is its mean at m itself. Standard errors are of the replicates, limits by
    Student's t with one degree of freedom less than the smaller class has exams. Nothing is shown
    unless the strong curve has become flat (:func:`examwise.evaluation.plateaus.plateaus`): against
    a learner that still gains, a claim would be about too small a study.

    Args:
        replicates: From :func:`examwise.evaluation.budget_replicates.budget_replicates`.
        claim: What is to be shown, set before any run.
        strong: Learner trained on slice labels.
        weak: Learner trained on exam labels.

    Returns:
        ``RATIO_CLAIMS``, in labels, actions, and hours where there are any, with the encoder
        frozen and where it was trained on as well; no rows of a mode that lacks a learner, or,
        fine-tuned, the budget m.

    Raises:
        InputError: If the weak learner has no budget m, or as in
            :func:`examwise.evaluation.label_ratio.label_ratios`.
    """
    test_set = replicates.test_set
    freedom = min(test_set.n_positive, test_set.n_exams - test_set.n_positive) - 1
    rows: list[dict[str, Any]] = []
    for mode in (BUDGETED, FINE_TUNED):
        for slice_arm, exam_arm in compared_curves(replicates, mode=mode, strong=strong, weak=weak):
            place = _weak_place(exam_arm, claim.weak_budget)
            if place is None:
                continue
            plateau = plateau_row(replicates, slice_arm, margin=claim.margin)
            for unit in UNITS_OF_COST:
                if unit not in slice_arm.mean_costs:
                    continue
                tested = [
                    _tested(slice_arm, exam_arm, place, unit, ratio, claim.margin, freedom)
                    for ratio in claim.ratios
                ]
                _settle(tested, is_flat=plateau["is_reached"])
                about = {
                    "archive": replicates.test_set.archive,
                    "mode": mode,
                    "acquisition": slice_arm.key.acquisition,
                    "finding": replicates.finding,
                    "unit": unit,
                    "margin": claim.margin,
                    "weak_budget": int(exam_arm.budgets[place]),
                }
                rows += [{**about, "place": at, **row} for at, row in enumerate(tested)]
    return RATIO_CLAIMS.frame(rows)


def claimed_ratio(claims: pl.DataFrame) -> float | None:
    """Return the last ratio that was shown, or None.

    Args:
        claims: ``RATIO_CLAIMS`` of one archive, mode, way of drawing and unit.

    Example:
        >>> claimed_ratio(pl.DataFrame({"ratio": [2.0, 5.0], "is_shown": [True, False]}))
        2.0
    """
    shown = claims.filter("is_shown")["ratio"]
    return None if shown.is_empty() else float(shown.to_numpy().max())


def claim_sentence(claims: pl.DataFrame) -> str:
    """Say what was shown, and what ended the order.

    Args:
        claims: ``RATIO_CLAIMS`` of one archive, mode, way of drawing and unit, one row or more.
    """
    ordered = claims.sort("place").to_dicts()
    first = ordered[0]
    margin, weak = f"{first['margin']:g}", _amount(first["weak_amount"], first["unit"])
    kind = {"labels": "exam labels", "actions": "reader actions", "hours": "reader hours"}
    on_exams = f"{weak} {kind[first['unit']]}" + ("" if first["unit"] == "labels" else " on exams")
    claimed = claimed_ratio(claims)
    failed = next((row for row in ordered if not row["is_shown"]), None)
    if claimed is None:
        said = f"It was not shown that {on_exams} do as well as more of them on slices"
    else:
        said = (
            f"{on_exams} do no worse than {claimed:g} times as many on slices, by a margin of "
            f"{margin} AUC (one-sided 2.5%)"
        )
    if failed is None:
        return f"{said}; that was the last ratio to be tested."
    ended = {
        "limit": f"for {failed['ratio']:g} times as many the limit is beyond the margin",
        "order": f"{failed['ratio']:g} times as many were not tested",
        "beyond_budgets": f"{failed['ratio']:g} times as many were not tested, being beyond the "
        "largest budget",
        "no_plateau": "more slice labels may still help by the margin, so nothing is claimed",
        "not_estimable": f"for {failed['ratio']:g} times as many the difference is unknown",
    }[failed["reason"]]
    return f"{said}; {ended}."


def _amount(value: float, unit: str) -> str:
    return f"{value:,.1f}" if unit == "hours" else f"{value:,.0f}"


def _weak_place(curve: LearnerCurve, budget: int | None) -> int | None:
    if budget is None:
        return len(curve.budgets) - 1
    known = curve.budgets.tolist()
    if budget in known:
        return known.index(budget)
    if curve.key.mode == FINE_TUNED:
        return None
    raise InputError(
        where="claims.weak_budget",
        expected=f"a budget of learner {curve.key.learner}: " + ", ".join(map(str, known)),
        got=budget,
        remedy="name one of these, or all for the largest",
    )


def _tested(
    slice_arm: LearnerCurve,
    exam_arm: LearnerCurve,
    place: int,
    unit: str,
    ratio: float,
    margin: float,
    freedom: int,
) -> dict[str, Any]:
    """Test one ratio by itself; ``reason`` is None where it is rejected."""
    weak_costs = np.append(
        exam_arm.mean_costs[unit][place], exam_arm.cost_replicates[unit][:, place]
    )
    amount = ratio * float(weak_costs[0])
    row: dict[str, Any] = {
        "ratio": ratio,
        "weak_amount": float(weak_costs[0]),
        "strong_amount": amount,
        "difference": None,
        "lower": None,
        "p": None,
        "is_shown": False,
    }
    if amount > float(slice_arm.mean_costs[unit].max()) * (1 + _ROUNDING):
        return {**row, "reason": "beyond_budgets"}
    slice_costs = np.vstack([slice_arm.mean_costs[unit], slice_arm.cost_replicates[unit]])
    at = int(np.abs(np.log(slice_arm.mean_costs[unit] / amount)).argmin())
    of_strong, of_weak = paired_replicates(slice_arm, exam_arm, at=at, their_at=place)
    fitted = monotone_curve(np.vstack([slice_arm.mean_auc, of_strong]))
    weak_auc = np.append(exam_arm.mean_auc[place], of_weak[:, place])
    differences = weak_auc - auc_at(fitted, slice_costs, ratio * weak_costs)
    row["difference"] = float(differences[0])
    error = replicate_error(differences[1:])
    if error is None or freedom < 1:
        return {**row, "reason": "not_estimable"}
    # A bootstrap of n has the spread of n - 1.
    error *= math.sqrt((freedom + 1) / freedom)
    row["lower"] = row["difference"] + float(stdtrit(freedom, ONE_SIDED)) * error
    row["p"] = float(stdtr(freedom, -(row["difference"] + margin) / error))
    return {**row, "reason": None if row["p"] <= ONE_SIDED else "limit"}


def _settle(tested: list[dict[str, Any]], *, is_flat: bool) -> None:
    """Let each be shown only if all before it were, and the strong curve is flat."""
    goes_on = True
    for row in tested:
        if row["reason"] is None:
            row["reason"] = "order" if not goes_on else None if is_flat else "no_plateau"
        row["is_shown"] = row["reason"] is None
        goes_on = goes_on and (row["is_shown"] or row["reason"] == "no_plateau")
