"""From what all runs come to at every site to the study's tables and its answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from examwise.core.schemas.evaluation import BUDGET_CURVE, RATIOS
from examwise.core.schemas.study import BUDGETED
from examwise.evaluation.answer import Answer, ArchiveAnswer
from examwise.evaluation.archive_answer import (
    Ratios,
    compose_archive_answer,
    ratios_by_drawing,
    unjudged_answer,
)
from examwise.evaluation.budget_curve import budget_curve
from examwise.evaluation.budget_replicates import CurveKey, budget_replicates
from examwise.evaluation.fair_reading import compose_headline
from examwise.evaluation.label_ratio import label_ratios
from examwise.evaluation.study_facts import collect_facts
from examwise.evaluation.study_sites import JudgedSite
from examwise.evaluation.test_set import unjudged


@dataclass(frozen=True)
class StudyQuestion:
    """What a study is asked.

    Attributes:
        target_auc: Exam-level AUC to reach.
        finding: What is to be found.
        costs_given: Whether reader hours count.
        strong: Learner trained on slice labels.
        weak: Learner trained on exam labels.
        n_replicates: Bootstrap replicates.
        seed: Seed of the bootstrap.
    """

    target_auc: float
    finding: str
    costs_given: bool
    strong: str
    weak: str
    n_replicates: int
    seed: int

    @property
    def arms(self) -> dict[str, str]:
        """``strong`` and ``weak`` to their learners."""
        return {"strong": self.strong, "weak": self.weak}


@dataclass(frozen=True)
class AnsweredStudy:
    """A study's tables, and the answer in words.

    Attributes:
        curve: ``BUDGET_CURVE`` of all archives.
        ratios: ``RATIOS`` of all archives.
        answer: The answer.
    """

    curve: pl.DataFrame
    ratios: pl.DataFrame
    answer: Answer


@dataclass(frozen=True)
class _Part:
    curve: pl.DataFrame
    ratios: pl.DataFrame
    by_drawing: Ratios
    answer: ArchiveAnswer


def answer_study(
    runs: pl.DataFrame,
    judged: Sequence[JudgedSite],
    question: StudyQuestion,
    *,
    shared_labels: Mapping[CurveKey, float],
) -> AnsweredStudy:
    """Answer for every archive by itself, and for the study.

    An external archive whose labelled exams are all of one class can judge nothing: its part of
    the answer says so. An internal one is refused.

    Args:
        runs: ``RUNS`` of the study.
        judged: The internal site first.
        question: What is asked.
        shared_labels: Share of labels that two repeats of the largest budget share, by curve.

    Raises:
        InputError: If the runs cannot be compared.
    """
    parts = [_part(runs, site, question, shared_labels) for site in judged]
    headline = compose_headline(
        [part.answer for part in parts],
        parts[0].by_drawing,
        target_auc=question.target_auc,
        finding=question.finding,
        once=_tried_once(runs, question),
    )
    return AnsweredStudy(
        curve=pl.concat([part.curve for part in parts]),
        ratios=pl.concat([part.ratios for part in parts]),
        answer=Answer(
            headline=headline,
            finding=question.finding,
            target_auc=question.target_auc,
            archives=tuple(part.answer for part in parts),
        ),
    )


def _part(
    runs: pl.DataFrame,
    site: JudgedSite,
    question: StudyQuestion,
    shared_labels: Mapping[CurveKey, float],
) -> _Part:
    is_external = site.site.is_external
    if is_external and (nothing := unjudged(site.runs[0].exams, finding=question.finding)):
        answer = unjudged_answer(nothing, finding=question.finding)
        return _Part(BUDGET_CURVE.frame([]), RATIOS.frame([]), {}, answer)
    replicates = budget_replicates(
        runs,
        site.exams,
        finding=question.finding,
        n_replicates=question.n_replicates,
        seed=question.seed,
        costs_given=question.costs_given,
    )
    curve = budget_curve(replicates)
    ratios = label_ratios(
        replicates, target_auc=question.target_auc, strong=question.strong, weak=question.weak
    )
    by_drawing = ratios_by_drawing(ratios, costs_given=question.costs_given)
    answer = compose_archive_answer(
        curve,
        by_drawing,
        arms=question.arms,
        target_auc=question.target_auc,
        finding=question.finding,
        costs_given=question.costs_given,
        facts=collect_facts(
            replicates,
            is_external=is_external,
            arms=question.arms,
            slices_per_exam=site.slices_per_exam,
            shared_labels=shared_labels,
        ),
    )
    return _Part(curve, ratios, by_drawing, answer)


def _tried_once(runs: pl.DataFrame, question: StudyQuestion) -> bool:
    compared = runs.filter(
        (pl.col("mode") == BUDGETED) & pl.col("learner").is_in(list(question.arms.values()))
    )
    return compared["repeat"].n_unique() == 1
