"""What an archive's cautions need to know beside its tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from examwise.core.schemas.study import BUDGETED, LABEL_FREE
from examwise.evaluation.budget_replicates import BudgetReplicates, CurveKey
from examwise.evaluation.paired_difference import FineTuningComparison, ReferenceComparison
from examwise.evaluation.reference_rows import fine_tuning_comparisons, reference_comparisons


@dataclass(frozen=True)
class StudyFacts:
    """Facts about a study, seen from one archive.

    Attributes:
        archive: Where the test exams are from; of several archives their joint name.
        n_exams: Labelled test exams.
        n_positive: Positive ones.
        n_patients: Their patients.
        is_external: Whether no label was bought there.
        n_archives: Archives that the test exams are from.
        slices_per_exam: Mean number of slices in a test exam; None where it is not known.
        labels_per_exam: How slice labels were drawn to their number for each exam opened, at the
            largest budget.
        largest_unspent_share: Largest share of a budget that bought no labels, since the next
            exam's labels would have gone beyond it.
        n_runs: Runs that learned from labels.
        n_constant_runs: Those of them that score all test exams alike.
        shared_labels: Arm and way of drawing to the share of labels that two repeats of the
            largest budget have in common, on average; of none where it is not known.
        references: The arms beside the rows they should beat.
        fine_tuning: The arms beside their fine-tuned selves.
    """

    archive: str
    n_exams: int
    n_positive: int
    n_patients: int
    is_external: bool = False
    n_archives: int = 1
    slices_per_exam: float | None = None
    labels_per_exam: Mapping[str, float] = field(default_factory=dict)
    largest_unspent_share: float = 0.0
    n_runs: int = 0
    n_constant_runs: int = 0
    shared_labels: Mapping[tuple[str, str], float] = field(default_factory=dict)
    references: tuple[ReferenceComparison, ...] = ()
    fine_tuning: tuple[FineTuningComparison, ...] = ()


def collect_facts(
    replicates: BudgetReplicates,
    *,
    is_external: bool,
    arms: Mapping[str, str],
    slices_per_exam: float | None,
    shared_labels: Mapping[CurveKey, float],
) -> StudyFacts:
    """Gather what the cautions need.

    Args:
        replicates: The study's curves on this archive.
        is_external: Whether no label was bought there.
        arms: ``strong`` and ``weak`` to their learners.
        slices_per_exam: Mean number of slices in a test exam.
        shared_labels: Share of labels that two repeats of the largest budget share, by curve.
    """
    test_set = replicates.test_set
    bought = [curve for key, curve in replicates.curves.items() if key.mode != LABEL_FREE]
    trained = replicates.runs.filter(pl.col("mode") != LABEL_FREE)["run_id"].to_list()
    unspent = [1 - float((curve.mean_costs["labels"] / curve.budgets).min()) for curve in bought]
    return StudyFacts(
        archive=test_set.archive,
        n_exams=test_set.n_exams,
        n_positive=test_set.n_positive,
        n_patients=test_set.n_patients,
        is_external=is_external,
        n_archives=test_set.n_archives,
        slices_per_exam=slices_per_exam,
        labels_per_exam={
            key.acquisition: float(curve.mean_costs["labels"][-1] / curve.mean_exams_opened[-1])
            for key, curve in replicates.curves.items()
            if (key.learner, key.mode) == (arms["strong"], BUDGETED)
        },
        largest_unspent_share=max(0.0, *unspent) if unspent else 0.0,
        n_runs=len(trained),
        n_constant_runs=test_set.n_constant(trained),
        shared_labels={
            (arm, key.acquisition): share
            for arm, learner in arms.items()
            for key, share in shared_labels.items()
            if key.learner == learner
        },
        references=reference_comparisons(replicates, arms),
        fine_tuning=fine_tuning_comparisons(replicates, arms),
    )
