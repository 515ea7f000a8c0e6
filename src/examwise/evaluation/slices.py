"""How well each run finds positive slices, beside what their position alone would tell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.core.schemas.evaluation import SLICE_METRICS
from examwise.evaluation.scored_slices import Histograms, ScoredSlices, scored_slices
from examwise.metrics.auc_variance import auc_estimates, auc_interval
from examwise.metrics.inputs import Floats


def slice_metrics(
    slices: pl.DataFrame,
    exams: pl.DataFrame,
    histograms: Histograms,
    *,
    values: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return slice-level AUC with 95% interval by run, archive, finding and what scores a slice.

    Once over all slices and once within exams that have a positive slice, where knowing which
    exams are positive helps no more. Slices without a label don't count, and a group without any
    has no row. Intervals are by Obuchowski's variance (1997), a patient's slices together.

    Args:
        slices: ``PREDICTED_SLICES`` of one or more runs.
        exams: ``PREDICTED_EXAMS`` of the same runs; slices of other exams are left out.
        histograms: Position histograms by run and finding.
        values: ``SLICE_VALUES`` of bag explanations, if there are any.

    Returns:
        ``SLICE_METRICS``; what scores a slice is described at :func:`scored_slices`.

    Raises:
        SchemaError: If attention, or the values of an explained exam, are missing for some slices
            only.
    """
    rows: list[dict[str, Any]] = []
    for group in scored_slices(slices, exams, histograms, values=values):
        for estimator, score in group.scores.items():
            for within, counted in counted_slices(group, estimator):
                patients = group.patient[group.exam[counted]]
                labels = group.label[counted]
                rows.append(
                    {
                        **group.key,
                        "estimator": estimator,
                        "within": within,
                        "n_patients": len(np.unique(patients)),
                        "n_slices": len(labels),
                        "n_positive": int(labels.sum()),
                        **_auc(labels, score[counted], patients),
                    }
                )
    return SLICE_METRICS.frame(rows)


def counted_slices(
    group: ScoredSlices, estimator: str
) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """Yield ``all`` and ``positive_exams``, each with the slices that count, if there are any.

    Args:
        group: Slices of one run, archive and finding.
        estimator: What scores them.
    """
    counted = group.counted(estimator)
    for within, kept in (("all", counted), ("positive_exams", counted & group.in_positive_exams())):
        if kept.any():
            yield within, kept


def _auc(
    labels: npt.NDArray[np.int8], scores: Floats, patients: npt.NDArray[np.int64]
) -> dict[str, float | None]:
    found = auc_estimates(labels, scores, patients)
    if found is None:
        return {"auc": None, "auc_lower": None, "auc_upper": None}
    lower, upper = auc_interval(found)
    return {"auc": float(found.aucs[0]), "auc_lower": lower, "auc_upper": upper}
