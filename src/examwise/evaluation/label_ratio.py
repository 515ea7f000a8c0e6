"""How much more one way of labelling takes than the other to reach the same AUC."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.core.errors import InputError
from examwise.core.schemas.evaluation import RATIOS, UNITS_OF_COST
from examwise.core.schemas.study import BUDGETED, FINE_TUNED
from examwise.evaluation.budget_replicates import (
    BudgetReplicates,
    LearnerCurve,
    paired_replicates,
)
from examwise.evaluation.needed_amount import (
    Floats,
    NeededAmount,
    monotone_curve,
    needed_amounts,
)
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
        ``RATIOS``, for each way in which the strong learner's labels were drawn, with the encoder
        frozen, and where it was trained on as well at two budgets or more; no rows where the study
        lacks one of the learners.

    Raises:
        InputError: If the target is not between 0.5 and 1, or the learners were not trained on
            slice labels and exam labels, the latter drawn in one way.
    """
    if not 0.5 < target_auc < 1:
        raise InputError(where="target_auc", expected="a number between 0.5 and 1", got=target_auc)
    rows: list[dict[str, Any]] = []
    for mode in (BUDGETED, FINE_TUNED):
        for slice_arm, exam_arm in compared_curves(replicates, mode=mode, strong=strong, weak=weak):
            if mode == FINE_TUNED and min(len(slice_arm.budgets), len(exam_arm.budgets)) < 2:
                continue
            of_strong, of_weak = paired_replicates(
                slice_arm,
                exam_arm,
                at=_reached_at(slice_arm, target_auc),
                their_at=_reached_at(exam_arm, target_auc),
            )
            needed_strong = _needed(slice_arm, of_strong, target_auc)
            needed_weak = _needed(exam_arm, of_weak, target_auc)
            rows += [
                {
                    "archive": replicates.test_set.archive,
                    "mode": mode,
                    "acquisition": slice_arm.key.acquisition,
                    "finding": replicates.finding,
                    "target_auc": target_auc,
                    "unit": unit,
                    **_ratio_row(needed_strong[unit], needed_weak[unit]),
                }
                for unit in UNITS_OF_COST
                if unit in needed_strong
            ]
    return RATIOS.frame(rows)


def compared_curves(
    replicates: BudgetReplicates, *, mode: str, strong: str, weak: str
) -> list[tuple[LearnerCurve, LearnerCurve]]:
    """Return the strong learner's curves of one mode, each with the weak learner's one.

    Args:
        replicates: A study's curves on one archive.
        mode: What the runs are for.
        strong: Learner trained on slice labels.
        weak: Learner trained on exam labels.

    Returns:
        A pair for each way in which slice labels were drawn; none where a learner is missing.

    Raises:
        InputError: If the learners were not trained on slice labels and exam labels, the latter
            drawn in one way.
    """
    exam_arms = _curves_of(replicates, weak, mode=mode, label_kind="exam")
    slice_arms = _curves_of(replicates, strong, mode=mode, label_kind="slice")
    if len(exam_arms) > 1:
        raise InputError(
            where=f"learner {weak}",
            expected="exam labels drawn in one way",
            got=", ".join(curve.key.acquisition for curve in exam_arms),
            remedy="study them one at a time",
        )
    return [(curve, exam_arm) for curve in slice_arms for exam_arm in exam_arms]


def _curves_of(
    replicates: BudgetReplicates, learner: str, *, mode: str, label_kind: str
) -> list[LearnerCurve]:
    curves = [
        curve
        for key, curve in replicates.curves.items()
        if key.learner == learner and key.mode == mode
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


def ratio_ranges(strong: Floats, weak: Floats) -> Floats:
    """Return the ranges in which strong over weak lies.

    Args:
        strong: Low and high ends of the amounts, as :func:`needed_amounts` gives them, shape
            (n, 2).
        weak: The same of the weak learner.

    Example:
        >>> strong, weak = np.array([[6.0, 6.0], [6.0, np.inf]]), np.array([[2.0, 2.0], [0.0, 2.0]])
        >>> ratio_ranges(strong, weak).tolist()
        [[3.0, 3.0], [3.0, inf]]
    """
    lower = strong[:, 0] / weak[:, 1]
    upper = np.full(len(weak), np.inf)
    np.divide(strong[:, 1], weak[:, 0], out=upper, where=weak[:, 0] != 0)
    return np.stack([lower, upper], axis=1)


def _reached_at(curve: LearnerCurve, target_auc: float) -> int:
    """Return the number of the first budget that reaches the target, or of the last."""
    above = monotone_curve(curve.mean_auc) >= target_auc
    return int(np.argmax(above)) if above.any() else len(above) - 1


def _needed(curve: LearnerCurve, replicates: Floats, target_auc: float) -> dict[str, Floats]:
    """By unit: the range of the amount in the sample itself, then in each replicate."""
    fitted = monotone_curve(np.vstack([curve.mean_auc, replicates]))
    return {
        unit: needed_amounts(fitted, np.vstack([means, curve.cost_replicates[unit]]), target_auc)
        for unit, means in curve.mean_costs.items()
    }


def _ratio_row(strong: Floats, weak: Floats) -> dict[str, Any]:
    ours, theirs = NeededAmount(*strong[0].tolist()), NeededAmount(*weak[0].tolist())
    usable = ~np.isnan(strong[1:, 0]) & ~np.isnan(weak[1:, 0])
    enough = usable.sum() >= SMALLEST_USABLE_SHARE * len(usable)
    of_strong, of_weak = strong[1:][usable], weak[1:][usable]
    lower, upper, kind = None, None, "not_estimable"
    if enough:
        lower, upper, kind = _interval(ratio_ranges(of_strong, of_weak))
    both_reached = ours.reached and theirs.reached
    both_at_most = ours.at_most and theirs.at_most
    strong_reached, weak_reached = np.isfinite(of_strong[:, 1]), np.isfinite(of_weak[:, 1])
    return {
        "strong": ours.high if ours.reached else None,
        "strong_at_most": ours.at_most,
        "weak": theirs.high if theirs.reached else None,
        "weak_at_most": theirs.at_most,
        "ratio": ours.high / theirs.high if both_reached and not both_at_most else None,
        "ratio_lower": lower,
        "ratio_upper": upper,
        "interval": kind,
        "reached_strong": _share(strong_reached),
        "reached_weak": _share(weak_reached),
        "reached_neither": _share(~(strong_reached | weak_reached)),
    }


def _interval(ranges: Floats) -> tuple[float | None, float | None, str]:
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


def _share(flags: npt.NDArray[np.bool_]) -> float:
    return float(flags.mean()) if len(flags) else 0.0
