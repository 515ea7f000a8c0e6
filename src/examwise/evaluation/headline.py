"""A study's answer in one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from examwise.evaluation.wording import ARM_NAMES, UNIT_NOUNS, amount, interval, listed, number

Row = Mapping[str, Any]

_TABLE_COLUMN = {"labels": "labels", "actions": "actions", "hours": "hours"}


def compose_headline(
    ratios: Mapping[str, Row],
    arms: Mapping[str, Sequence[Row]],
    *,
    target_auc: float,
    finding: str,
) -> str:
    """Return one sentence: what both ways of labelling took, and which was cheaper.

    It says so where a way did not reach the target, where its smallest budget did already, and
    where the interval of the leading unit includes 1.

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
    if len(reached) == 2:
        return _both_reached(ratios, goal)
    if not reached:
        best = listed([_best(arm, rows) for arm, rows in arms.items()])
        return (
            f"Neither way of labelling reached {goal} (the highest mean AUC was {best}), "
            "so these data do not tell which is cheaper."
        )
    winner = reached[0]
    loser = "weak" if winner == "strong" else "strong"
    took = listed([_needed(row, winner, unit) for unit, row in ratios.items()])
    tried = listed([amount(arms[loser][-1][_TABLE_COLUMN[unit]], unit) for unit in ratios])
    first = ARM_NAMES[winner][0].upper() + ARM_NAMES[winner][1:]
    return (
        f"{first} reached {goal} with {took}, {ARM_NAMES[loser]} did not reach it with the "
        f"largest budget, {tried}; {_verdict(lead, with_interval=True)}."
    )


def _both_reached(ratios: Mapping[str, Row], goal: str) -> str:
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
    return f"{amounts}: {listed(times)}; {_verdict(lead, with_interval=False)}."


def _bound(row: Row) -> str:
    if row["strong_at_most"]:
        return "at most "
    return "at least " if row["weak_at_most"] else ""


def _needed(row: Row, arm: str, unit: str) -> str:
    return ("at most " if row[f"{arm}_at_most"] else "") + amount(row[arm], unit)


def _best(arm: str, rows: Sequence[Row]) -> str:
    best = max(rows, key=lambda row: row["auc"])
    return f"{best['auc']:.2f} with {amount(best['labels'], 'labels')} by {ARM_NAMES[arm]}"


def _verdict(row: Row, *, with_interval: bool) -> str:
    lower, upper = row["ratio_lower"], row["ratio_upper"]
    tail = f" (ratio of slices to exams: {interval(row)})" if with_interval else ""
    noun = UNIT_NOUNS[row["unit"]]
    if lower is not None and lower > 1:
        return f"in {noun}, {ARM_NAMES['weak']} was cheaper{tail}"
    if upper is not None and upper < 1:
        return f"in {noun}, {ARM_NAMES['strong']} was cheaper{tail}"
    if row["interval"] == "not_estimable":
        return (
            f"the interval in {noun} is not estimable, so these data do not tell which is cheaper"
        )
    return f"in {noun} the interval includes 1{tail}, so these data do not tell which is cheaper"
