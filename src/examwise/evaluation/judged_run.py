"""What one run's predictions come to, worked out in any process."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from examwise.core.progress import Progress
from examwise.evaluation.archives_together import with_archives_together
from examwise.evaluation.exams import exam_metrics
from examwise.evaluation.reading import RunPredictions
from examwise.evaluation.roc_points import roc_points
from examwise.evaluation.slices import slice_metrics

_SLICE = ["exam_id", "finding", "slice_index", "slice_label"]


@dataclass(frozen=True)
class JudgedRun:
    """One run's rows of the tables that go by run.

    Attributes:
        run_id: The run.
        name: How messages call its predictions.
        exams: ``PREDICTED_EXAMS`` that were evaluated, of each archive.
        exam_metrics: ``EXAM_METRICS``.
        roc_points: ``ROC_POINTS``.
        slice_metrics: ``SLICE_METRICS``; None where slices were left out.
        slice_labels: What its slices were labelled, by exam, finding and slice; None likewise.
        n_exams_left_out: Exams left out because of their split.
        has_one_key: Whether a patient of two archives would be known again.
    """

    run_id: str
    name: str
    exams: pl.DataFrame
    exam_metrics: pl.DataFrame
    roc_points: pl.DataFrame
    slice_metrics: pl.DataFrame | None
    slice_labels: pl.DataFrame | None
    n_exams_left_out: int
    has_one_key: bool

    @property
    def slices_per_exam(self) -> float | None:
        """Mean number of slices of an exam; None where there are none, or were left out."""
        if self.slice_labels is None or self.slice_labels.is_empty():
            return None
        # One row an exam and slice, whatever the number of findings.
        slices = self.slice_labels.select("exam_id", "slice_index").unique()
        return slices.height / slices["exam_id"].n_unique()

    def say_what_is_missing(self, progress: Progress) -> None:
        """Report exams left out, archives not joined, and findings without a label."""
        if self.n_exams_left_out:
            progress.say(
                f"run {self.run_id}: {self.n_exams_left_out} exams left out because of their split"
            )
        if not self.has_one_key:
            progress.say(
                f"run {self.run_id}: its exams have pseudonyms of several keys, so that a "
                "patient of two archives could not be told; nothing is said of them together"
            )
        unlabelled = self.exam_metrics.filter(pl.col("n_exams") == 0)
        for archive, finding in unlabelled.select("archive", "finding").rows():
            progress.say(
                f"run {self.run_id}: no exam of {archive} has a label for the finding "
                f"'{finding}'; nothing can be said about how well it does there"
            )


def judge_run(run: RunPredictions, *, with_slices: bool, n_replicates: int, seed: int) -> JudgedRun:
    """Evaluate one run.

    Args:
        run: Its predictions.
        with_slices: Whether slices are evaluated too, which takes most of the time.
        n_replicates: Bootstrap samples of patients behind each interval.
        seed: Seed of the bootstrap.

    Raises:
        InputError: If its tables cannot be worked with.
    """
    exams = with_archives_together(run.exams) if run.has_one_key else run.exams
    slices = run.read_slices() if with_slices else None
    options = {"n_replicates": n_replicates, "seed": seed}
    of_slices = None
    if slices is not None:
        of_slices = slice_metrics(slices, exams, {run.run_id: run.histograms}, **options)
    return JudgedRun(
        run_id=run.run_id,
        name=run.name,
        exams=run.exams,
        exam_metrics=exam_metrics(exams, {run.run_id: run.thresholds}, **options),
        roc_points=roc_points(exams),
        slice_metrics=of_slices,
        slice_labels=None if slices is None else slices.select(_SLICE),
        n_exams_left_out=run.n_exams_left_out,
        has_one_key=run.has_one_key,
    )
