"""Choosing the exams that a report shows, by a rule and never by eye."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

RULE = (
    "The exams are chosen by the rule given with each, one after the other and none twice, from "
    "what one run of each learner that is compared says of test exams of the archive where "
    "labels were bought: the first run at the largest budget, with the encoder trained on as well "
    "where there is one. A learner calls an exam positive when its probability is at or above "
    "that run's threshold. Ties go to the first pseudonym."
)


@dataclass(frozen=True)
class ExamCall:
    """What every learner says of one test exam.

    Attributes:
        exam_id: The exam.
        label: 1, 0 or None where there is no truth.
        probabilities: Learner to exam probability.
        positive: Learner to whether that is at or above its threshold.
    """

    exam_id: str
    label: int | None
    probabilities: Mapping[str, float]
    positive: Mapping[str, bool]


@dataclass(frozen=True)
class ChosenExam:
    """An exam, why it is shown, and by which rule it was chosen."""

    title: str
    rule: str
    call: ExamCall


def exam_calls(
    exams: Mapping[str, pl.DataFrame], thresholds: Mapping[str, float]
) -> list[ExamCall]:
    """Put every learner's predictions of the same exams side by side, sorted by exam.

    Args:
        exams: Learner to rows of :data:`~examwise.core.schemas.predictions.PREDICTED_EXAMS`, of
            one run and one finding; exams that not every learner predicted are left out.
        thresholds: Learner to its run's threshold.
    """
    tables = {
        learner: {row["exam_id"]: row for row in frame.iter_rows(named=True)}
        for learner, frame in exams.items()
    }
    shared = set.intersection(*(set(table) for table in tables.values()))
    calls = []
    for exam_id in sorted(shared):
        rows = {learner: table[exam_id] for learner, table in tables.items()}
        probabilities = {name: float(row["exam_probability"]) for name, row in rows.items()}
        calls.append(
            ExamCall(
                exam_id=exam_id,
                label=next(iter(rows.values()))["exam_label"],
                probabilities=probabilities,
                positive={name: value >= thresholds[name] for name, value in probabilities.items()},
            )
        )
    return calls


def choose_exams(
    calls: Sequence[ExamCall], learner_names: Mapping[str, str]
) -> tuple[list[ChosenExam], list[str]]:
    """Choose exams by :data:`RULE`.

    Args:
        calls: From :func:`exam_calls`.
        learner_names: Learner to how it is named in titles, in order.

    Returns:
        The exams in the rule's order, and the titles for which there is none.
    """
    chosen: list[ChosenExam] = []
    absent: list[str] = []
    for title, rule, fits, rank in _kinds(learner_names):
        taken = {exam.call.exam_id for exam in chosen}
        candidates = [call for call in calls if call.exam_id not in taken and fits(call)]
        if candidates:
            # Calls come sorted by exam, and max keeps the first of equals.
            chosen.append(ChosenExam(title, rule, max(candidates, key=rank)))
        else:
            absent.append(title)
    return chosen, absent


_Kind = tuple[str, str, Callable[[ExamCall], bool], Callable[[ExamCall], float]]


def _kinds(learner_names: Mapping[str, str]) -> list[_Kind]:
    kinds: list[_Kind] = [
        (
            "Most confident hit",
            "Positive and called so by every learner; the one whose lower probability is highest.",
            lambda call: call.label == 1 and all(call.positive.values()),
            lambda call: min(call.probabilities.values()),
        )
    ]
    kinds += [_missed_by(learner, name) for learner, name in learner_names.items()]
    kinds.append(
        (
            "False alarm",
            "Negative and called positive by a learner; the one with the highest probability.",
            lambda call: call.label == 0 and any(call.positive.values()),
            lambda call: max(call.probabilities.values()),
        )
    )
    if len(learner_names) > 1:
        kinds.append(
            (
                "Learners disagree",
                "Called differently; the one whose probabilities are furthest apart.",
                lambda call: len(set(call.positive.values())) > 1,
                lambda call: max(call.probabilities.values()) - min(call.probabilities.values()),
            )
        )
    kinds.append(
        (
            "Correct negative",
            "Negative and called so by every learner; the one whose higher probability is lowest.",
            lambda call: call.label == 0 and not any(call.positive.values()),
            lambda call: -max(call.probabilities.values()),
        )
    )
    return kinds


def _missed_by(learner: str, name: str) -> _Kind:
    return (
        f"Missed by the {name} learner",
        "Positive and called negative by this learner; the one with its lowest probability.",
        lambda call: call.label == 1 and not call.positive[learner],
        lambda call: -call.probabilities[learner],
    )
