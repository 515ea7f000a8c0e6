"""A plan: what to set aside, what to label with the rest, what to expect of it, how sure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from examwise.core.errors import InputError
from examwise.planning.label_prices import LabelPrices
from examwise.planning.planned_ways import NAMES, PlannedWay, buy, compare, from_reports
from examwise.planning.question import Question
from examwise.planning.reserved import Pilot, TestSet, prescribe_pilot, reserve_test_set
from examwise.planning.studied_ways import StudiedWays


@dataclass(frozen=True)
class Plan:
    """What to do.

    Attributes:
        question: What was asked.
        archive: Where the study bought its labels.
        finding: What is to be found.
        test_set: To be labelled first.
        pilot: To be timed before all else; None where times are known.
        hours_left: For training labels.
        ways: Ways to spend them, the best first.
        archive_spread: How far another archive's AUC may lie from the study's (probit scale).
        not_compared: What could not be compared, and why.
    """

    question: Question
    archive: str
    finding: str
    test_set: TestSet
    pilot: Pilot | None
    hours_left: float
    ways: tuple[PlannedWay, ...]
    archive_spread: float
    not_compared: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def make_plan(studied: StudiedWays, prices: LabelPrices, question: Question) -> Plan:
    """Return a plan.

    Hours for the test set come first, then those of double reading; a pilot's labels count as
    training labels. Validation labels are bought out of every budget, as in the study.

    Args:
        studied: What a study knows of each way to label.
        prices: What labels cost.
        question: What is asked.

    Raises:
        InputError: If nothing is left for training labels, or no test set can show the margin.
    """
    expected = question.goal or _level(studied, question)
    test_set = reserve_test_set(
        prices,
        auc=expected,
        margin=question.margin,
        prevalence=question.prevalence,
        power=question.power,
        correlation=question.correlation,
        readers=question.readers,
        labelled=question.test_labelled,
    )
    left = question.hours - test_set.hours
    if left <= 0:
        raise InputError(
            where="--hours",
            expected=f"more than the {test_set.hours:,.1f} hours that a test set of "
            f"{test_set.exams:,} exams takes, read by {question.readers}",
            got=f"{question.hours:g}",
            remedy="find more hours, take a wider margin, or have the test set read once",
        )
    bought = [
        found
        for way in studied.ways
        if (found := buy(way, studied, prices, question, left)) is not None
    ]
    if (reports := question.reports) is not None:
        bought += from_reports(studied, question, reports)
    ways = compare(bought, studied, question)
    return Plan(
        question=question,
        archive=studied.archive,
        finding=studied.finding,
        test_set=test_set,
        pilot=prescribe_pilot(prices, precision=question.precision),
        hours_left=left,
        ways=tuple(sorted(ways, key=lambda way: (-(way.chance or 0.0), -way.auc, way.name))),
        archive_spread=0.0 if question.is_local else studied.archive_spread,
        not_compared=_not_compared(studied, question),
    )


def _level(studied: StudiedWays, question: Question) -> float:
    expected = [
        float(np.nanmean(studied.draws(way, [way.largest], is_local=question.is_local)))
        for way in studied.ways
    ]
    return float(min(0.99, max(0.6, *expected)))


def _not_compared(studied: StudiedWays, question: Question) -> tuple[str, ...]:
    known = {way.acquisition for way in studied.ways}
    said = [f"{name}: the study has no such arm" for key, name in NAMES.items() if key not in known]
    said.append("mixed labels (some exams, some slices): no study has an arm of them yet")
    if question.reports is None:
        said.append("labels from reports: give --report-sensitivity and --report-specificity")
    elif question.archive_exams is None:
        said.append("labels from reports: give --archive-exams, how many exams there are")
    if question.public is None:
        said.append("a public model: give its evaluation on exams of yours by --public")
    return tuple(said)
