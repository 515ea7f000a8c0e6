"""Sensitivity of each run for runs of positive slices over false positives per exam (FROC)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from examwise.core.schemas.slice_evidence import FROC_POINTS
from examwise.evaluation.scored_slices import Histograms, scored_slices
from examwise.evaluation.sequences import limits, share_of_runs
from examwise.evaluation.slice_calls import comparable_ratings
from examwise.metrics.free_response import RATES, free_response, marked_slices


def froc_points(
    slices: pl.DataFrame,
    exams: pl.DataFrame,
    histograms: Histograms,
    *,
    values: pl.DataFrame | None = None,
    rates: Sequence[float] = RATES,
) -> pl.DataFrame:
    """Return free-response curves at given numbers of false positives per exam.

    Marks are slices that score highest among two to either side, rated so that exams can be held
    against each other (:func:`comparable_ratings`); it needs no threshold. A true run is found by
    a mark within it. Only exams all of whose slices are labelled count, with or without a true
    run. Intervals keep a patient's exams together and take the rating as given.

    Args:
        slices: ``PREDICTED_SLICES`` of one or more runs.
        exams: ``PREDICTED_EXAMS`` of the same runs.
        histograms: Position histograms by run and finding.
        values: ``SLICE_VALUES`` of bag explanations, if there are any.
        rates: False positives per exam.

    Returns:
        ``FROC_POINTS``; a curve ends with the first rate that every mark taken together keeps to,
        and there is none without a true run.

    Raises:
        SchemaError: If attention, or the values of an explained exam, are missing for some slices
            only.
    """
    rows: list[dict[str, Any]] = []
    for group in scored_slices(slices, exams, histograms, values=values):
        for estimator in group.scores:
            whole = group.of_whole_exams(estimator)
            if not (whole.label == 1).any():
                continue
            ratings = comparable_ratings(whole, estimator)
            marks = marked_slices(whole.scores[estimator], whole.exam, whole.slice_index)
            if estimator != "slice_probability":
                marks &= whole.scores[estimator] > 0
            found = free_response(whole.label, ratings, whole.exam, marks, whole.slice_index)
            for rate in sorted(rates):
                is_found = found.is_found(rate)
                share = share_of_runs(whole, found.true_exam, found.true_exam[is_found])
                rows.append(
                    {
                        **whole.key,
                        "estimator": estimator,
                        "false_positives_per_exam": rate,
                        **limits("sensitivity", share),
                    }
                )
                if rate >= found.largest_rate:
                    break
    return FROC_POINTS.frame(rows)
