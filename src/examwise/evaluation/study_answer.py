"""From what all runs come to at every site to the study's tables and its answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from examwise.core.analysis_protocol import RatioClaim
from examwise.core.schemas.evaluation import BUDGET_CURVE, RATIOS
from examwise.core.schemas.study import BUDGETED, FINE_TUNED
from examwise.evaluation.answer import Answer, ArchiveAnswer
from examwise.evaluation.archive_answer import (
    Ratios,
    compose_archive_answer,
    ratios_by_drawing,
    unjudged_answer,
)
from examwise.evaluation.budget_replicates import budget_replicates
from examwise.evaluation.budget_tables import (
    BUDGET_TABLES,
    MetricFollower,
    budget_tables,
    no_budget_tables,
)
from examwise.evaluation.fair_reading import compose_full_headline, compose_headline
from examwise.evaluation.shared_labels import SharedLabels
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
        claim: Which ratios are claimed, if shown; none if None.
    """

    target_auc: float
    finding: str
    costs_given: bool
    strong: str
    weak: str
    n_replicates: int
    seed: int
    claim: RatioClaim | None = None

    @property
    def arms(self) -> dict[str, str]:
        """``strong`` and ``weak`` to their learners."""
        return {"strong": self.strong, "weak": self.weak}


@dataclass(frozen=True)
class AnsweredStudy:
    """A study's tables over budgets, and the answer in words.

    Attributes:
        tables: File to rows of all archives, of :data:`BUDGET_TABLES`.
        answer: The answer.
    """

    tables: Mapping[str, pl.DataFrame]
    answer: Answer


@dataclass(frozen=True)
class _Part:
    tables: Mapping[str, pl.DataFrame]
    by_drawing: Ratios
    full: Ratios
    answer: ArchiveAnswer


def answer_study(
    runs: pl.DataFrame,
    judged: Sequence[JudgedSite],
    question: StudyQuestion,
    *,
    labels: SharedLabels,
    follow: MetricFollower | None = None,
) -> AnsweredStudy:
    """Answer for every archive by itself, and for the study.

    An external archive whose labelled exams are all of one class can judge nothing: its part of
    the answer says so. An internal one is refused.

    Args:
        runs: ``RUNS`` of the study.
        judged: The internal site first.
        question: What is asked.
        labels: What repeats share of their labels.
        follow: Makes ``METRIC_CURVE`` of a site and its ``BUDGET_CURVE``; exams' AUC alone is
            followed if None.

    Raises:
        InputError: If the runs cannot be compared.
    """
    parts = [_part(runs, site, question, labels, follow) for site in judged]
    headline = compose_headline(
        [part.answer for part in parts],
        parts[0].by_drawing,
        target_auc=question.target_auc,
        finding=question.finding,
        once=_tried_once(runs, question),
    )
    return AnsweredStudy(
        tables={
            table.file: pl.concat([part.tables[table.file] for part in parts])
            for table in BUDGET_TABLES
        },
        answer=Answer(
            headline=headline,
            finding=question.finding,
            target_auc=question.target_auc,
            archives=tuple(part.answer for part in parts),
            full_headline=compose_full_headline(
                [part.answer for part in parts],
                parts[0].full,
                target_auc=question.target_auc,
                finding=question.finding,
                once=_tried_once(runs, question, mode=FINE_TUNED),
            ),
        ),
    )


def _part(
    runs: pl.DataFrame,
    site: JudgedSite,
    question: StudyQuestion,
    labels: SharedLabels,
    follow: MetricFollower | None,
) -> _Part:
    is_external = site.site.is_external
    if is_external and (nothing := unjudged(site.runs[0].exams, finding=question.finding)):
        answer = unjudged_answer(nothing, finding=question.finding)
        return _Part(no_budget_tables(), {}, {}, answer)
    replicates = budget_replicates(
        runs,
        site.exams,
        finding=question.finding,
        n_replicates=question.n_replicates,
        seed=question.seed,
        costs_given=question.costs_given,
        overlaps=labels.overlaps(),
    )
    tables = budget_tables(
        replicates,
        site,
        target_auc=question.target_auc,
        strong=question.strong,
        weak=question.weak,
        claim=question.claim,
        seed=question.seed,
        follow=follow,
    )
    curve = tables[BUDGET_CURVE.file]
    by_drawing, full = (
        ratios_by_drawing(tables[RATIOS.file], costs_given=question.costs_given, mode=mode)
        for mode in (BUDGETED, FINE_TUNED)
    )
    answer = compose_archive_answer(
        curve,
        by_drawing,
        arms=question.arms,
        target_auc=question.target_auc,
        finding=question.finding,
        costs_given=question.costs_given,
        full_ratios=full,
        facts=collect_facts(
            replicates,
            is_external=is_external,
            arms=question.arms,
            slices_per_exam=site.slices_per_exam,
            shared_labels=labels.of_curves(),
        ),
    )
    return _Part(tables, by_drawing, full, answer)


def _tried_once(runs: pl.DataFrame, question: StudyQuestion, *, mode: str = BUDGETED) -> bool:
    compared = runs.filter(
        (pl.col("mode") == mode) & pl.col("learner").is_in(list(question.arms.values()))
    )
    return compared["repeat"].n_unique() == 1
