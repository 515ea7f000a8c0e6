"""The tables of an evaluation directory that go by run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from examwise.core.schemas.evaluation import EXAM_METRICS, ROC_POINTS, SLICE_METRICS
from examwise.core.schemas.predictions import PREDICTED_EXAMS, PREDICTED_SLICES
from examwise.core.storage import Storage
from examwise.evaluation.judged_run import JudgedRun
from examwise.evaluation.label_agreement import EXAM_LABELS, SLICE_LABELS

RUN_TABLES = (EXAM_METRICS.file, SLICE_METRICS.file, ROC_POINTS.file)
"""Files that :meth:`RunTables.write` writes."""


@dataclass(frozen=True)
class RunTables:
    """The rows of all runs.

    Attributes:
        exam_metrics: ``EXAM_METRICS``.
        slice_metrics: ``SLICE_METRICS`` of runs whose slices were evaluated.
        roc_points: ``ROC_POINTS``.
    """

    exam_metrics: pl.DataFrame
    slice_metrics: pl.DataFrame
    roc_points: pl.DataFrame

    @classmethod
    def of(cls, judged: Iterable[JudgedRun]) -> RunTables:
        """Collect the rows of runs, in their order; one run's slices are held at a time.

        Raises:
            InputError: If two runs label an exam or a slice differently.
        """
        metrics, slice_rows, points = [], [SLICE_METRICS.frame([])], []
        exam_labels, slice_labels = EXAM_LABELS, SLICE_LABELS
        for run in judged:
            exam_labels = exam_labels.joined_by(
                run.exams, where=f"{run.name}, {PREDICTED_EXAMS.file}"
            )
            if run.slice_labels is not None:
                slice_labels = slice_labels.joined_by(
                    run.slice_labels, where=f"{run.name}, {PREDICTED_SLICES.file}"
                )
            metrics.append(run.exam_metrics)
            points.append(run.roc_points)
            if run.slice_metrics is not None:
                slice_rows.append(run.slice_metrics)
        return cls(pl.concat(metrics), pl.concat(slice_rows), pl.concat(points))

    def write(self, storage: Storage) -> None:
        """Write the tables."""
        EXAM_METRICS.write(storage, self.exam_metrics)
        SLICE_METRICS.write(storage, self.slice_metrics)
        ROC_POINTS.write(storage, self.roc_points)
