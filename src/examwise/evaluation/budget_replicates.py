"""Learning curves over label budgets, with replicates that carry both kinds of chance.

The test exams are one sample of patients, the repeats one sample of draws of labels. A replicate
resamples both: patients with all their exams, and repeats with their whole chain of nested
budgets. It uses the same draws for all learners and budgets, so that what they share cancels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.core.errors import InputError
from examwise.core.randomness import generator
from examwise.core.schemas.study import RUNS
from examwise.evaluation.auc_estimate import patient_stream
from examwise.evaluation.test_set import TestSet, common_test_set
from examwise.metrics.patient_bootstrap import patient_counts
from examwise.metrics.roc import roc_auc_weighted

Floats = npt.NDArray[np.float64]

COSTS = {
    # A budget that buys whole exams may end with labels unspent: those bought are counted.
    "labels": pl.col("n_training_labels") + pl.col("n_validation_labels"),
    "actions": pl.col("reader_actions"),
    "hours": pl.col("reader_hours"),
}
"""Unit of cost to how it follows from a row of the study's runs."""


@dataclass(frozen=True)
class LearnerCurve:
    """One learner's curve over its budgets; arrays of shape (budgets,) or (replicates, budgets).

    Attributes:
        learner: Learner's name.
        label_kind: ``slice`` or ``exam``, what was bought.
        acquisition: How it was drawn, ``exam``, ``spread`` or ``whole_exam``.
        budgets: Labels bought, rising, shape (budgets,).
        n_repeats: Finished repeats, shape (budgets,).
        mean_exams_opened: Exams opened, mean over repeats, shape (budgets,).
        mean_costs: Unit to mean cost over repeats, shape (budgets,); no ``hours`` without costs.
        mean_auc: Mean AUC over repeats, shape (budgets,).
        cost_replicates: Unit to mean cost over the repeats drawn, shape (replicates, budgets).
        auc_replicates: Mean AUC over the repeats drawn, shape (replicates, budgets); NaN where a
            replicate lacks a class, or all repeats of a budget.
    """

    learner: str
    label_kind: str
    acquisition: str
    budgets: npt.NDArray[np.int64]
    n_repeats: npt.NDArray[np.int64]
    mean_exams_opened: Floats
    mean_costs: Mapping[str, Floats]
    mean_auc: Floats
    cost_replicates: Mapping[str, Floats]
    auc_replicates: Floats


@dataclass(frozen=True)
class BudgetReplicates:
    """The curves of all learners of a study, judged by one test set.

    Attributes:
        finding: What is found.
        curves: Learner to its curve.
        test_set: The exams they are judged by.
    """

    finding: str
    curves: Mapping[str, LearnerCurve]
    test_set: TestSet


def budget_replicates(
    runs: pl.DataFrame,
    exams: pl.DataFrame,
    *,
    finding: str,
    n_replicates: int,
    seed: int,
    costs_given: bool = True,
) -> BudgetReplicates:
    """Return every learner's curve with its replicates.

    Args:
        runs: ``RUNS`` of a study.
        exams: ``PREDICTED_EXAMS`` of all these runs.
        finding: The finding whose exam-level AUC is followed.
        n_replicates: Bootstrap replicates.
        seed: Seed of the bootstrap.
        costs_given: Whether reader hours are meant to count.

    Raises:
        InputError: If runs miss predictions, were judged by different exams, or differ within a
            learner in what was bought; if a repeat comes twice; if hours are missing.
    """
    repeated = runs.select("learner", "budget", "repeat").is_duplicated()
    if repeated.any():
        raise InputError(
            where=RUNS.file,
            expected="one run for each learner, budget and repeat",
            got=f"{int(repeated.sum())} rows that share one",
            remedy="study one way of drawing labels at a time",
        )
    runs = runs.sort("learner", "budget", "repeat")
    test_set = common_test_set(exams, runs["run_id"].to_list(), finding=finding)
    patients = patient_counts(
        test_set.n_patients,
        n_replicates=n_replicates,
        generator=patient_stream(seed, test_set.archive),
    )
    aucs = np.stack(
        [
            roc_auc_weighted(
                test_set.exam_labels,
                test_set.exam_logits[run_id],
                # The sample itself comes first, then its replicates.
                np.vstack([np.ones((1, test_set.n_patients), dtype=np.int64), patients]),
                columns=test_set.patient_index,
            )
            for run_id in runs["run_id"]
        ]
    )
    numbers = np.unique(runs["repeat"].to_numpy())
    drawn = _repeat_counts(len(numbers), n_replicates=n_replicates, seed=seed)
    units = [unit for unit in COSTS if unit != "hours" or costs_given]
    curves = {}
    rows = runs.with_row_index("row")
    for learner in rows["learner"].unique(maintain_order=True):
        own = rows.filter(pl.col("learner") == learner)
        of_repeat = drawn[:, np.searchsorted(numbers, own["repeat"].to_numpy())]
        curves[learner] = _curve(own, aucs[own["row"].to_numpy()], of_repeat, units)
    return BudgetReplicates(finding, curves, test_set)


def _curve(
    runs: pl.DataFrame, aucs: Floats, drawn: npt.NDArray[np.int64], units: list[str]
) -> LearnerCurve:
    """Average a learner's runs by budget; ``aucs`` (runs, 1 + replicates), ``drawn`` (…, runs)."""
    learner = runs["learner"][0]
    if runs.select("label_kind", "acquisition").n_unique() > 1:
        raise InputError(
            where=f"{RUNS.file}, learner {learner}",
            expected="one kind of labels, drawn in one way",
            got="several",
            remedy="study one way of drawing labels at a time",
        )
    budgets, member = np.unique(runs["budget"].to_numpy(), return_inverse=True)
    n_repeats = np.bincount(member)

    def mean(values: npt.NDArray) -> Floats:
        return np.bincount(member, weights=values) / n_repeats

    auc_replicates = _mean_of_drawn(aucs[:, 1:].T, drawn, member)
    mean_costs, cost_replicates = {}, {}
    for unit in units:
        column = runs.select(COSTS[unit].cast(pl.Float64)).to_series()
        if column.null_count() or float(column.to_numpy().min()) <= 0:
            raise InputError(
                where=f"{RUNS.file}, {unit} of learner {learner}",
                expected="a number above 0 for every run",
                got="a missing value or 0",
                remedy="give reading costs to the study, or ask for an answer without hours",
            )
        values = column.to_numpy()
        mean_costs[unit] = mean(values)
        cost_replicates[unit] = _mean_of_drawn(np.broadcast_to(values, drawn.shape), drawn, member)
    return LearnerCurve(
        learner=learner,
        label_kind=runs["label_kind"][0],
        acquisition=runs["acquisition"][0],
        budgets=budgets.astype(np.int64),
        n_repeats=n_repeats.astype(np.int64),
        mean_exams_opened=mean(runs["n_exams_opened"].to_numpy()),
        mean_costs=mean_costs,
        mean_auc=mean(aucs[:, 0]),
        cost_replicates=cost_replicates,
        auc_replicates=auc_replicates,
    )


def _repeat_counts(n_repeats: int, *, n_replicates: int, seed: int) -> npt.NDArray[np.int64]:
    """Draw one repeat fewer than there are: the mean of ``n`` draws out of ``n`` varies too little.

    Its variance is ``(n - 1) / n`` of what it should be, a third too small with three repeats;
    with ``n - 1`` draws it is right (McCarthy and Snowden, 1985).
    """
    even = np.full(n_repeats, 1.0 / n_repeats)
    stream = generator(seed, "repeat_bootstrap")
    return stream.multinomial(max(1, n_repeats - 1), even, size=n_replicates)


def _mean_of_drawn(
    values: Floats, drawn: npt.NDArray[np.int64], member: npt.NDArray[np.intp]
) -> Floats:
    """Average over the repeats drawn, by budget; NaN where none of a budget's was drawn."""
    n_budgets = int(member.max()) + 1
    into_budget = np.eye(n_budgets)[member]
    n_drawn = drawn @ into_budget
    total = np.where(drawn > 0, values * drawn, 0.0) @ into_budget
    result = np.full(total.shape, np.nan)
    np.divide(total, n_drawn, out=result, where=n_drawn > 0)
    return result
