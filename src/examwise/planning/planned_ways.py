"""Ways to spend the hours that remain: how far they reach, and what to expect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from examwise.planning.label_prices import LabelPrices
from examwise.planning.question import Question, Reports
from examwise.planning.studied_ways import StudiedWay, StudiedWays, exams_for

Floats = npt.NDArray[np.float64]

NAMES = {
    "exam": "exam labels",
    "exam_first": "exam first, then runs of slices",
    "whole_exam": "all slices of whole exams",
    "spread": "single slices",
}
"""Way to draw labels to how a plan names it."""

_STEPS = 60
_LEVELS = (2.5, 97.5)
_MOST_LABELS = 1e9


@dataclass(frozen=True)
class PlannedWay:
    """One way to spend the hours that remain.

    Attributes:
        name: What is labelled.
        learner: Who learns from it; ``public`` for a model as it is.
        labels: Labels bought, with those that there are already.
        exams: Exams opened.
        actions: Answers entered.
        hours: What it takes.
        auc: Expected exam AUC.
        lower: Lower 95% limit.
        upper: Upper 95% limit.
        chance: Chance to reach the goal; None without one.
        best: Share of draws in which it does best.
        is_extrapolated: Whether no study has tried so many labels.
        is_all: Whether the archive has no more.
        evidence: What the expectation rests on.
    """

    name: str
    learner: str
    labels: int
    exams: int
    actions: int
    hours: float
    auc: float
    lower: float
    upper: float
    chance: float | None
    best: float
    is_extrapolated: bool
    is_all: bool
    evidence: str


@dataclass(frozen=True)
class Bought:
    """What one way comes to.

    Attributes:
        name: What is labelled.
        way: As the study tried it.
        labels: Labels, with those that there are already.
        worth: How many true labels one is worth.
        exams: Exams opened.
        actions: Answers entered.
        hours: What it takes.
        is_all: Whether the archive has no more.
    """

    name: str
    way: StudiedWay
    labels: float
    worth: float
    exams: float
    actions: float
    hours: float
    is_all: bool


def buy(
    way: StudiedWay, studied: StudiedWays, prices: LabelPrices, question: Question, hours: float
) -> Bought | None:
    """Return as many labels as the hours reach for; None where not even one is.

    Args:
        way: How they are bought.
        studied: The study that it is of.
        prices: What labels cost.
        question: What the plan is asked.
        hours: For training labels.
    """
    have = question.exams_labelled if way.acquisition == "exam" else 0
    most = _MOST_LABELS
    if question.archive_exams is not None:
        # Exams opened rise with labels: bisect for the number that opens them all.
        per_exam = way.labels[-1] / way.exams[-1] if way.acquisition != "exam" else 1.0
        most = max(1.0, float(question.archive_exams * per_exam - have))

    def work(labels: float) -> tuple[float, float, float]:
        exams = float(exams_for(way, np.array([labels]))[0])
        actions = _actions(way, labels, exams, studied.prevalence, question.prevalence)
        single = labels if way.acquisition == "spread" else 0.0
        whole = 0.0 if way.acquisition == "spread" else exams
        once = prices.hours(exams=whole, slices=single, actions=actions)
        return once * (1 + question.double_reading), exams, actions

    low, high = 0.0, most
    if work(most)[0] > hours:
        for _ in range(_STEPS):
            middle = (low + high) / 2
            low, high = (middle, high) if work(middle)[0] <= hours else (low, middle)
        most = low
    labels = float(np.floor(most))
    if labels < 1:
        return None
    taken, exams, actions = work(labels)
    name = NAMES.get(way.acquisition, way.acquisition)
    is_all = question.archive_exams is not None and taken < hours * 0.999
    return Bought(name, way, have + labels, 1.0, exams, actions, taken, is_all)


def _actions(
    way: StudiedWay, labels: float, exams: float, studied_share: float, share: float
) -> float:
    """Return the answers, at the prevalence that is expected in place of the study's."""
    if way.acquisition in ("exam", "spread"):
        return labels
    of_exam = float(np.interp(np.log(labels), np.log(way.labels), way.actions / way.exams))
    asked = 1.0 if way.acquisition == "exam_first" else 0.0
    negative = 0.0 if asked else 1.0
    # Per exam: what is always asked, one for a negative, two for each run of a positive.
    runs = (of_exam - asked - negative * (1 - studied_share)) / (2 * studied_share)
    return exams * (asked + negative * (1 - share) + 2 * max(runs, 1.0) * share)


def from_reports(studied: StudiedWays, question: Question, reports: Reports) -> list[Bought]:
    """Return what reports of all exams are worth; nothing where no study knows exam labels."""
    exam = next((way for way in studied.ways if way.acquisition == "exam"), None)
    if exam is None or question.archive_exams is None:
        return []
    n_exams = float(question.archive_exams)
    hours = n_exams * reports.seconds / 3600
    name = "exam labels from reports"
    return [Bought(name, exam, n_exams, reports.worth, n_exams, 0.0, hours, is_all=True)]


def compare(bought: list[Bought], studied: StudiedWays, question: Question) -> list[PlannedWay]:
    """Return what to expect of each way, draw by draw beside the others.

    Args:
        bought: The ways.
        studied: The study that they are of.
        question: What the plan is asked.
    """
    draws = [
        studied.draws(one.way, [one.labels * one.worth], is_local=question.is_local)[:, 0]
        for one in bought
    ]
    n_draws = min((len(drawn) for drawn in draws), default=0)
    rows = [drawn[:n_draws] for drawn in draws]
    if (public := question.public) is not None:
        width = max(public.upper - public.lower, 1e-6) / (2 * 1.96)
        seen = public.auc + width * np.linspace(-2.5, 2.5, max(n_draws, 2))
        rows.append(np.clip(seen, 0.0, 1.0))
    if not rows:
        return []
    table = np.array(rows)
    usable = ~np.isnan(table).any(axis=0)
    first = np.argmax(np.where(np.isnan(table), -1.0, table), axis=0)[usable]
    share = np.bincount(first, minlength=len(rows)) / max(1, len(first))
    found = [
        PlannedWay(
            name=one.name,
            learner=one.way.learner,
            labels=int(one.labels),
            exams=round(one.exams),
            actions=round(one.actions),
            hours=one.hours,
            **_expected(row, question.goal),
            best=float(best),
            is_extrapolated=one.labels * one.worth > one.way.largest,
            is_all=one.is_all,
            evidence=f"{one.way.mode.replace('_', ' ')} runs of the study"
            + ("" if one.worth == 1 else f"; a label counts {one.worth:.2f}"),
        )
        for one, row, best in zip(bought, table, share, strict=False)
    ]
    if public is not None:
        found.append(
            PlannedWay(
                name="a public model as it is",
                learner="public",
                labels=0,
                exams=0,
                actions=0,
                hours=0.0,
                **_expected(table[-1], question.goal),
                best=float(share[-1]),
                is_extrapolated=False,
                is_all=False,
                evidence="its own evaluation",
            )
        )
    return found


def _expected(draws: Floats, goal: float | None) -> dict[str, Any]:
    known = draws[~np.isnan(draws)]
    lower, upper = np.percentile(known, _LEVELS)
    return {
        "auc": float(known.mean()),
        "lower": float(lower),
        "upper": float(upper),
        "chance": None if goal is None else float((known >= goal).mean()),
    }
