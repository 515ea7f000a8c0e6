"""What was explained, in figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from examwise.core.schemas.explanations import (
    EXPLAINED_SLICES,
    MEASURES,
    RANDOMISED,
    SALIENCY_SCORES,
    SLICE_VALUES,
)
from examwise.core.storage import Storage

Means = Mapping[str, Mapping[str, float]]
"""Truth (boxes or masks) to measure to its mean over slices."""


@dataclass(frozen=True)
class ExplainedSummary:
    """What was explained.

    Attributes:
        run_id: The run.
        method: How.
        finding: What of.
        n_exams: Exams that were explained.
        n_slices: Slices with a map, or with a value.
        n_left_out: Exams of patients whom the run has learned from, left out.
        evaluations_per_slice: Images that the model was shown for a slice, the mean; None of
            methods that explain bags.
        scores: Mean scores of the maps, where the store has annotations.
        scores_of_random_weights: The same of a random model's maps, where asked for.
        similarity_to_random_weights: Mean rank correlation with these; None where undefined.
        data_terms: Terms of use of the exams that the run learned from, and of those explained.
    """

    run_id: str
    method: str
    finding: str
    n_exams: int
    n_slices: int
    n_left_out: int
    evaluations_per_slice: float | None
    scores: Means
    scores_of_random_weights: Means
    similarity_to_random_weights: float | None
    data_terms: Mapping[str, list[str]]


def summarise(
    storage: Storage, *, run_id: str, n_left_out: int, data_terms: Mapping[str, list[str]]
) -> ExplainedSummary:
    """Return what a finished explanations directory holds.

    Args:
        storage: The directory.
        run_id: The run.
        n_left_out: Exams left out.
        data_terms: Terms of use.
    """
    maps, values = EXPLAINED_SLICES.read(storage), SLICE_VALUES.read(storage)
    scores, similarity = SALIENCY_SCORES.read(storage), RANDOMISED.read(storage)["similarity"]
    explained = maps if maps.height else values
    return ExplainedSummary(
        run_id=run_id,
        method=explained["method"][0],
        finding=explained["finding"][0],
        n_exams=explained["exam_id"].n_unique(),
        n_slices=explained.height,
        n_left_out=n_left_out,
        evaluations_per_slice=float(maps["n_evaluations"].to_numpy().mean())
        if maps.height
        else None,
        scores=_means(scores.filter(~pl.col("is_randomised"))),
        scores_of_random_weights=_means(scores.filter("is_randomised")),
        similarity_to_random_weights=float(found.to_numpy().mean())
        if (found := similarity.drop_nulls()).len()
        else None,
        data_terms=data_terms,
    )


def _means(scores: pl.DataFrame) -> dict[str, dict[str, float]]:
    means = scores.group_by("truth").agg(pl.col(MEASURES).mean()).sort("truth")
    return {
        row.pop("truth"): {name: value for name, value in row.items() if value is not None}
        for row in means.iter_rows(named=True)
    }
