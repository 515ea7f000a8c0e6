"""How well each run finds runs of positive slices, beside what position alone would find."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

from examwise.core.schemas.slice_evidence import RUN_LENGTH_RECALL, SEQUENCE_METRICS
from examwise.evaluation.scored_slices import Histograms, ScoredSlices, scored_slices
from examwise.evaluation.slice_calls import (
    SHORTEST_RUNS,
    Fitted,
    SliceCalls,
    calls_fitted_on_test,
    own_calls,
)
from examwise.metrics.clustered_mean import clustered_mean
from examwise.metrics.clustered_share import Share, share_of_patients
from examwise.metrics.runs import Runs, Whole, find_runs, top_slices
from examwise.metrics.sequence_detection import ExamCounts, match_runs

OFFSETS = (0, 1, 2)
LONGEST_ALONE = 12
"""True runs of so many slices and more are counted together."""


def sequence_metrics(
    slices: pl.DataFrame,
    exams: pl.DataFrame,
    histograms: Histograms,
    fitted: Fitted,
    *,
    values: pl.DataFrame | None = None,
    offsets: Sequence[int] = OFFSETS,
    min_lengths: Sequence[int] = range(1, 7),
) -> pl.DataFrame:
    """Return recall, precision and mean f1 of runs, by how slices are called and how runs count.

    A predicted run hits where its top slice lies in a true run or misses it by at most ``offset``
    (Teneggi, Yi and Sulam, 2023). Recall is of true runs, precision of predicted ones, f1 the mean
    over exams that have either. Only exams all of whose slices are labelled count. Intervals keep
    a patient's exams together. ``threshold`` is on slice probabilities, or, for estimators that
    tell where and not whether, on exam probabilities; see :func:`own_calls`.

    Where this differs from the published way, which ``metrics.published_sequence_detection``
    keeps: thresholds come from validation, those fitted on the test are named so; a predicted run
    is one prediction, however many true runs it hits, and is right if it hits any; h-Shap has its
    own shortest length; and nothing is added to denominators.

    Args:
        slices: ``PREDICTED_SLICES`` of one or more runs.
        exams: ``PREDICTED_EXAMS`` of the same runs.
        histograms: Position histograms by run and finding.
        fitted: Thresholds by run and finding.
        values: ``SLICE_VALUES`` of bag explanations, if there are any.
        offsets: Slices by which a top slice may miss.
        min_lengths: Shortest predicted runs that count; an estimator's own is added.

    Returns:
        ``SEQUENCE_METRICS``.

    Raises:
        InputError: If a run has no threshold for a finding.
        SchemaError: If attention, or the values of an explained exam, are missing for some slices
            only.
    """
    rows: list[dict[str, Any]] = []
    for group in scored_slices(slices, exams, histograms, values=values):
        for estimator in group.scores:
            whole = group.of_whole_exams(estimator)
            if not whole.n_exams:
                continue
            true = find_runs(whole.label == 1, whole.exam, whole.slice_index)
            calls = [own_calls(whole, estimator, fitted), *calls_fitted_on_test(whole, estimator)]
            for called in calls:
                rows += _of_calls(
                    whole, estimator, true, called, offsets=offsets, min_lengths=min_lengths
                )
    return SEQUENCE_METRICS.frame(rows)


def run_length_recall(
    slices: pl.DataFrame,
    exams: pl.DataFrame,
    histograms: Histograms,
    fitted: Fitted,
    *,
    values: pl.DataFrame | None = None,
    offsets: Sequence[int] = OFFSETS,
    longest: int = LONGEST_ALONE,
) -> pl.DataFrame:
    """Return the share of true runs that is hit, by their length.

    Slices are called by the run's own thresholds, and predicted runs count from the estimator's
    own shortest length on; all else is as in :func:`sequence_metrics`.

    Args:
        slices: ``PREDICTED_SLICES`` of one or more runs.
        exams: ``PREDICTED_EXAMS`` of the same runs.
        histograms: Position histograms by run and finding.
        fitted: Thresholds by run and finding.
        values: ``SLICE_VALUES`` of bag explanations, if there are any.
        offsets: Slices by which a top slice may miss.
        longest: Runs of so many slices and more are counted together.

    Returns:
        ``RUN_LENGTH_RECALL``; a length without a true run has no row.

    Raises:
        InputError: If a run has no threshold for a finding.
        SchemaError: If attention, or the values of an explained exam, are missing for some slices
            only.
    """
    rows: list[dict[str, Any]] = []
    for group in scored_slices(slices, exams, histograms, values=values):
        for estimator in group.scores:
            whole = group.of_whole_exams(estimator)
            if not whole.n_exams:
                continue
            true = find_runs(whole.label == 1, whole.exam, whole.slice_index)
            lengths = np.minimum(true.length, longest)
            predicted, tops = _predicted(whole, estimator, own_calls(whole, estimator, fitted))
            for offset in offsets:
                matched = match_runs(true, predicted, tops, offset=offset, n_exams=whole.n_exams)
                is_hit = matched.is_hit_by >= SHORTEST_RUNS[estimator]
                for length in np.unique(lengths).tolist():
                    asked = lengths == length
                    share = share_of_runs(whole, true.exam[asked], true.exam[asked & is_hit])
                    rows.append(
                        {
                            **whole.key,
                            "estimator": estimator,
                            "offset": offset,
                            "run_length": length,
                            "n_true_runs": int(asked.sum()),
                            **limits("recall", share),
                        }
                    )
    return RUN_LENGTH_RECALL.frame(rows)


def share_of_runs(group: ScoredSlices, exams: Whole, exams_of_hits: Whole) -> Share:
    """Return the share of runs that are hit, a patient's together.

    Args:
        group: Slices of one run, archive and finding.
        exams: Number of each run's exam.
        exams_of_hits: The same of those that are hit.
    """
    n = int(group.patient.max()) + 1
    items = np.bincount(group.patient[exams], minlength=n)
    return share_of_patients(np.bincount(group.patient[exams_of_hits], minlength=n), items)


def limits(name: str, share: Share) -> dict[str, float | None]:
    """Return a share and its limits under the names of their columns."""
    return {name: share.value, f"{name}_lower": share.lower, f"{name}_upper": share.upper}


def _predicted(group: ScoredSlices, estimator: str, called: SliceCalls) -> tuple[Runs, Whole]:
    predicted = find_runs(called.is_called, group.exam, group.slice_index)
    return predicted, top_slices(predicted, group.scores[estimator])


def _of_calls(
    group: ScoredSlices,
    estimator: str,
    true: Runs,
    called: SliceCalls,
    *,
    offsets: Sequence[int],
    min_lengths: Sequence[int],
) -> Iterator[dict[str, Any]]:
    chosen = SHORTEST_RUNS[estimator]
    predicted, tops = _predicted(group, estimator, called)
    n_patients = len(np.unique(group.patient))
    for offset in offsets:
        matched = match_runs(true, predicted, tops, offset=offset, n_exams=group.n_exams)
        for min_length in sorted({*min_lengths, chosen}):
            yield {
                **group.key,
                "estimator": estimator,
                "threshold_rule": called.rule,
                "threshold": called.threshold,
                "offset": offset,
                "min_length": min_length,
                "is_chosen": min_length == chosen,
                "n_patients": n_patients,
                "n_exams": group.n_exams,
                **_summary(matched.counts(min_length), group.patient),
            }


def _summary(counts: ExamCounts, patient: Whole) -> dict[str, float | int | None]:
    def of_patients(numbers: Whole) -> Whole:
        return np.bincount(patient, weights=numbers).astype(np.int64)

    f1 = counts.f1()
    scored = ~np.isnan(f1)
    mean = clustered_mean(f1[scored], patient[scored], limits=(0.0, 1.0))
    recall = share_of_patients(of_patients(counts.n_hit), of_patients(counts.n_true))
    precision = share_of_patients(of_patients(counts.n_correct), of_patients(counts.n_predicted))
    return {
        "n_true_runs": int(counts.n_true.sum()),
        "n_hit_runs": int(counts.n_hit.sum()),
        "n_predicted_runs": int(counts.n_predicted.sum()),
        **limits("recall", recall),
        **limits("precision", precision),
        "mean_f1": mean.value,
        "mean_f1_lower": mean.lower,
        "mean_f1_upper": mean.upper,
    }
