"""The difference between two AUCs that the same patients judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examwise.evaluation.budget_replicates import (
    BudgetReplicates,
    CurveKey,
    LearnerCurve,
    paired_replicates,
)
from examwise.metrics.patient_bootstrap import percentile_interval

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PairedDifference:
    """Two mean AUCs, and by how much the first is larger.

    Attributes:
        ours: The one.
        theirs: The other.
        lower: Lower 95% limit of ours less theirs; None where undefined.
        upper: Upper 95% limit.
    """

    ours: float
    theirs: float
    lower: float | None
    upper: float | None

    @property
    def difference(self) -> float:
        """Ours less theirs."""
        return self.ours - self.theirs

    @property
    def is_larger(self) -> bool:
        """Whether ours is larger by more than chance."""
        return self.lower is not None and self.lower > 0


@dataclass(frozen=True)
class ReferenceComparison:
    """An arm beside a row that it should beat.

    Attributes:
        arm: ``strong`` or ``weak``.
        acquisition: How the arm's labels were drawn.
        labels: Labels that the arm had.
        reference: The row's learner, or score.
        reference_labels: Labels that the row had.
        auc: Both AUCs.
    """

    arm: str
    acquisition: str
    labels: int
    reference: str
    reference_labels: int
    auc: PairedDifference


@dataclass(frozen=True)
class FineTuningComparison:
    """An arm with its encoder trained on as well, beside the same labels with it frozen.

    Attributes:
        arm: ``strong`` or ``weak``.
        acquisition: How the arm's labels were drawn.
        labels: Labels that both had.
        n_repeats: Repeats that both were tried in.
        auc: Fine-tuned, and frozen.
    """

    arm: str
    acquisition: str
    labels: int
    n_repeats: int
    auc: PairedDifference


def difference_at(
    ours: LearnerCurve, theirs: LearnerCurve, *, budget: int, their_budget: int
) -> PairedDifference:
    """Compare two curves at a budget each: patients, and repeats that both have, are paired."""
    mine = ours.budgets.tolist().index(budget)
    other = theirs.budgets.tolist().index(their_budget)
    own, their_own = paired_replicates(ours, theirs, at=mine, their_at=other)
    limits = percentile_interval(own[:, mine] - their_own[:, other])
    return PairedDifference(
        float(ours.mean_auc[mine]), float(theirs.mean_auc[other]), limits.lower, limits.upper
    )


def difference_of_repeats(
    replicates: BudgetReplicates, ours: CurveKey, theirs: CurveKey, *, budget: int
) -> tuple[PairedDifference, int] | None:
    """Compare two curves at one budget over the repeats that both have: the same labels.

    Returns:
        The difference and the number of repeats; None where they share none.
    """
    rows_of = [_rows_by_repeat(replicates, key, budget) for key in (ours, theirs)]
    shared = sorted(set(rows_of[0]) & set(rows_of[1]))
    if not shared:
        return None
    drawn = replicates.draws.counts(shared)
    own, other = (replicates.aucs[[rows[number] for number in shared]] for rows in rows_of)
    gain = own - other
    limits = percentile_interval((gain[:, 1:].T * drawn).sum(axis=1) / drawn.sum(axis=1))
    means = float(own[:, 0].mean()), float(other[:, 0].mean())
    return PairedDifference(*means, limits.lower, limits.upper), len(shared)


def _rows_by_repeat(replicates: BudgetReplicates, key: CurveKey, budget: int) -> Mapping[int, int]:
    columns = (*CurveKey._fields, "budget", "repeat")
    found = replicates.runs.select(columns).rows()
    return {row[-1]: place for place, row in enumerate(found) if row[:-1] == (*key, budget)}
