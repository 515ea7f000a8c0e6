"""Four metrics of every run over its budget: exams, slices, runs of slices, pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from examwise.core.executors.protocol import Executor
from examwise.core.executors.serial import SerialExecutor
from examwise.core.schemas.budget_curves import METRIC_CURVE
from examwise.core.schemas.study import LABEL_FREE
from examwise.evaluation.between_repeats import LARGEST_OVERLAP, crossed_variance
from examwise.evaluation.budget_replicates import COSTS, CurveKey
from examwise.evaluation.explanations import Explanations
from examwise.evaluation.reading import EVALUATED_SPLITS, read_runs
from examwise.evaluation.run_values import RunValue, saliency_values, slice_values
from examwise.evaluation.study_sites import JudgedSite
from examwise.metrics.auc_variance import logit_limits

_BUDGET = [*CurveKey._fields, "label_kind", "budget"]
"""What repeats have in common."""


def metric_curve_rows(
    site: JudgedSite,
    runs: pl.DataFrame,
    *,
    exam_curve: pl.DataFrame,
    finding: str,
    overlaps: Mapping[tuple[CurveKey, int], float] | None = None,
    explanations: Explanations | None = None,
    splits: Sequence[str] = EVALUATED_SPLITS,
    costs_given: bool = True,
    executor: Executor | None = None,
) -> pl.DataFrame:
    """Return exam AUC, slice AUC, sequence f1 and saliency f1 by curve and budget, with bands.

    Every run's slices are read, once. Slice AUC is over slices of exams that have a positive one;
    sequence f1 at the run's own threshold, the estimator's shortest run and an offset of 1;
    saliency f1 is of pixels, over the slices that were explained. The patients' variance of a
    mean over repeats is that of the repeats' mean influence of each patient (Obuchowski, 1997, of
    AUCs; linearised, of means): what the repeats share in it stays, what is one run's shrinks.
    What varies between repeats comes on top, as in
    :func:`examwise.evaluation.between_repeats.repeated_mean`. Limits are symmetric about the
    logit. Exam AUCs are those of ``exam_curve``, with its limits.

    Args:
        site: All runs at one site.
        runs: ``RUNS`` of the study.
        exam_curve: ``BUDGET_CURVE``; rows of other archives are left out.
        finding: The finding.
        overlaps: Curve and budget to what two of its repeats share of their labels.
        explanations: Maps' scores of runs at this site; None without.
        splits: Splits whose exams are evaluated.
        costs_given: Whether reader hours count.
        executor: Where runs are read; in this process if None.

    Returns:
        ``METRIC_CURVE``, of the site's archives together; a budget without a value has no row.

    Raises:
        InputError: If a run's slices are missing or broken.
    """
    exams = site.runs[0].exams.filter(pl.col("finding") == finding)
    archives = exams.drop_nulls("exam_label")["archive"].unique().sort().to_list()
    together = " + ".join(archives)
    bought = runs.filter(pl.col("mode") != LABEL_FREE).sort(*_BUDGET, "repeat")
    read = partial(_of_slices, archives=archives, finding=finding, splits=tuple(splits))
    tasks = [(run_id, site.site.urls[run_id]) for run_id in bought["run_id"]]
    values = dict((executor or SerialExecutor()).map(read, tasks) if archives else ())
    if explanations is not None:
        kept = exams.filter(pl.col("archive").is_in(archives))
        patients = kept["patient_key"].unique().sort().to_list()
        scores = explanations.scores.filter(pl.col("archive").is_in([*archives, together]))
        found = saliency_values(scores, finding=finding, patients=patients)
        for run_id, of_maps in found.items():
            values.setdefault(run_id, []).extend(of_maps)
    of_exams = {
        tuple(row[name] for name in _BUDGET): _exam_value(row)
        for row in exam_curve.filter(archive=together, finding=finding).to_dicts()
    }
    rows: list[dict[str, Any]] = []
    for names, group in bought.group_by(_BUDGET, maintain_order=True):
        about = {
            "archive": together,
            "finding": finding,
            **dict(zip(_BUDGET, names, strict=True)),
        }
        if names in of_exams:
            rows.append({**about, **_costs(group, costs_given=costs_given), **of_exams[names]})
        key = CurveKey(*(str(about[name]) for name in CurveKey._fields))
        overlap = (overlaps or {}).get((key, int(about["budget"])), 0.0)
        for (metric, estimator), by_run in _by_metric(group, values).items():
            scored = group.filter(pl.col("run_id").is_in(list(by_run)))
            rows.append(
                {
                    **about,
                    "metric": metric,
                    "estimator": estimator,
                    **_costs(scored, costs_given=costs_given),
                    **_mean_with_limits(list(by_run.values()), overlap),
                }
            )
    return METRIC_CURVE.frame(rows).sort(METRIC_CURVE.key)


def _of_slices(
    task: tuple[str, Sequence[str]],
    *,
    archives: Sequence[str],
    finding: str,
    splits: tuple[str, ...],
) -> tuple[str, list[RunValue]]:
    run_id, urls = task
    (run,) = read_runs(urls, splits=splits)
    exams = run.exams.filter(pl.col("archive").is_in(archives), pl.col("finding") == finding)
    joined = exams.with_columns(pl.lit(" + ".join(archives)).alias("archive"))
    return run_id, slice_values(run, joined, finding=finding)


def _by_metric(
    group: pl.DataFrame, values: Mapping[str, Sequence[RunValue]]
) -> dict[tuple[str, str], dict[str, RunValue]]:
    found: dict[tuple[str, str], dict[str, RunValue]] = {}
    for run_id in group["run_id"]:
        for value in values.get(run_id, ()):
            found.setdefault((value.metric, value.estimator), {})[run_id] = value
    return found


def _costs(group: pl.DataFrame, *, costs_given: bool) -> dict[str, float | None]:
    return {
        unit: None
        if unit == "hours" and not costs_given
        else group.select(expression.cast(pl.Float64).mean()).item()
        for unit, expression in COSTS.items()
    }


def _mean_with_limits(repeats: Sequence[RunValue], overlap: float) -> dict[str, Any]:
    values = np.array([one.value for one in repeats])
    variance = crossed_variance(
        values, np.stack([one.influence for one in repeats]), overlap=overlap
    )
    mean = float(values.mean())
    lower, upper = logit_limits(mean, variance)
    return {
        "n_repeats": len(repeats),
        "value": mean,
        "lower": lower,
        "upper": upper,
        "is_conditional": len(repeats) > 1 and overlap > LARGEST_OVERLAP,
    }


def _exam_value(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a row of ``BUDGET_CURVE`` says of exams."""
    return {
        "metric": "exam_auc",
        "estimator": "exam_probability",
        "n_repeats": row["n_repeats"],
        "value": row["mean_auc"],
        "lower": row["auc_lower"],
        "upper": row["auc_upper"],
        "is_conditional": row["is_conditional"],
    }
