"""The tables of an evaluation directory that go by run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from examwise.core.schemas.evaluation import EXAM_METRICS, ROC_POINTS, SLICE_METRICS
from examwise.core.schemas.evidence import (
    CALIBRATION,
    CALIBRATION_POINTS,
    CURVE_BANDS,
    OPERATING_POINTS,
    SUBGROUPS,
    UNCERTAIN_EXAMS,
)
from examwise.core.schemas.predictions import PREDICTED_EXAMS, PREDICTED_SLICES
from examwise.core.schemas.slice_evidence import (
    FROC_POINTS,
    POOLED_SLICES,
    POSITION_VERDICTS,
    RUN_LENGTH_RECALL,
    SEQUENCE_METRICS,
)
from examwise.core.storage import Storage
from examwise.evaluation.judged_run import JudgedRun
from examwise.evaluation.label_agreement import EXAM_LABELS, SLICE_LABELS

RUN_SCHEMAS = (
    EXAM_METRICS,
    ROC_POINTS,
    CURVE_BANDS,
    OPERATING_POINTS,
    CALIBRATION,
    CALIBRATION_POINTS,
    SUBGROUPS,
    UNCERTAIN_EXAMS,
    POOLED_SLICES,
    SLICE_METRICS,
    POSITION_VERDICTS,
    SEQUENCE_METRICS,
    RUN_LENGTH_RECALL,
    FROC_POINTS,
)
RUN_TABLES = tuple(schema.file for schema in RUN_SCHEMAS)
"""Files that :meth:`RunTables.write` writes."""


@dataclass(frozen=True)
class RunTables:
    """The rows of all runs.

    Attributes:
        frames: File to rows; all of :data:`RUN_TABLES`.
    """

    frames: Mapping[str, pl.DataFrame]

    @classmethod
    def of(cls, judged: Iterable[JudgedRun]) -> RunTables:
        """Collect the rows of runs, in their order; one run's slices are held at a time.

        Raises:
            InputError: If two runs label an exam or a slice differently.
        """
        rows = {schema.file: [schema.frame([])] for schema in RUN_SCHEMAS}
        exam_labels, slice_labels = EXAM_LABELS, SLICE_LABELS
        for run in judged:
            exam_labels = exam_labels.joined_by(
                run.exams, where=f"{run.name}, {PREDICTED_EXAMS.file}"
            )
            if run.slice_labels is not None:
                slice_labels = slice_labels.joined_by(
                    run.slice_labels, where=f"{run.name}, {PREDICTED_SLICES.file}"
                )
            for file, frame in run.tables.items():
                rows[file].append(frame)
        return cls({file: pl.concat(frames) for file, frames in rows.items()})

    def write(self, storage: Storage) -> None:
        """Write the tables."""
        for schema in RUN_SCHEMAS:
            schema.write(storage, self.frames[schema.file])
