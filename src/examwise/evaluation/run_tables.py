"""The tables of an evaluation directory that go by run."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from examwise.core.progress import Progress
from examwise.core.schemas.evaluation import EXAM_METRICS, ROC_POINTS, SLICE_METRICS
from examwise.core.schemas.predictions import PREDICTED_SLICES
from examwise.core.stage import Stage
from examwise.evaluation.archives_together import with_archives_together
from examwise.evaluation.exams import exam_metrics
from examwise.evaluation.label_agreement import SLICE_LABELS
from examwise.evaluation.reading import RunPredictions
from examwise.evaluation.roc_points import roc_points
from examwise.evaluation.slices import slice_metrics

RUN_TABLES = (EXAM_METRICS.file, SLICE_METRICS.file, ROC_POINTS.file)
"""Files that :func:`write_run_tables` writes."""


def write_run_tables(
    stage: Stage,
    runs: Sequence[RunPredictions],
    *,
    n_replicates: int,
    seed: int,
    progress: Progress,
) -> None:
    """Write the tables that go by run, holding one run's slices at a time.

    Raises:
        InputError: If slices are broken, or labelled differently by two runs.
    """
    metrics, slice_rows, points = [], [], []
    known = SLICE_LABELS
    with progress.track("Evaluating runs", len(runs)) as advance:
        for run in runs:
            if run.n_exams_left_out:
                progress.say(
                    f"run {run.run_id}: {run.n_exams_left_out} exams left out because of their "
                    "split"
                )
            slices = run.read_slices()
            known = known.joined_by(slices, where=f"{run.name}, {PREDICTED_SLICES.file}")
            exams = run.exams
            if run.has_one_key:
                exams = with_archives_together(exams)
            else:
                progress.say(
                    f"run {run.run_id}: its exams have pseudonyms of several keys, so that a "
                    "patient of two archives could not be told; nothing is said of them together"
                )
            of_exams = exam_metrics(
                exams, {run.run_id: run.thresholds}, n_replicates=n_replicates, seed=seed
            )
            _say_what_is_unlabelled(of_exams, progress)
            metrics.append(of_exams)
            slice_rows.append(
                slice_metrics(
                    slices,
                    exams,
                    {run.run_id: run.histograms},
                    n_replicates=n_replicates,
                    seed=seed,
                )
            )
            points.append(roc_points(exams))
            advance()
    EXAM_METRICS.write(stage.storage, pl.concat(metrics))
    SLICE_METRICS.write(stage.storage, pl.concat(slice_rows))
    ROC_POINTS.write(stage.storage, pl.concat(points))


def _say_what_is_unlabelled(metrics: pl.DataFrame, progress: Progress) -> None:
    unlabelled = metrics.filter(pl.col("n_exams") == 0)
    for run_id, archive, finding in unlabelled.select("run_id", "archive", "finding").rows():
        progress.say(
            f"run {run_id}: no exam of {archive} has a label for the finding '{finding}'; "
            "nothing can be said about how well it does there"
        )
