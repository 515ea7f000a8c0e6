"""Learning curves over label budgets, with replicates that carry both kinds of chance.

The test exams are one sample of patients, the repeats one sample of draws of labels. A replicate
resamples both: patients with all their exams, and repeats with their whole chain of nested
budgets. It uses the same draws for all learners and budgets, so that what they share cancels; how
far the draws of repeats go is scaled as :mod:`examwise.evaluation.between_repeats` says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.core.errors import InputError
from examwise.core.schemas.study import LABEL_FREE, RUNS
from examwise.evaluation.auc_estimate import drawn_patients
from examwise.evaluation.between_repeats import RepeatedMean, few_factor, repeated_mean
from examwise.evaluation.repeat_draws import RepeatDraws
from examwise.evaluation.test_set import TestSet, common_test_set
from examwise.metrics.roc import roc_auc_weighted

Floats = npt.NDArray[np.float64]

COSTS = {
    # A budget that buys whole exams may end with labels unspent: those bought are counted.
    "labels": pl.col("n_training_labels") + pl.col("n_validation_labels"),
    "actions": pl.col("reader_actions"),
    "hours": pl.col("reader_hours"),
}
"""Unit of cost to how it follows from a row of the study's runs."""


class CurveKey(NamedTuple):
    """What the runs of one curve have in common.

    Attributes:
        learner: Learner's name; of a run without labels the score's.
        mode: What the runs are for, one of :data:`~examwise.core.schemas.study.MODES`.
        acquisition: How labels were drawn.
    """

    learner: str
    mode: str
    acquisition: str


@dataclass(frozen=True)
class LearnerCurve:
    """One curve over its budgets; arrays of shape (budgets,) or (replicates, budgets).

    Attributes:
        key: Learner, mode, and how labels were drawn.
        label_kind: ``slice``, ``exam`` or ``none``, what was bought.
        budgets: Labels bought, rising, shape (budgets,).
        n_repeats: Finished repeats, shape (budgets,).
        mean_exams_opened: Exams opened, mean over repeats, shape (budgets,).
        mean_costs: Unit to mean cost over repeats, shape (budgets,); no ``hours`` without costs.
        mean_auc: Mean AUC over repeats, shape (budgets,).
        cost_replicates: Unit to mean cost over the repeats drawn, shape (replicates, budgets).
        auc_replicates: Mean AUC, shape (replicates, budgets); NaN where a replicate lacks a class.
        by_patients: Of these, what the samples of patients make, shape (replicates, budgets).
        by_repeats: What draws of repeats add, not enlarged for how few they are: a comparison of
            curves, in which much of the patients' chance cancels, does that for itself
            (:func:`paired_replicates`), shape (replicates, budgets).
        between_share: Share of the variance that lies between repeats, shape (budgets,); NaN for
            a single repeat.
        is_conditional: Whether repeats share more than half of their labels, so that intervals
            hold for this pool of exams alone, shape (budgets,).
    """

    key: CurveKey
    label_kind: str
    budgets: npt.NDArray[np.int64]
    n_repeats: npt.NDArray[np.int64]
    mean_exams_opened: Floats
    mean_costs: Mapping[str, Floats]
    mean_auc: Floats
    cost_replicates: Mapping[str, Floats]
    auc_replicates: Floats
    by_patients: Floats
    by_repeats: Floats
    between_share: Floats
    is_conditional: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class BudgetReplicates:
    """The curves of a study, judged by the test set of one archive.

    Attributes:
        finding: What is found.
        curves: Every curve by its key; runs of other modes than ``budgeted`` make curves too.
        test_set: The exams they are judged by.
        runs: ``RUNS``, in the order of ``aucs``.
        aucs: AUC of each run in the sample itself, then in each replicate of its patients, shape
            (runs, 1 + replicates).
        draws: Which repeats each replicate draws.
    """

    finding: str
    curves: Mapping[CurveKey, LearnerCurve]
    test_set: TestSet
    runs: pl.DataFrame
    aucs: Floats
    draws: RepeatDraws


def budget_replicates(
    runs: pl.DataFrame,
    exams: pl.DataFrame,
    *,
    finding: str,
    n_replicates: int,
    seed: int,
    costs_given: bool = True,
    overlaps: Mapping[tuple[CurveKey, int], float] | None = None,
) -> BudgetReplicates:
    """Return every curve with its replicates.

    Args:
        runs: ``RUNS`` of a study.
        exams: ``PREDICTED_EXAMS`` of all these runs, of one archive (or of several as one).
        finding: The finding whose exam-level AUC is followed.
        n_replicates: Bootstrap replicates.
        seed: Seed of the bootstrap.
        costs_given: Whether reader hours are meant to count.
        overlaps: Curve and budget to what two of its repeats share of their labels, on average;
            nothing where it is not known.

    Raises:
        InputError: If runs miss predictions, were judged by different exams, or differ within a
            curve in what was bought; if a repeat comes twice; if hours are missing.
    """
    of_curve = list(CurveKey._fields)
    order = [*of_curve, "budget", "repeat"]
    repeated = runs.select(order).is_duplicated()
    if repeated.any():
        raise InputError(
            where=RUNS.file,
            expected="one run for each learner, mode, way of drawing, budget and repeat",
            got=f"{int(repeated.sum())} rows that share one",
            remedy="run the study anew in a directory of its own",
        )
    runs = runs.sort(order)
    test_set = common_test_set(exams, runs["run_id"].to_list(), finding=finding)
    # The sample itself comes first, then its replicates.
    patients = np.vstack(
        [
            np.ones((1, test_set.n_patients), dtype=np.int64),
            drawn_patients(seed, test_set.archive, test_set.n_patients, n_replicates=n_replicates),
        ]
    )
    aucs = np.stack(
        [
            roc_auc_weighted(
                test_set.exam_labels,
                test_set.exam_logits[run_id],
                patients,
                columns=test_set.patient_index,
            )
            for run_id in runs["run_id"]
        ]
    )
    draws = RepeatDraws(runs["repeat"].to_numpy(), n_replicates=n_replicates, seed=seed)
    units = [unit for unit in COSTS if unit != "hours" or costs_given]
    shared = overlaps or {}
    curves = {}
    for names, own in runs.with_row_index("row").group_by(of_curve, maintain_order=True):
        key = CurveKey(*(str(name) for name in names))
        curves[key] = learner_curve(
            key,
            own,
            aucs[own["row"].to_numpy()],
            draws,
            units=units,
            overlaps={budget: found for (one, budget), found in shared.items() if one == key},
        )
    return BudgetReplicates(finding, curves, test_set, runs, aucs, draws)


def learner_curve(
    key: CurveKey,
    runs: pl.DataFrame,
    aucs: Floats,
    draws: RepeatDraws,
    *,
    units: Sequence[str],
    overlaps: Mapping[int, float],
) -> LearnerCurve:
    """Average the runs of a curve by budget.

    Args:
        key: The curve.
        runs: Its ``RUNS``.
        aucs: AUC of each of them in the sample itself, then in each replicate of its patients,
            shape (runs, 1 + replicates).
        draws: Which repeats each replicate draws.
        units: Units of cost, keys of :data:`COSTS`.
        overlaps: Budget to what two of its repeats share of their labels; 0 where not known.

    Raises:
        InputError: If the runs differ in what was bought, or a cost is missing.
    """
    if runs["label_kind"].n_unique() > 1:
        raise InputError(
            where=f"{RUNS.file}, learner {key.learner}",
            expected="one kind of labels for each way of drawing them",
            got="several",
            remedy="study one kind of labels at a time",
        )
    budgets, member = np.unique(runs["budget"].to_numpy(), return_inverse=True)
    repeat = runs["repeat"].to_numpy()
    rows_of = [np.flatnonzero(member == column) for column in range(len(budgets))]
    # Budgets of the same repeats take the same draws: a chain of nested budgets stays together.
    counts = {tuple(repeat[rows]): draws.counts(repeat[rows]) for rows in rows_of}
    drawn = [counts[tuple(repeat[rows])] for rows in rows_of]
    means: list[RepeatedMean] = [
        repeated_mean(aucs[rows], own, overlap=overlaps.get(budget, 0.0))
        for rows, own, budget in zip(rows_of, drawn, budgets.tolist(), strict=True)
    ]

    def mean(values: npt.NDArray) -> Floats:
        return np.array([values[rows].mean() for rows in rows_of], dtype=np.float64)

    costs = {unit: _costs(key, runs, unit) for unit in units}
    return LearnerCurve(
        key=key,
        label_kind=runs["label_kind"][0],
        budgets=budgets.astype(np.int64),
        n_repeats=np.array([len(rows) for rows in rows_of], dtype=np.int64),
        mean_exams_opened=mean(runs["n_exams_opened"].to_numpy()),
        mean_costs={unit: mean(values) for unit, values in costs.items()},
        mean_auc=mean(aucs[:, 0]),
        cost_replicates={
            unit: np.stack(
                [
                    own @ values[rows] / own.sum(axis=1)
                    for rows, own in zip(rows_of, drawn, strict=True)
                ],
                axis=1,
            )
            for unit, values in costs.items()
        },
        auc_replicates=np.stack([found.replicates for found in means], axis=1),
        by_patients=np.stack([found.by_patients for found in means], axis=1),
        by_repeats=np.stack([found.by_repeats for found in means], axis=1),
        between_share=np.array([found.between_share for found in means]),
        is_conditional=np.array([found.is_conditional for found in means]),
    )


def _costs(key: CurveKey, runs: pl.DataFrame, unit: str) -> Floats:
    column = runs.select(COSTS[unit].cast(pl.Float64)).to_series()
    values = column.to_numpy()
    costs_nothing = key.mode == LABEL_FREE
    if column.null_count() or (float(values.min()) <= 0 and not costs_nothing):
        raise InputError(
            where=f"{RUNS.file}, {unit} of learner {key.learner}",
            expected="a number above 0 for every run with labels",
            got="a missing value or 0",
            remedy="give reading costs to the study, or ask for an answer without hours",
        )
    return values


def paired_replicates(
    ours: LearnerCurve, theirs: LearnerCurve, *, at: int, their_at: int
) -> tuple[Floats, Floats]:
    """Return replicates of two curves for a comparison of the two.

    What varies between repeats is enlarged, for how few they are, by what it has in the
    difference of the curves rather than in each of them: there the patients' chance, known from
    many, stands beside it undiminished.

    Args:
        ours: The one.
        theirs: The other.
        at: Number of our budget that the comparison is about.
        their_at: Number of theirs.

    Returns:
        Both, shape (replicates, budgets).
    """
    of_patients = ours.by_patients[:, at] - theirs.by_patients[:, their_at]
    between = ours.by_repeats[:, at] - theirs.by_repeats[:, their_at]
    repeated = [int(n) for n in (ours.n_repeats[at], theirs.n_repeats[their_at]) if n > 1]
    few = few_factor(
        float(between.var()), float(np.nanvar(of_patients)), n_repeats=min(repeated, default=1)
    )
    return (
        ours.by_patients + few * ours.by_repeats,
        theirs.by_patients + few * theirs.by_repeats,
    )
