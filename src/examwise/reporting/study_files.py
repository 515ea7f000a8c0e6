"""Reading the files of a finished study."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from examwise.core.digests import sha256_hex
from examwise.core.errors import InputError, IntegrityError, SchemaError
from examwise.core.manifest import MANIFEST, Manifest, read_manifest
from examwise.core.schemas.evaluation import (
    BUDGET_CURVE,
    EXAM_METRICS,
    RATIOS,
    ROC_POINTS,
    SLICE_METRICS,
)
from examwise.core.schemas.predictions import PREDICTED_EXAMS, PREDICTED_SLICES
from examwise.core.schemas.store import FILES, SPLITS
from examwise.core.schemas.study import RUNS, external_folder
from examwise.core.stage import PROVENANCE
from examwise.core.storage import Storage
from examwise.core.tables import TableSchema
from examwise.evaluation.answer import ANSWER, Answer
from examwise.evaluation.reading import prediction_folders
from examwise.imaging.joined_stores import JoinedStores
from examwise.reporting.configuration_words import setting
from examwise.reporting.evaluation_tables import EvaluationTables
from examwise.reporting.external_stores import (
    ExternalStore,
    read_external_stores,
    stores_elsewhere,
)
from examwise.reporting.study_arms import Arm, label_free_scores, study_arms


@dataclass(frozen=True)
class StudyFiles:
    """Everything a report is made from.

    Attributes:
        storage: The study's directory.
        manifest: The study's manifest.
        provenance: Its provenance: what changes from run to run.
        evaluation: The evaluation's manifest.
        tables: The evaluation's tables, of ``finding``; those of evidence need not be there.
        answer: The answer, of one finding.
        runs: Table of finished runs.
        curve: AUC by archive, arm, mode and budget, of ``finding``.
        ratios: What the strong learner needs over what the weak one needs, of ``finding``.
        exam_metrics: Exam metrics by run, of ``finding``.
        slice_metrics: Slice metrics by run, of ``finding``.
        roc_points: ROC curves by run, of ``finding``.
        stored: The exam store that labels come from, or several together.
        splits: Which exam is in which part of it.
        files: What became of every file of its archive.
        external: Archives that were tested on only.
    """

    storage: Storage
    manifest: Manifest
    provenance: Mapping[str, Any]
    evaluation: Manifest
    tables: EvaluationTables
    answer: Answer
    runs: pl.DataFrame
    curve: pl.DataFrame
    ratios: pl.DataFrame
    exam_metrics: pl.DataFrame
    slice_metrics: pl.DataFrame
    roc_points: pl.DataFrame
    stored: JoinedStores
    splits: pl.DataFrame
    files: pl.DataFrame
    external: tuple[ExternalStore, ...]

    @property
    def finding(self) -> str:
        """The finding that the answer is about."""
        return self.answer.finding

    @property
    def archive(self) -> str:
        """The internal archive: where labels come from; of several their joint name."""
        return self.answer.internal.archive

    @cached_property
    def arms(self) -> tuple[Arm, ...]:
        """Arms with labels: those of the strong learner, of the weak one, then references."""
        strong, weak = (
            str(setting(self.evaluation.configuration, role) or role) for role in ("strong", "weak")
        )
        return study_arms(self.curve, self.manifest.configuration, strong=strong, weak=weak)

    @property
    def main_arms(self) -> tuple[Arm, ...]:
        """The arms that are compared; all of them where none is."""
        return tuple(arm for arm in self.arms if arm.is_main) or self.arms

    @property
    def reference_arms(self) -> tuple[Arm, ...]:
        """Arms that stand beside those compared."""
        return tuple(arm for arm in self.arms if arm not in self.main_arms)

    @property
    def label_free(self) -> tuple[str, ...]:
        """What scores exams without any label."""
        return label_free_scores(self.curve)

    def curve_of(self, archive: str) -> pl.DataFrame:
        """Return the rows of the curve that are of one archive's test exams."""
        return self.curve.filter(pl.col("archive") == archive)

    def predicted(self, run_id: str, *, number: int = 0) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Read a run's predictions of ``finding`` in an archive: exams, slices.

        Args:
            run_id: The run.
            number: Of the archive: 0 is the internal one.
        """
        about = pl.col("finding") == self.finding
        exams, slices = [], []
        place = self.storage.child(external_folder(number)) if number else self.storage
        for folder in prediction_folders(place, run_id):
            manifest = read_manifest(folder.url, kind="predictions")
            exams.append(_read_table(manifest, folder, PREDICTED_EXAMS).filter(about))
            slices.append(_read_table(manifest, folder, PREDICTED_SLICES).filter(about))
        return pl.concat(exams), pl.concat(slices).sort("exam_id", "slice_index")


def read_study(
    url: str | Path,
    *,
    stores: Sequence[str | Path] = (),
    external: Sequence[str | Path] = (),
) -> StudyFiles:
    """Read a finished study.

    Args:
        url: The study's directory.
        stores: The exam stores, where they are not ``store`` in the study's directory.
        external: Those of external archives, where they are not ``external/<number>/store``.

    Raises:
        InputError: If the study, a store of it or its evaluation is not finished, or lacks a file.
        SchemaError: If a file breaks its schema.
        IntegrityError: If a table is not the one once written, or not the one evaluated.
    """
    storage = Storage(url)
    manifest = _read_manifest(storage, kind="study")
    if not stores and not storage.exists(f"store/{MANIFEST}"):
        raise stores_elsewhere(storage)
    evaluation_storage = storage.child("evaluation")
    evaluation = _read_manifest(evaluation_storage, kind="evaluation")
    stored = JoinedStores(stores or [storage.child("store").url])
    answer = Answer.from_json(
        evaluation.read_output(evaluation_storage, ANSWER),
        where=f"{evaluation_storage.url}/{ANSWER}",
    )
    tables = EvaluationTables(evaluation_storage, evaluation, answer.finding)
    runs = _read_runs(storage, evaluation)
    about = pl.col("finding") == answer.finding
    curve, exam_metrics, ratios, slice_metrics, roc_points = (
        _read_table(evaluation, evaluation_storage, table).filter(about)
        for table in (BUDGET_CURVE, EXAM_METRICS, RATIOS, SLICE_METRICS, ROC_POINTS)
    )
    learners = set(curve["learner"].to_list())
    for table, frame in ((RUNS, runs), (EXAM_METRICS, exam_metrics)):
        _require_learners(learners, frame, where=f"{table.file} of {storage.url}")
    return StudyFiles(
        storage=storage,
        manifest=manifest,
        provenance=_read_provenance(storage),
        evaluation=evaluation,
        tables=tables,
        answer=answer,
        runs=runs,
        curve=curve.sort("archive", "learner", "acquisition", "mode", "budget"),
        ratios=ratios,
        exam_metrics=exam_metrics,
        slice_metrics=slice_metrics,
        roc_points=roc_points,
        stored=stored,
        splits=pl.concat(SPLITS.read(store.storage) for store in stored.stores),
        files=pl.concat(FILES.read(store.storage) for store in stored.stores),
        external=read_external_stores(storage, answer.external, external),
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


def _read_manifest(storage: Storage, *, kind: str) -> Manifest:
    manifest = read_manifest(storage.url, kind=kind)
    for name, kinds, words in (
        ("tool_version", str, "text"),
        ("configuration", Mapping, "a JSON object"),
        ("inputs", Mapping, "a JSON object"),
        ("outputs", Mapping, "a JSON object"),
    ):
        value = getattr(manifest, name)
        if not isinstance(value, kinds):
            raise SchemaError(
                where=f"{storage.url}/{MANIFEST}, {name}",
                expected=words,
                got=type(value).__name__,
                remedy="restore it, or make the directory again",
            )
    return manifest


def _read_table(manifest: Manifest, storage: Storage, table: TableSchema) -> pl.DataFrame:
    manifest.read_output(storage, table.file)
    return table.read(storage)


def _read_runs(storage: Storage, evaluation: Manifest) -> pl.DataFrame:
    runs = RUNS.read(storage)
    if "sha256:" + sha256_hex(storage.read(RUNS.file)) != evaluation.inputs.get(RUNS.file):
        raise IntegrityError(
            where=f"{storage.url}/{RUNS.file}",
            expected="the table that was evaluated",
            got="another",
            remedy="restore it, or evaluate the study again",
        )
    return runs


def _read_provenance(storage: Storage) -> Mapping[str, Any]:
    where = f"{storage.url}/{PROVENANCE}"
    try:
        return dict(json.loads(storage.read(PROVENANCE)))
    except FileNotFoundError:
        raise InputError(
            where=where, expected="a JSON file", got="no file", remedy="run the study again"
        ) from None
    except (ValueError, TypeError) as error:
        raise SchemaError(where=where, expected="a JSON object", got=error) from error
