"""A study's answer in one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from examwise.evaluation.needed_amount import monotone_curve
from examwise.evaluation.wording import ARM_NAMES, UNIT_NOUNS, amount, interval, listed, number

Row = Mapping[str, Any]


def compose_headline(
    ratios: Mapping[str, Row],
    arms: Mapping[str, Sequence[Row]],
    *,
    target_auc: float,
    finding: str,
) -> str:
    """Return one sentence: what both ways of labelling took, and which was cheaper.

    It says so where a way did not reach the target, where its smallest budget did already, where
    the interval of the leading unit includes 1, and where one draw of labels is all it rests on.

    Args:
        ratios: Unit to its row of ``RATIOS``, the leading unit first.
        arms: ``strong`` and ``weak`` to their rows of the answer's table, by rising budget.
        target_auc: AUC to reach.
        finding: What is to be found.
    """
    goal = f"an AUC of {target_auc:g} for the finding '{finding}'"
    if missing := [ARM_NAMES[arm] for arm, rows in arms.items() if not rows]:
        return f"This study has no runs of {listed(missing)}, so it compares nothing for {goal}."
    lead = next(iter(ratios.values()))
    reached = [arm for arm in arms if lead[arm] is not None]
    tried_once = all(row["repeats"] == 1 for rows in arms.values() for row in rows)
    if len(reached) == 2:
        return _both_reached(ratios, goal, tried_once=tried_once)
    if not reached:
        fitted = "never falling fit to the " if any(map(falls, arms.values())) else ""
        ends = listed([_end(arm, rows, target_auc) for arm, rows in arms.items()])
        return (
            f"Neither way of labelling reached {goal} (the {fitted}mean AUC came to {ends}), "
            "so these data do not tell which is cheaper."
        )
    winner = reached[0]
    loser = "weak" if winner == "strong" else "strong"
    took = listed([_needed(row, winner, unit) for unit, row in ratios.items()])
    tried = listed([amount(arms[loser][-1][unit], unit) for unit in ratios])
    first = ARM_NAMES[winner][0].upper() + ARM_NAMES[winner][1:]
    return (
        f"{first} reached {goal} with {took}, {ARM_NAMES[loser]} did not reach it with the "
        f"largest budget, {tried}; {_verdict(lead, with_interval=True, tried_once=tried_once)}."
    )


def _both_reached(ratios: Mapping[str, Row], goal: str, *, tried_once: bool) -> str:
    unit, lead = next(iter(ratios.items()))
    amounts = (
        f"To reach {goal}, {ARM_NAMES['strong']} took {_needed(lead, 'strong', unit)} and "
        f"{ARM_NAMES['weak']} {_needed(lead, 'weak', unit)}"
    )
    if lead["ratio"] is None:
        return (
            f"{amounts}: both reached it with their smallest budgets already, "
            "so these data do not tell which is cheaper."
        )
    bound = _bound(lead)
    times = [
        f"{bound}{number(row['ratio'])} times the {UNIT_NOUNS[name]} ({interval(row)})"
        for name, row in ratios.items()
    ]
    verdict = _verdict(lead, with_interval=False, tried_once=tried_once)
    return f"{amounts}: {listed(times)}; {verdict}."


def falls(rows: Sequence[Row]) -> bool:
    """Tell whether the mean AUC falls from one budget of an arm to the next."""
    return any(later["auc"] < earlier["auc"] for earlier, later in pairwise(rows))


def _bound(row: Row) -> str:
    if row["strong_at_most"]:
        return "at most "
    return "at least " if row["weak_at_most"] else ""


def _needed(row: Row, arm: str, unit: str) -> str:
    return ("at most " if row[f"{arm}_at_most"] else "") + amount(row[arm], unit)


def _end(arm: str, rows: Sequence[Row], target_auc: float) -> str:
    # The curve that never falls, which the target was looked for on: a single budget's mean may
    # lie above the target by chance.
    auc = float(monotone_curve([row["auc"] for row in rows])[-1])
    # Nor may rounding lift it there.
    digits = next((n for n in (2, 3, 4) if round(auc, n) < target_auc), 2)
    return f"{auc:.{digits}f} with {amount(rows[-1]['labels'], 'labels')} by {ARM_NAMES[arm]}"


def _verdict(row: Row, *, with_interval: bool, tried_once: bool) -> str:
    lower, upper = row["ratio_lower"], row["ratio_upper"]
    tail = f" (ratio of slices to exams: {interval(row)})" if with_interval else ""
    noun = UNIT_NOUNS[row["unit"]]
    cheaper = (
        "was cheaper in the one draw of labels that was tried" if tried_once else "was cheaper"
    )
    if lower is not None and lower > 1:
        return f"in {noun}, {ARM_NAMES['weak']} {cheaper}{tail}"
    if upper is not None and upper < 1:
        return f"in {noun}, {ARM_NAMES['strong']} {cheaper}{tail}"
    if row["interval"] == "not_estimable":
        return (
            f"the interval in {noun} is not estimable, so these data do not tell which is cheaper"
        )
    return f"in {noun} the interval includes 1{tail}, so these data do not tell which is cheaper"
