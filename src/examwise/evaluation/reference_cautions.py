"""What the rows beside the arms say about them, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from examwise.evaluation.paired_difference import (
    FineTuningComparison,
    PairedDifference,
    ReferenceComparison,
)
from examwise.evaluation.reference_rows import POSITION
from examwise.evaluation.wording import arm_drawn, listed, score_without_labels

_LEARNERS = {
    "pooled": "the plain mean over slices, without attention, with the same labels",
    POSITION: "where slices lie, and nothing else",
}


def reference_cautions(comparisons: Sequence[ReferenceComparison]) -> Iterator[str]:
    """Name the rows that an arm is not shown to beat, arm by arm.

    Args:
        comparisons: The arms beside the rows they should beat.
    """
    unbeaten = [compared for compared in comparisons if not compared.auc.is_larger]
    by_arm = groupby(unbeaten, key=lambda c: (c.arm, c.acquisition, c.labels))
    for (arm, acquisition, labels), group in by_arm:
        rows = list(group)
        named = [f"{_name(row)} ({_figures(row.auc)})" for row in rows]
        yield (
            f"{labels:,} {arm_drawn(arm, acquisition)} (AUC {rows[0].auc.ours:.3f}) are not shown "
            f"to do better than {listed(named)}."
        )


def fine_tuning_cautions(comparisons: Sequence[FineTuningComparison]) -> Iterator[str]:
    """Set what fine-tuning made of an arm's labels beside what the curves' training did.

    Args:
        comparisons: The arms beside their fine-tuned selves.
    """
    for row in comparisons:
        auc = row.auc
        if auc.is_larger:
            verdict = "fine-tuning did better"
        elif auc.upper is not None and auc.upper < 0:
            verdict = "fine-tuning did worse"
        else:
            verdict = "which does better is not told"
        times = "once" if row.n_repeats == 1 else f"{row.n_repeats} times"
        yield (
            f"Fine-tuned (the encoder trained on as well), {row.labels:,} "
            f"{arm_drawn(row.arm, row.acquisition)} came to an AUC of {auc.ours:.3f}; trained as "
            f"for the curves, the same labels came to {auc.theirs:.3f} (tried {times}, difference "
            f"{auc.difference:+.3f}, {_limits(auc)}): {verdict}."
        )


def _name(row: ReferenceComparison) -> str:
    if row.reference_labels == 0:
        return f"{score_without_labels(row.reference)}, without any label"
    name = _LEARNERS.get(row.reference, f"the learner '{row.reference}'")
    return f"{name}, from {row.reference_labels:,} labels" if row.reference == POSITION else name


def _figures(auc: PairedDifference) -> str:
    return f"{auc.theirs:.3f}; difference {auc.difference:+.3f}, {_limits(auc)}"


def _limits(auc: PairedDifference) -> str:
    if auc.lower is None or auc.upper is None:
        return "95% interval not estimable"
    return f"95% interval {auc.lower:+.3f} to {auc.upper:+.3f}"
