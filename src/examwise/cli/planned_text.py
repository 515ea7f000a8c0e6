"""A plan for a terminal: what to do first, what to label, what to expect, how sure."""

from __future__ import annotations

from collections.abc import Iterator

from examwise.planning.label_prices import LabelPrices, Price
from examwise.planning.plan import Plan
from examwise.planning.planned_ways import PlannedWay

_CLEAR = 0.8
"""Share of draws from which on a way is called the best."""


def planned_text(plan: Plan, prices: LabelPrices) -> str:
    """Lay out a plan in lines of plain text."""
    question = plan.question
    test = plan.test_set
    blocks = [
        [_headline(plan)],
        [
            f"Reader hours: {question.hours:,.1f} in all.",
            f"1. Test set: {test.exams:,} exams ({test.prevalence:.0%} positive), each read by "
            f"{test.readers}: {test.hours:,.1f} hours. It shows with {test.power:.0%} power that "
            f"one learner's AUC is not lower by {test.margin:g} or more, if in truth it is not.",
            _pilot_line(plan),
            f"3. Training and validation labels: {plan.hours_left:,.1f} hours, "
            f"{question.double_reading:.0%} of them read twice.",
        ],
        ["What these hours buy, and what to expect of it:", *_table(plan)],
        [f"Times: {_prices(prices)}.", _basis(plan)],
        ["Not compared:", *(f"- {said}" for said in plan.not_compared)]
        if plan.not_compared
        else [],
    ]
    return "\n\n".join("\n".join(lines) for lines in blocks if lines)


def _headline(plan: Plan) -> str:
    if not plan.ways:
        return "The hours that are left buy no label in any way that the study has tried."
    best = plan.ways[0]
    others = [way for way in plan.ways[1:] if way.best > 1 - _CLEAR]
    goal = plan.question.goal
    chance = "" if best.chance is None else f", {best.chance:.0%} to reach {goal:g}"
    said = (
        f"Label {best.name}: {best.labels:,} for {best.hours:,.1f} hours; expected exam AUC "
        f"{best.auc:.2f} [{best.lower:.2f}, {best.upper:.2f}]{chance}."
        if best.labels
        else f"Take {best.name}: expected exam AUC {best.auc:.2f} "
        f"[{best.lower:.2f}, {best.upper:.2f}]{chance}; labels are not expected to do better."
    )
    if best.best >= _CLEAR:
        return f"{said} It does best in {best.best:.0%} of what may come."
    names = " or ".join(way.name for way in others) or "another way"
    return (
        f"{said} How sure: it does best in {best.best:.0%} of what may come, so {names} may do as "
        "well; begin with a small round, and plan again."
    )


def _pilot_line(plan: Plan) -> str:
    pilot = plan.pilot
    if pilot is None:
        return "2. Pilot: none; times are known well enough."
    return (
        f"2. Pilot, with a clock: {pilot.exams:,} exams and {pilot.slices:,} single slices, "
        f"{pilot.hours:,.1f} hours; mean times are then known to {pilot.precision:.0%}. Its labels "
        "count as training labels. Plan again with what it measured."
    )


def _table(plan: Plan) -> Iterator[str]:
    has_goal = plan.question.goal is not None
    headings = ["way", "learner", "labels", "exams", "actions", "hours", "exam AUC [95%]"]
    headings += ["reaches goal"] if has_goal else []
    headings += ["best in"]
    rows = [headings, *(_row(way, has_goal=has_goal) for way in plan.ways)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(headings))]
    for row in rows:
        cells = [
            cell.ljust(width) if place < 2 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
    if any(way.is_extrapolated for way in plan.ways):
        yield "* beyond the budgets that the study tried"
    if any(way.is_all for way in plan.ways):
        yield "† all that the archive has"


def _row(way: PlannedWay, *, has_goal: bool) -> list[str]:
    marks = ("*" if way.is_extrapolated else "") + ("†" if way.is_all else "")
    row = [
        way.name,
        way.learner,
        f"{way.labels:,}{marks}",
        f"{way.exams:,}",
        f"{way.actions:,}",
        f"{way.hours:,.1f}",
        f"{way.auc:.3f} [{way.lower:.3f}, {way.upper:.3f}]",
    ]
    if has_goal:
        row.append("–" if way.chance is None else f"{way.chance:.0%}")
    return [*row, f"{way.best:.0%}"]


def _prices(prices: LabelPrices) -> str:
    named = {"an exam": prices.exam, "a slice alone": prices.slice, "an answer": prices.action}
    return "; ".join(f"{name} {_price(price)}" for name, price in named.items())


def _price(price: Price) -> str:
    if price.error is None:
        return f"{price.seconds:g} s, as given"
    return f"{price.seconds:.1f} s ± {1.96 * price.error:.0%}, measured on {price.n_timed:,}"


def _basis(plan: Plan) -> str:
    where = f"Expectations come from the study of '{plan.archive}', finding '{plan.finding}'"
    if plan.question.is_local:
        return f"{where}: this very archive."
    return (
        f"{where}. Another archive may lie above or below it: intervals are widened by a standard "
        f"deviation of {plan.archive_spread:.2f} on the probit scale (.85 may be "
        f"{_shifted(plan, -1.96)} to {_shifted(plan, 1.96)}). A study of your own, run with "
        "--local, narrows them."
    )


def _shifted(plan: Plan, errors: float) -> str:
    from scipy.special import ndtr, ndtri

    return f"{float(ndtr(ndtri(0.85) + errors * plan.archive_spread)):.2f}".lstrip("0")
