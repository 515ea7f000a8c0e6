"""How well each run finds positive slices, beside what their position alone would tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from examwise.core.errors import SchemaError
from examwise.core.schemas.evaluation import SLICE_METRICS
from examwise.core.schemas.predictions import PREDICTED_SLICES
from examwise.evaluation.auc_estimate import auc_with_interval
from examwise.metrics.position import PositionHistogram, position_scores

Histograms = Mapping[str, Mapping[str, PositionHistogram | None]]
"""Run to finding to position histogram of its training slices, None where there was none."""

_SCORE = "score"


def slice_metrics(
    slices: pl.DataFrame,
    exams: pl.DataFrame,
    histograms: Histograms,
    *,
    n_replicates: int,
    seed: int,
) -> pl.DataFrame:
    """Return slice-level AUC with 95% interval by run, archive, finding and what scores a slice.

    ``slice_probability`` ranks by ``slice_logit``; ``attention_weight`` is there for runs that
    attend; ``position_only`` for runs whose training left a position histogram. Slices without a
    label don't count, and a group without any has no row.

    Args:
        slices: ``PREDICTED_SLICES`` of one or more runs.
        exams: ``PREDICTED_EXAMS`` of the same runs; slices of other exams are left out.
        histograms: Position histograms by run and finding.
        n_replicates: Bootstrap samples of patients.
        seed: Seed of the bootstrap.

    Returns:
        ``SLICE_METRICS``.

    Raises:
        SchemaError: If a run's attention is missing for some slices only.
    """
    owners = exams.select("run_id", "exam_id", "finding", "learner", "archive", "patient_key")
    joined = slices.join(owners, on=["run_id", "exam_id", "finding"], how="inner")
    # Whether a run attends is asked of all its slices, whether a slice is counted of its label.
    groups = joined.sort("exam_id", "slice_index").partition_by(
        "run_id", "archive", "finding", as_dict=True, include_key=True
    )
    rows: list[dict[str, Any]] = []
    for (run_id, archive, finding), group in sorted(groups.items(), key=lambda item: item[0]):
        histogram = histograms.get(run_id, {}).get(finding)
        for estimator, scored in _estimators(group, histogram, run_id=run_id):
            labelled = scored.drop_nulls("slice_label")
            if labelled.is_empty():
                continue
            rows.append(
                {
                    "run_id": run_id,
                    "learner": group["learner"][0],
                    "archive": archive,
                    "finding": finding,
                    "estimator": estimator,
                    "n_slices": labelled.height,
                    "n_positive": int(labelled["slice_label"].sum()),
                    **auc_with_interval(
                        labelled,
                        label="slice_label",
                        score=_SCORE,
                        archive=archive,
                        n_replicates=n_replicates,
                        seed=seed,
                    ),
                }
            )
    return SLICE_METRICS.frame(rows)


def _estimators(
    group: pl.DataFrame, histogram: PositionHistogram | None, *, run_id: str
) -> Iterator[tuple[str, pl.DataFrame]]:
    yield "slice_probability", group.with_columns(pl.col("slice_logit").alias(_SCORE))
    n_missing = group["attention_weight"].null_count()
    if 0 < n_missing < group.height:
        raise SchemaError(
            where=f"{PREDICTED_SLICES.file} of run {run_id}, column attention_weight",
            expected="a weight for every slice, or for none",
            got=f"{n_missing} of {group.height} missing",
            remedy="predict again",
        )
    if n_missing == 0:
        yield "attention_weight", group.with_columns(pl.col("attention_weight").alias(_SCORE))
    if histogram is not None:
        scores = position_scores(histogram, group["relative_position"].to_numpy())
        yield "position_only", group.with_columns(pl.Series(_SCORE, scores))
