"""What one run's predictions come to, worked out in any process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from examwise.core.progress import Progress
from examwise.core.schemas.evaluation import EXAM_METRICS, ROC_POINTS
from examwise.evaluation.archives_together import with_archives_together
from examwise.evaluation.exams import exam_metrics
from examwise.evaluation.reading import RunPredictions
from examwise.evaluation.roc_points import roc_points
from examwise.evaluation.run_evidence import BesidePredictions, exam_evidence, slice_evidence

_SLICE = ["exam_id", "finding", "slice_index", "slice_label"]


@dataclass(frozen=True)
class JudgedRun:
    """One run's rows of the tables that go by run.

    Attributes:
        run_id: The run.
        name: How messages call its predictions.
        exams: ``PREDICTED_EXAMS`` that were evaluated, of each archive.
        tables: File to rows; those of evidence only where it was asked for.
        slice_labels: What its slices were labelled, by exam, finding and slice; None where slices
            were left out.
        n_exams_left_out: Exams left out because of their split.
        has_one_key: Whether a patient of two archives would be known again.
    """

    run_id: str
    name: str
    exams: pl.DataFrame
    tables: Mapping[str, pl.DataFrame]
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

    @property
    def exams_together(self) -> pl.DataFrame:
        """Exams of each archive, and of several archives together where that can be said."""
        return with_archives_together(self.exams) if self.has_one_key else self.exams

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
        unlabelled = self.tables[EXAM_METRICS.file].filter(pl.col("n_exams") == 0)
        for archive, finding in unlabelled.select("archive", "finding").rows():
            progress.say(
                f"run {self.run_id}: no exam of {archive} has a label for the finding "
                f"'{finding}'; nothing can be said about how well it does there"
            )


def judge_run(
    run: RunPredictions, *, beside: BesidePredictions | None, n_replicates: int, seed: int
) -> JudgedRun:
    """Evaluate one run.

    Args:
        run: Its predictions.
        beside: What evidence draws on; exams' AUCs and ROC curves alone if None, since all the
            rest takes most of the time.
        n_replicates: Bootstrap samples of patients behind each interval.
        seed: Seed of the bootstrap.

    Raises:
        InputError: If its tables cannot be worked with.
    """
    exams = with_archives_together(run.exams) if run.has_one_key else run.exams
    options = {"n_replicates": n_replicates, "seed": seed}
    tables = {
        EXAM_METRICS.file: exam_metrics(exams, {run.run_id: run.thresholds}, **options),
        ROC_POINTS.file: roc_points(exams),
    }
    slices = None
    if beside is not None:
        slices = run.read_slices()
        tables |= exam_evidence(run, exams, beside, **options)
        tables |= slice_evidence(run, exams, slices, beside)
    return JudgedRun(
        run_id=run.run_id,
        name=run.name,
        exams=run.exams,
        tables=tables,
        slice_labels=None if slices is None else slices.select(_SLICE),
        n_exams_left_out=run.n_exams_left_out,
        has_one_key=run.has_one_key,
    )
