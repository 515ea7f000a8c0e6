"""What one archive says where slice labels were drawn one way, in one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from examwise.core.schemas.study import BUDGETED, FINE_TUNED
from examwise.evaluation.needed_amount import monotone_curve
from examwise.evaluation.verdict import cheaper_arm, reached_neither
from examwise.evaluation.wording import (
    ARM_NAMES,
    TRAINED_ON,
    UNIT_NOUNS,
    amount,
    at_bound,
    drawn,
    goal,
    interval,
    listed,
    number,
)

Row = Mapping[str, Any]


def compose_sentence(
    ratios: Mapping[str, Row],
    arms: Mapping[str, Sequence[Row]],
    *,
    acquisition: str,
    target_auc: float,
    finding: str,
    mode: str = BUDGETED,
) -> str:
    """Return one sentence: what both ways of labelling took, and which was cheaper.

    It says so where a way did not reach the target, where its smallest budget did already, where
    the interval of the leading unit includes 1, and where one draw of labels is all it rests on.

    Args:
        ratios: Unit to its row of ``RATIOS``, the leading unit first.
        arms: ``strong`` and ``weak`` to their rows of the answer's table, by rising budget.
        acquisition: How slice labels were drawn.
        target_auc: AUC to reach.
        finding: What is to be found.
        mode: What the runs are for.
    """
    aim = goal(target_auc, finding)
    lead = next(iter(ratios.values()))
    start = f"With slice labels drawn {drawn(acquisition)}"
    if mode == FINE_TUNED:
        start = f"{TRAINED_ON.capitalize()}, and slice labels drawn {drawn(acquisition)}"
    once = all(row["repeats"] == 1 for rows in arms.values() for row in rows)
    if reached_neither(lead):
        fitted = "never falling fit to the " if any(map(falls, arms.values())) else ""
        ends = listed([_end(arm, rows, target_auc) for arm, rows in arms.items()])
        return (
            f"{start}, neither way of labelling reached {aim} (the {fitted}mean AUC came to "
            f"{ends}), so these data do not tell which is cheaper."
        )
    if lead["strong"] is not None and lead["weak"] is not None:
        return f"{start}, {_both_reached(ratios, aim, once=once)}."
    winner, loser = ("strong", "weak") if lead["weak"] is None else ("weak", "strong")
    took = listed([_needed(row, winner, unit) for unit, row in ratios.items()])
    tried = listed([amount(arms[loser][-1][unit], unit) for unit in ratios])
    return (
        f"{start}, {ARM_NAMES[winner]} reached {aim} with {took}, and {ARM_NAMES[loser]} did not "
        f"reach it with the largest budget, {tried}; "
        f"{_verdict(lead, with_interval=True, once=once)}."
    )


def falls(rows: Sequence[Row]) -> bool:
    """Tell whether the mean AUC falls from one budget of an arm to the next."""
    return any(later["auc"] < earlier["auc"] for earlier, later in pairwise(rows))


def _both_reached(ratios: Mapping[str, Row], aim: str, *, once: bool) -> str:
    unit, lead = next(iter(ratios.items()))
    amounts = (
        f"to reach {aim}, slice labels took {_needed(lead, 'strong', unit)} and exam labels "
        f"{_needed(lead, 'weak', unit)}"
    )
    if lead["ratio"] is None:
        return (
            f"{amounts}: both reached it with their smallest budgets already, "
            "so these data do not tell which is cheaper"
        )
    bound = at_bound(lead)
    times = [
        f"{bound}{number(row['ratio'])} times the {UNIT_NOUNS[name]} ({interval(row)})"
        for name, row in ratios.items()
    ]
    return f"{amounts}: {listed(times)}; {_verdict(lead, with_interval=False, once=once)}"


def _needed(row: Row, arm: str, unit: str) -> str:
    return ("at most " if row[f"{arm}_at_most"] else "") + amount(row[arm], unit)


def _end(arm: str, rows: Sequence[Row], target_auc: float) -> str:
    # The curve that never falls, which the target was looked for on: a single budget's mean may
    # lie above the target by chance.
    auc = float(monotone_curve([row["auc"] for row in rows])[-1])
    # Nor may rounding lift it there.
    digits = next((n for n in (2, 3, 4) if round(auc, n) < target_auc), 2)
    kind = ARM_NAMES[arm].removesuffix("s")
    return f"{auc:.{digits}f} with {amount(rows[-1]['labels'], 'labels', kind=kind)}"


def _verdict(row: Row, *, with_interval: bool, once: bool) -> str:
    tail = f" (ratio of slice to exam labels: {interval(row)})" if with_interval else ""
    noun = UNIT_NOUNS[row["unit"]]
    arm = cheaper_arm(row)
    if arm is not None:
        where = " in the one draw of labels that was tried" if once else ""
        return f"in {noun}, {ARM_NAMES[arm]} were cheaper{where}{tail}"
    if row["interval"] == "not_estimable":
        return (
            f"the interval in {noun} is not estimable, so these data do not tell which is cheaper"
        )
    return f"in {noun} the interval includes 1{tail}, so these data do not tell which is cheaper"
