"""Reading predictions directories, and refusing those that don't go together."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from examwise.core.digests import sha256_hex
from examwise.core.errors import InputError, SchemaError
from examwise.core.manifest import MANIFEST, Manifest, read_manifest
from examwise.core.schemas.predictions import (
    POSITION_HISTOGRAM,
    PREDICTED_EXAMS,
    PREDICTED_SLICES,
    THRESHOLDS,
)
from examwise.core.storage import Storage
from examwise.evaluation.label_agreement import EXAM_LABELS
from examwise.metrics.position import PositionHistogram

EVALUATED_SPLITS = ("test", "unseen")
"""Exams that a run has not learned from; all others would flatter it."""


@dataclass(frozen=True)
class RunPredictions:
    """What one run predicted.

    Attributes:
        run_id: The run.
        predicted: ``PREDICTED_EXAMS``, all of them.
        exams: Those to evaluate.
        thresholds: Finding to threshold on the exam probability.
        histograms: Finding to position histogram of training slices, None where there was none.
        digest: Digest of the manifest, and so of all its files.
        storage: Where they are.
    """

    run_id: str
    predicted: pl.DataFrame
    exams: pl.DataFrame
    thresholds: Mapping[str, float]
    histograms: Mapping[str, PositionHistogram | None]
    digest: str
    storage: Storage

    @property
    def n_exams_left_out(self) -> int:
        """Exams left out because of their split."""
        return self.predicted["exam_id"].n_unique() - self.exams["exam_id"].n_unique()

    def read_slices(self) -> pl.DataFrame:
        """Return ``PREDICTED_SLICES`` of the exams to evaluate.

        Raises:
            InputError: If the table is missing, broken, or of another run.
        """
        slices = PREDICTED_SLICES.read(self.storage)
        keys = ["run_id", "exam_id", "finding"]
        strange = slices.join(self.predicted, on=keys, how="anti")
        if not strange.is_empty():
            raise SchemaError(
                where=f"{self.storage.url}/{PREDICTED_SLICES.file}",
                expected=f"slices of exams and findings in {PREDICTED_EXAMS.file}",
                got=f"{strange.height} others",
                remedy="predict again",
            )
        return slices.join(self.exams, on=keys, how="semi")


def read_run(url: str, *, splits: Sequence[str] = EVALUATED_SPLITS) -> RunPredictions:
    """Read one predictions directory, its slices apart.

    Args:
        url: The directory.
        splits: Splits whose exams are evaluated.

    Raises:
        InputError: If it is no finished predictions directory of one run, or holds no exam of
            these splits.
        IntegrityError: If a file in it is not the one once written.
        SchemaError: If a file in it breaks its schema.
    """
    manifest = read_manifest(url, kind="predictions")
    storage = Storage(url)
    for table in (PREDICTED_EXAMS, PREDICTED_SLICES):
        manifest.read_output(storage, table.file)
    exams = PREDICTED_EXAMS.read(storage)
    where = f"{storage.url}/{PREDICTED_EXAMS.file}"
    _require_one_run(exams, where=where)
    kept = exams.filter(pl.col("split").is_in(list(splits)))
    if kept.is_empty():
        raise InputError(
            where=where,
            expected="exams of the splits " + ", ".join(splits),
            got=", ".join(sorted(exams["split"].unique())) or "no exams",
            remedy="predict exams that the run has not learned from",
        )
    return RunPredictions(
        run_id=kept["run_id"][0],
        predicted=exams,
        exams=kept,
        thresholds=_thresholds(manifest, storage, kept["finding"].unique().sort().to_list()),
        histograms=_histograms(manifest, storage),
        digest="sha256:" + sha256_hex(storage.read(MANIFEST)),
        storage=storage,
    )


def read_runs(urls: Sequence[str], *, splits: Sequence[str]) -> list[RunPredictions]:
    """Read several predictions directories, sorted by run.

    Raises:
        InputError: If there is none, a run comes twice, or two label an exam differently.
    """
    if not urls:
        raise InputError(where="predictions", expected="at least one directory", got="none")
    runs: dict[str, RunPredictions] = {}
    labels = EXAM_LABELS
    for url in urls:
        run = read_run(url, splits=splits)
        if run.run_id in runs:
            raise InputError(
                where=url,
                expected="every run once",
                got=f"run {run.run_id} a second time",
                remedy="name each predictions directory once",
            )
        runs[run.run_id] = run
        labels = labels.joined_by(run.exams, where=f"{run.storage.url}/{PREDICTED_EXAMS.file}")
    return [runs[run_id] for run_id in sorted(runs)]


def _require_one_run(exams: pl.DataFrame, *, where: str) -> None:
    n_runs = exams.select("run_id", "learner").n_unique()
    n_exams = exams["exam_id"].n_unique()
    n_owners = exams.select("exam_id", "patient_key", "archive", "split").n_unique()
    if n_runs > 1 or n_owners > n_exams:
        raise SchemaError(
            where=where,
            expected="one run and learner, and one patient, archive and split for each exam",
            got=f"{n_runs} runs and learners, {n_owners} patients, archives and splits "
            f"for {n_exams} exams",
            remedy="predict again, one directory a run",
        )


def _json_object(manifest: Manifest, storage: Storage, name: str) -> dict[str, Any]:
    where = f"{storage.url}/{name}"
    try:
        found = json.loads(manifest.read_output(storage, name))
    except ValueError as error:
        raise SchemaError(where=where, expected="JSON", got=error) from error
    if not isinstance(found, dict):
        raise SchemaError(where=where, expected="a JSON object by finding", got=type(found))
    return found


def _thresholds(manifest: Manifest, storage: Storage, findings: Sequence[str]) -> dict[str, float]:
    thresholds: dict[str, float] = {}
    entries = _json_object(manifest, storage, THRESHOLDS)
    for finding in findings:
        entry = entries.get(finding)
        value = entry.get("threshold") if isinstance(entry, dict) else None
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if value is None or not number or not 0 <= value <= 1:
            raise SchemaError(
                where=f"{storage.url}/{THRESHOLDS}, {finding}",
                expected='{"threshold": a number from 0 to 1, "source": …}',
                got=entry,
            )
        thresholds[finding] = float(value)
    return thresholds


def _histograms(manifest: Manifest, storage: Storage) -> dict[str, PositionHistogram | None]:
    where = f"{storage.url}/{POSITION_HISTOGRAM}"
    return {
        finding: None
        if entry is None
        else PositionHistogram.from_dict(entry, where=f"{where}, {finding}")
        for finding, entry in _json_object(manifest, storage, POSITION_HISTOGRAM).items()
    }
