"""How much more one way of labelling takes than the other to reach the same AUC."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.core.errors import InputError
from examwise.core.schemas.evaluation import RATIOS
from examwise.core.schemas.study import BUDGETED
from examwise.evaluation.budget_replicates import BudgetReplicates, LearnerCurve
from examwise.evaluation.needed_amount import NeededAmount, monotone_curve, needed_amount
from examwise.metrics.patient_bootstrap import SMALLEST_USABLE_SHARE

_TAIL = 0.025


def label_ratios(
    replicates: BudgetReplicates, *, target_auc: float, strong: str = "strong", weak: str = "weak"
) -> pl.DataFrame:
    """Return what strong and weak learners need for a target AUC, and the ratio, by unit of cost.

    A study sees an amount only between its smallest and its largest budget. In a replicate in
    which a curve starts above the target, or ends below it, the amount lies in a range (0 to the
    smallest, or the largest to infinity), and so does the ratio. The interval's lower limit is
    the 2.5% quantile of the ranges' lower ends, its upper limit the 97.5% quantile of their upper
    ends; it is open where that is 0 or infinite. Replicates that bound the ratio on neither side
    (both learners fall short, or both start above) are left out. The interval is not estimable
    where these are more than 2.5%, where fewer than 95% of replicates have curves, where it is
    open on both sides, or where all replicates give one and the same ratio.

    Args:
        replicates: From :func:`examwise.evaluation.budget_replicates.budget_replicates`.
        target_auc: AUC to reach, set before the study.
        strong: Learner trained on slice labels.
        weak: Learner trained on exam labels.

    Returns:
        ``RATIOS``, for each way in which the strong learner's labels were drawn; no rows where the
        study lacks one of the learners.

    Raises:
        InputError: If the target is not between 0.5 and 1, or the learners were not trained on
            slice labels and exam labels, the latter drawn in one way.
    """
    if not 0.5 < target_auc < 1:
        raise InputError(where="target_auc", expected="a number between 0.5 and 1", got=target_auc)
    exam_arms = budgeted_curves(replicates, weak, label_kind="exam")
    if len(exam_arms) > 1:
        raise InputError(
            where=f"learner {weak}",
            expected="exam labels drawn in one way",
            got=", ".join(curve.key.acquisition for curve in exam_arms),
            remedy="study them one at a time",
        )
    slice_arms = budgeted_curves(replicates, strong, label_kind="slice")
    needed_weak = [_needed(curve, target_auc) for curve in exam_arms]
    rows: list[dict[str, Any]] = []
    for curve in slice_arms if exam_arms else ():
        needed = [_needed(curve, target_auc), *needed_weak]
        for unit in ("labels", "actions", "hours"):
            if unit in curve.mean_costs:
                names = {
                    "archive": replicates.test_set.archive,
                    "acquisition": curve.key.acquisition,
                    "finding": replicates.finding,
                    "target_auc": target_auc,
                    "unit": unit,
                }
                rows.append({**names, **_ratio_row(*(by_unit[unit] for by_unit in needed))})
    return RATIOS.frame(rows)


def budgeted_curves(
    replicates: BudgetReplicates, learner: str, *, label_kind: str
) -> list[LearnerCurve]:
    """Return a learner's curves over budgets, one for each way of drawing its labels.

    Raises:
        InputError: If it was trained on another kind of labels.
    """
    curves = [
        curve
        for key, curve in replicates.curves.items()
        if key.learner == learner and key.mode == BUDGETED
    ]
    for curve in curves:
        if curve.label_kind != label_kind:
            raise InputError(
                where=f"learner {learner}",
                expected=f"runs on {label_kind} labels",
                got=f"runs on {curve.label_kind} labels",
                remedy="name the study's strong and weak learners",
            )
    return curves


def ratio_range(strong: NeededAmount, weak: NeededAmount) -> tuple[float, float]:
    """Return the range in which strong over weak lies.

    Example:
        >>> ratio_range(NeededAmount(6, 6), NeededAmount(2, 2))
        (3.0, 3.0)
        >>> ratio_range(NeededAmount(6, math.inf), NeededAmount(0, 2))
        (3.0, inf)
    """
    lower = strong.low / weak.high
    upper = math.inf if weak.low == 0 else strong.high / weak.low
    return lower, upper


def _needed(curve: LearnerCurve, target_auc: float) -> dict[str, list[NeededAmount | None]]:
    """By unit: the amount in the sample itself, then in each replicate (None: no curve)."""
    aucs = np.vstack([curve.mean_auc, curve.auc_replicates])
    fitted = [None if np.isnan(row).any() else monotone_curve(row) for row in aucs]
    needed: dict[str, list[NeededAmount | None]] = {}
    for unit, means in curve.mean_costs.items():
        amounts = np.vstack([means, curve.cost_replicates[unit]])
        needed[unit] = [
            None if curve_values is None else needed_amount(curve_values, row, target_auc)
            for curve_values, row in zip(fitted, amounts, strict=True)
        ]
    return needed


def _ratio_row(
    strong: list[NeededAmount | None], weak: list[NeededAmount | None]
) -> dict[str, Any]:
    here = strong[0], weak[0]
    if here[0] is None or here[1] is None:
        raise AssertionError("a mean AUC over finished repeats is a number")
    point = here[0], here[1]
    usable = [
        (ours, theirs)
        for ours, theirs in zip(strong[1:], weak[1:], strict=True)
        if ours is not None and theirs is not None
    ]
    enough = len(usable) >= SMALLEST_USABLE_SHARE * (len(strong) - 1)
    ranges = np.array([ratio_range(*pair) for pair in usable]) if usable else np.empty((0, 2))
    lower, upper, kind = _interval(ranges) if enough else (None, None, "not_estimable")
    both_reached = all(amount.reached for amount in point)
    both_at_most = all(amount.at_most for amount in point)
    return {
        "strong": point[0].high if point[0].reached else None,
        "strong_at_most": point[0].at_most,
        "weak": point[1].high if point[1].reached else None,
        "weak_at_most": point[1].at_most,
        "ratio": point[0].high / point[1].high if both_reached and not both_at_most else None,
        "ratio_lower": lower,
        "ratio_upper": upper,
        "interval": kind,
        "reached_strong": _share([ours.reached for ours, _ in usable]),
        "reached_weak": _share([theirs.reached for _, theirs in usable]),
        "reached_neither": _share([not (a.reached or b.reached) for a, b in usable]),
    }


def _interval(ranges: npt.NDArray[np.float64]) -> tuple[float | None, float | None, str]:
    telling = (ranges[:, 0] > 0) | np.isfinite(ranges[:, 1])
    too_few = telling.sum() < max(2, (1 - _TAIL) * len(ranges))
    ranges = ranges[telling]
    if too_few or np.all(ranges == ranges[0, 0]):
        return None, None, "not_estimable"
    last = len(ranges) - 1
    # Order statistics, since there is no interpolating towards infinity; rounded outwards.
    lower = float(np.sort(ranges[:, 0])[math.floor(_TAIL * last)])
    upper = float(np.sort(ranges[:, 1])[math.ceil((1 - _TAIL) * last)])
    closed_below, closed_above = lower > 0, math.isfinite(upper)
    kind = {
        (True, True): "closed",
        (True, False): "open_above",
        (False, True): "open_below",
        (False, False): "not_estimable",
    }[closed_below, closed_above]
    return lower if closed_below else None, upper if closed_above else None, kind


def _share(flags: list[bool]) -> float:
    return sum(flags) / len(flags) if flags else 0.0
