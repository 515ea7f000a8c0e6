"""What one run comes to beyond exams, and how much each patient has to do with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from examwise.core.schemas.budget_curves import CURVE_ESTIMATORS
from examwise.evaluation.reading import RunPredictions
from examwise.evaluation.scored_slices import ScoredSlices, scored_slices
from examwise.evaluation.slice_calls import SHORTEST_RUNS, own_calls
from examwise.metrics.auc_variance import auc_influence
from examwise.metrics.inputs import Floats
from examwise.metrics.runs import find_runs, top_slices
from examwise.metrics.sequence_detection import match_runs

OFFSET = 1
"""Slices by which the top slice of a predicted run may miss a true one."""

_FOLLOWED = ("slice_probability", "attention_weight")


@dataclass(frozen=True)
class RunValue:
    """One metric of one run.

    Attributes:
        metric: One of :data:`~examwise.core.schemas.budget_curves.CURVE_METRICS`.
        estimator: What was scored.
        value: Its value.
        influence: What each patient adds to its error, to first order; they sum to 0, and their
            squares to its variance, shape (n_patients,). Patients are those of the test set, in
            the order of their keys.
    """

    metric: str
    estimator: str
    value: float
    influence: Floats


def slice_values(run: RunPredictions, exams: pl.DataFrame, *, finding: str) -> list[RunValue]:
    """Return slice AUC within positive exams, and mean f1 of runs of slices, by estimator.

    Args:
        run: The run; its slices are read.
        exams: Its ``PREDICTED_EXAMS`` that count, under one archive's name.
        finding: The finding.

    Raises:
        InputError: If slices are missing or broken, or the run has no threshold.
    """
    slices = run.read_slices().filter(pl.col("finding") == finding)
    values: list[RunValue] = []
    for group in scored_slices(slices, exams, {}):
        for estimator in group.scores:
            if estimator in _FOLLOWED:
                found = (_slice_auc(group, estimator), _sequence_f1(group, estimator, run))
                values += [value for value in found if value is not None]
    return values


def saliency_values(
    scores: pl.DataFrame, *, finding: str, patients: Sequence[str]
) -> dict[str, list[RunValue]]:
    """Return run to the mean pixel f1 of its maps, by method.

    Maps are held against boxes or masks, whichever more slices have.

    Args:
        scores: ``SALIENCY_SCORES`` of any number of runs and methods, of one test set.
        finding: The finding.
        patients: The test set's patients, sorted.
    """
    known = scores.filter(
        pl.col("finding") == finding,
        ~pl.col("is_randomised"),
        pl.col("method").is_in(CURVE_ESTIMATORS),
        pl.col("patient_key").is_in(list(patients)),
    ).drop_nulls("pixel_f1")
    if known.is_empty():
        return {}
    truth = known.group_by("truth").len().sort("len", "truth", descending=[True, False])["truth"][0]
    place = {patient: number for number, patient in enumerate(patients)}
    found: dict[str, list[RunValue]] = {}
    of_truth = known.filter(pl.col("truth") == truth).sort("exam_id", "slice_index")
    for (run_id, method), group in of_truth.group_by("run_id", "method", maintain_order=True):
        owners = np.array([place[patient] for patient in group["patient_key"]])
        mean = _mean(group["pixel_f1"].to_numpy(), owners, len(patients))
        found.setdefault(str(run_id), []).append(RunValue("saliency_f1", str(method), *mean))
    return found


def _slice_auc(group: ScoredSlices, estimator: str) -> RunValue | None:
    counted = group.counted(estimator) & group.in_positive_exams()
    found = auc_influence(
        group.label[counted],
        group.scores[estimator][counted],
        group.patient[group.exam[counted]],
        n_patients=int(group.patient.max()) + 1,
    )
    return None if found is None else RunValue("slice_auc", estimator, *found)


def _sequence_f1(group: ScoredSlices, estimator: str, run: RunPredictions) -> RunValue | None:
    whole = group.of_whole_exams(estimator)
    if not whole.n_exams:
        return None
    called = own_calls(whole, estimator, {run.run_id: run.fitted})
    predicted = find_runs(called.is_called, whole.exam, whole.slice_index)
    matched = match_runs(
        find_runs(whole.label == 1, whole.exam, whole.slice_index),
        predicted,
        top_slices(predicted, whole.scores[estimator]),
        offset=OFFSET,
        n_exams=whole.n_exams,
    )
    f1 = matched.counts(SHORTEST_RUNS[estimator]).f1()
    scored = ~np.isnan(f1)
    if not scored.any():
        return None
    # Numbered as in the whole test set, also where exams with unlabelled slices are left out.
    mean = _mean(f1[scored], whole.patient[scored], int(group.patient.max()) + 1)
    return RunValue("sequence_f1", estimator, *mean)


def _mean(values: Floats, owners: np.ndarray, n_patients: int) -> tuple[float, Floats]:
    mean = float(values.mean())
    influence = np.bincount(owners, values - mean, minlength=n_patients) / len(values)
    return mean, np.asarray(influence, dtype=np.float64)
