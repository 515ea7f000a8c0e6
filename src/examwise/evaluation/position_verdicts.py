"""Whether what scores slices beats their position alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.core.schemas.slice_evidence import POSITION_VERDICTS
from examwise.evaluation.scored_slices import Histograms, scored_slices
from examwise.evaluation.slices import counted_slices
from examwise.metrics.auc_variance import auc_difference, auc_estimates
from examwise.metrics.inputs import Floats

POSITION_ONLY = "position_only"

_SCORERS = {
    "slice_probability": "its slice probabilities rank",
    "attention_weight": "its attention ranks",
    "hshap": "its h-Shap values rank",
}
_PLACES = {"all": "all slices", "positive_exams": "the slices within positive exams"}


def position_verdicts(
    slices: pl.DataFrame,
    exams: pl.DataFrame,
    histograms: Histograms,
    values: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return by how much each estimator's slice AUC exceeds that of position only.

    Both AUCs are of the same slices, and the interval is that of their difference with a patient's
    slices together (Obuchowski, 1997): intervals of two AUCs that overlap say little about a
    difference when both rank the same slices.

    Args:
        slices: ``PREDICTED_SLICES`` of one or more runs.
        exams: ``PREDICTED_EXAMS`` of the same runs.
        histograms: Position histograms by run and finding; runs without one have no row.
        values: ``SLICE_VALUES`` of bag explanations, if there are any.

    Returns:
        ``POSITION_VERDICTS``.

    Raises:
        SchemaError: If attention, or the values of an explained exam, are missing for some slices
            only.
    """
    rows: list[dict[str, Any]] = []
    for group in scored_slices(slices, exams, histograms, values=values):
        position = group.scores.get(POSITION_ONLY)
        if position is None:
            continue
        for estimator, score in group.scores.items():
            if estimator == POSITION_ONLY:
                continue
            for within, counted in counted_slices(group, estimator):
                pair = np.stack([score[counted], position[counted]])
                patients = group.patient[group.exam[counted]]
                rows.append(
                    {
                        "run_id": group.run_id,
                        "archive": group.archive,
                        "finding": group.finding,
                        "estimator": estimator,
                        "within": within,
                        **_against(pair, group.label[counted], patients),
                    }
                )
    return POSITION_VERDICTS.frame(rows)


def position_sentence(row: Mapping[str, Any], *, name: str) -> str | None:
    """Return in words that an estimator does not beat position only; None where it does.

    Args:
        row: Of ``POSITION_VERDICTS``.
        name: How to call the run.

    Example:
        >>> row = {"estimator": "attention_weight", "within": "all", "verdict": "not_better",
        ...        "difference": -0.02, "lower": -0.05, "upper": 0.01}
        >>> position_sentence(row, name="weak")
        'weak: its attention ranks all slices no better than their position alone, without any \
image (difference of AUCs -0.020, 95% interval -0.050 to 0.010).'
    """
    if row["verdict"] == "better":
        return None
    what = f"{name}: {_SCORERS[row['estimator']]} {_PLACES[row['within']]}"
    if row["verdict"] == "undefined":
        return (
            f"{name}: whether {_SCORERS[row['estimator']]} {_PLACES[row['within']]} better than "
            "their position alone cannot be told, since all of them have one label."
        )
    interval = ", no interval"
    if row["lower"] is not None:
        interval = f", 95% interval {row['lower']:.3f} to {row['upper']:.3f}"
    numbers = f"(difference of AUCs {row['difference']:.3f}{interval})"
    if row["verdict"] == "not_better":
        return f"{what} no better than their position alone, without any image {numbers}."
    return f"{what} not clearly better than their position alone, without any image {numbers}."


def _against(
    pair: Floats, labels: npt.NDArray[np.int8], patients: npt.NDArray[np.int64]
) -> dict[str, float | str | None]:
    estimates = auc_estimates(labels, pair, patients)
    if estimates is None:
        return {"difference": None, "lower": None, "upper": None, "verdict": "undefined"}
    found = auc_difference(estimates)
    verdict = "unsettled"
    if found.difference <= 0:
        verdict = "not_better"
    elif found.lower is not None and found.lower > 0:
        verdict = "better"
    return {
        "difference": found.difference,
        "lower": found.lower,
        "upper": found.upper,
        "verdict": verdict,
    }
