"""The compared arms beside what they should beat, and beside their fine-tuned selves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from examwise.core.schemas.study import BUDGETED, FINE_TUNED, LABEL_FREE
from examwise.evaluation.budget_replicates import BudgetReplicates, CurveKey, LearnerCurve
from examwise.evaluation.paired_difference import (
    FineTuningComparison,
    ReferenceComparison,
    difference_at,
    difference_of_repeats,
)

POSITION = "position"
"""The learner that knows where a slice lies and nothing else: every other should beat it."""


def reference_comparisons(
    replicates: BudgetReplicates, arms: Mapping[str, str]
) -> tuple[ReferenceComparison, ...]:
    """Compare every arm with the rows it should beat.

    A score without labels and the position alone are compared at the arm's largest budget;
    another learner on the same kind of labels, drawn alike, at the largest budget that both have.

    Args:
        replicates: A study's curves on one archive.
        arms: ``strong`` and ``weak`` to their learners.
    """
    found = []
    for arm, ours in _arm_curves(replicates, arms):
        for theirs in replicates.curves.values():
            budgets = _compared_budgets(ours, theirs, arms)
            if budgets is not None:
                budget, their_budget = budgets
                found.append(
                    ReferenceComparison(
                        arm=arm,
                        acquisition=ours.key.acquisition,
                        labels=budget,
                        reference=theirs.key.learner,
                        reference_labels=their_budget,
                        auc=difference_at(ours, theirs, budget=budget, their_budget=their_budget),
                    )
                )
    return tuple(found)


def fine_tuning_comparisons(
    replicates: BudgetReplicates, arms: Mapping[str, str]
) -> tuple[FineTuningComparison, ...]:
    """Compare every arm that was fine-tuned with the same labels and a frozen encoder.

    Args:
        replicates: A study's curves on one archive.
        arms: ``strong`` and ``weak`` to their learners.
    """
    found = []
    for arm, frozen in _arm_curves(replicates, arms):
        tuned = replicates.curves.get(frozen.key._replace(mode=FINE_TUNED))
        for budget in () if tuned is None else tuned.budgets.tolist():
            compared = difference_of_repeats(
                replicates, frozen.key._replace(mode=FINE_TUNED), frozen.key, budget=budget
            )
            if compared is not None:
                auc, n_repeats = compared
                found.append(
                    FineTuningComparison(arm, frozen.key.acquisition, budget, n_repeats, auc)
                )
    return tuple(found)


def _arm_curves(
    replicates: BudgetReplicates, arms: Mapping[str, str]
) -> Iterator[tuple[str, LearnerCurve]]:
    for arm, learner in arms.items():
        for key, curve in replicates.curves.items():
            if (key.learner, key.mode) == (learner, BUDGETED):
                yield arm, curve


def _compared_budgets(
    ours: LearnerCurve, theirs: LearnerCurve, arms: Mapping[str, str]
) -> tuple[int, int] | None:
    """Return the budgets to compare at, or None where the row is nothing to beat."""
    key: CurveKey = theirs.key
    largest = int(ours.budgets[-1])
    if key.mode == LABEL_FREE:
        return largest, int(theirs.budgets[-1])
    if key.mode != BUDGETED or key.learner in arms.values():
        return None
    is_alike = (theirs.label_kind, key.acquisition) == (ours.label_kind, ours.key.acquisition)
    shared = sorted(set(ours.budgets.tolist()) & set(theirs.budgets.tolist()))
    if is_alike and shared:
        return shared[-1], shared[-1]
    return (largest, int(theirs.budgets[-1])) if key.learner == POSITION else None
