"""Reading the files of a finished study."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from examwise.core.errors import InputError, SchemaError
from examwise.core.schemas.evaluation import (
    BUDGET_CURVE,
    EXAM_METRICS,
    RATIOS,
    ROC_POINTS,
    SLICE_METRICS,
)
from examwise.core.schemas.predictions import PREDICTED_EXAMS, PREDICTED_SLICES
from examwise.core.schemas.store import FILES, SPLITS
from examwise.core.schemas.study import RUNS
from examwise.core.stage import PROVENANCE, Manifest, read_manifest
from examwise.core.storage import Storage
from examwise.evaluation.answer import ANSWER, Answer
from examwise.imaging.stored_exams import StoredExams

_LEARNER_ORDER = {"strong": 0, "weak": 1}


@dataclass(frozen=True)
class StudyFiles:
    """Everything a report is made from.

    Attributes:
        storage: The study's directory.
        manifest: The study's manifest.
        provenance: Its provenance: what changes from run to run.
        evaluation: The evaluation's manifest.
        answer: The answer, of one finding.
        runs: Table of finished runs.
        curve: AUC by learner and budget, of ``finding``.
        ratios: What the strong learner needs over what the weak one needs, of ``finding``.
        exam_metrics: Exam metrics by run, of ``finding``.
        slice_metrics: Slice metrics by run, of ``finding``.
        roc_points: ROC curves by run, of ``finding``.
        stored: The exam store.
        splits: Which exam is in which part.
        files: What became of every file of the archive.
    """

    storage: Storage
    manifest: Manifest
    provenance: Mapping[str, Any]
    evaluation: Manifest
    answer: Answer
    runs: pl.DataFrame
    curve: pl.DataFrame
    ratios: pl.DataFrame
    exam_metrics: pl.DataFrame
    slice_metrics: pl.DataFrame
    roc_points: pl.DataFrame
    stored: StoredExams
    splits: pl.DataFrame
    files: pl.DataFrame

    @property
    def finding(self) -> str:
        """The finding that the answer is about."""
        return self.answer.finding

    @property
    def learners(self) -> tuple[str, ...]:
        """Learners of the curve: strong, weak, then others by name."""
        names = self.curve["learner"].unique().to_list()
        return tuple(sorted(names, key=lambda name: (_LEARNER_ORDER.get(name, 2), name)))

    @property
    def archive(self) -> str:
        """The archive with the most test exams (by name where there are several)."""
        ranked = self.exam_metrics.sort(["n_exams", "archive"], descending=[True, False])
        return str(ranked["archive"][0])

    def full_budget_runs(self, learner: str) -> pl.DataFrame:
        """Return a learner's runs at its largest budget, by repeat."""
        own = self.runs.filter(pl.col("learner") == learner)
        return own.filter(pl.col("budget") == pl.col("budget").max()).sort("repeat")

    def shown_run(self, learner: str) -> str:
        """Return the run that single-run figures show: largest budget, lowest repeat."""
        return str(self.full_budget_runs(learner)["run_id"][0])

    def predicted(self, run_id: str) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Read a run's predictions of ``finding``: exams, slices."""
        folder = self.storage.child(f"predictions/{run_id}")
        exams = PREDICTED_EXAMS.read(folder).filter(pl.col("finding") == self.finding)
        slices = PREDICTED_SLICES.read(folder).filter(pl.col("finding") == self.finding)
        return exams, slices.sort("exam_id", "slice_index")


def read_study(url: str | Path, *, store: str | Path | None = None) -> StudyFiles:
    """Read a finished study.

    Args:
        url: The study's directory.
        store: The exam store, where it is not ``store`` in the study's directory.

    Raises:
        InputError: If the study, its store or its evaluation is not finished, or lacks a file.
        SchemaError: If a file breaks its schema.
    """
    storage = Storage(url)
    manifest = read_manifest(url, kind="study")
    evaluation_storage = storage.child("evaluation")
    evaluation = read_manifest(evaluation_storage.url, kind="evaluation")
    store_storage = storage.child("store") if store is None else Storage(store)
    answer = Answer.from_json(
        _read(evaluation_storage, ANSWER), where=f"{evaluation_storage.url}/{ANSWER}"
    )
    about = pl.col("finding") == answer.finding
    runs = RUNS.read(storage)
    curve = BUDGET_CURVE.read(evaluation_storage).filter(about).sort("learner", "budget")
    exam_metrics = EXAM_METRICS.read(evaluation_storage).filter(about)
    learners = set(curve["learner"].to_list())
    for table, frame in ((RUNS, runs), (EXAM_METRICS, exam_metrics)):
        _require_learners(learners, frame, where=f"{table.file} of {storage.url}")
    return StudyFiles(
        storage=storage,
        manifest=manifest,
        provenance=_read_provenance(storage),
        evaluation=evaluation,
        answer=answer,
        runs=runs,
        curve=curve,
        ratios=RATIOS.read(evaluation_storage).filter(about),
        exam_metrics=exam_metrics,
        slice_metrics=SLICE_METRICS.read(evaluation_storage).filter(about),
        roc_points=ROC_POINTS.read(evaluation_storage).filter(about),
        stored=StoredExams(store_storage.url),
        splits=SPLITS.read(store_storage),
        files=FILES.read(store_storage),
    )


def _require_learners(learners: set[str], frame: pl.DataFrame, *, where: str) -> None:
    missing = sorted(learners - set(frame["learner"].to_list()))
    if missing or not learners:
        raise InputError(
            where=where,
            expected=f"every learner of {BUDGET_CURVE.file}",
            got=f"no {', '.join(missing)}" if missing else "none in either",
            remedy="run the study again",
        )


def _read(storage: Storage, key: str) -> bytes:
    try:
        return storage.read(key)
    except FileNotFoundError:
        raise InputError(
            where=f"{storage.url}/{key}",
            expected="a JSON file",
            got="no file",
            remedy="run the study again",
        ) from None


def _read_provenance(storage: Storage) -> Mapping[str, Any]:
    try:
        found = json.loads(_read(storage, PROVENANCE))
        return dict(found)
    except (ValueError, TypeError) as error:
        raise SchemaError(
            where=f"{storage.url}/{PROVENANCE}", expected="a JSON object", got=error
        ) from error
