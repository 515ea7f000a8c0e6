"""Reading predictions directories, and refusing those that don't go together."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
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
from examwise.evaluation.fitted_thresholds import FittedThreshold
from examwise.evaluation.label_agreement import EXAM_LABELS
from examwise.evaluation.store_labels import StoreLabels
from examwise.metrics.position import PositionHistogram

EVALUATED_SPLITS = ("test", "unseen")
"""Exams that a run has not learned from; all others would flatter it."""

_SLICE_OWNER = ["run_id", "exam_id", "finding"]


@dataclass(frozen=True)
class PredictionsDirectory:
    """What one run predicted of one store.

    Attributes:
        run_id: The run.
        predicted: ``PREDICTED_EXAMS``, all of them.
        fitted: Finding to thresholds, and how they were chosen.
        histograms: Finding to position histogram of training slices, None where there was none.
        digest: Digest of the manifest, and so of all its files.
        storage: Where they are.
        data_terms: ``learned_from`` and ``predicted`` to terms of use, as far as on record.
        key_id: Fingerprint of the key behind the exams' pseudonyms; None where not on record.
    """

    run_id: str
    predicted: pl.DataFrame
    fitted: Mapping[str, FittedThreshold]
    histograms: Mapping[str, PositionHistogram | None]
    digest: str
    storage: Storage
    data_terms: Mapping[str, Sequence[str]]
    key_id: str | None

    def read_slices(self) -> pl.DataFrame:
        """Return ``PREDICTED_SLICES``.

        Raises:
            InputError: If the table is missing, broken, or of another run.
        """
        slices = PREDICTED_SLICES.read(self.storage)
        strange = slices.join(self.predicted, on=_SLICE_OWNER, how="anti")
        if not strange.is_empty():
            raise SchemaError(
                where=f"{self.storage.url}/{PREDICTED_SLICES.file}",
                expected=f"slices of exams and findings in {PREDICTED_EXAMS.file}",
                got=f"{strange.height} others",
                remedy="predict again",
            )
        return slices


@dataclass(frozen=True)
class RunPredictions:
    """What one run predicted, of one store or of several.

    Attributes:
        run_id: The run.
        directories: Its predictions, a directory a store, in an order of their own.
        splits: Splits whose exams are evaluated.
        labels: Labels in place of those written into the predictions; None keeps these.
    """

    run_id: str
    directories: tuple[PredictionsDirectory, ...]
    splits: tuple[str, ...]
    labels: StoreLabels | None = None

    @cached_property
    def predicted(self) -> pl.DataFrame:
        """``PREDICTED_EXAMS``, all of them."""
        return pl.concat(directory.predicted for directory in self.directories)

    @cached_property
    def exams(self) -> pl.DataFrame:
        """Those to evaluate."""
        kept = self.predicted.filter(pl.col("split").is_in(list(self.splits)))
        return kept if self.labels is None else self.labels.of_exams(kept)

    @property
    def fitted(self) -> Mapping[str, FittedThreshold]:
        """Finding to thresholds, and how they were chosen."""
        return self.directories[0].fitted

    @property
    def thresholds(self) -> Mapping[str, float]:
        """Finding to threshold on the exam probability."""
        return {finding: found.threshold for finding, found in self.fitted.items()}

    @property
    def histograms(self) -> Mapping[str, PositionHistogram | None]:
        """Finding to position histogram of training slices, None where there was none."""
        return self.directories[0].histograms

    @property
    def name(self) -> str:
        """How messages call it."""
        return ", ".join(directory.storage.url for directory in self.directories)

    @property
    def inputs(self) -> dict[str, str]:
        """Role to digest of every directory."""
        role = f"predictions/{self.run_id}"
        if len(self.directories) == 1:
            return {role: self.directories[0].digest}
        return {f"{role}/{n}": found.digest for n, found in enumerate(self.directories, 1)}

    @property
    def has_one_key(self) -> bool:
        """Whether a patient of two archives would be known again."""
        return len({directory.key_id for directory in self.directories}) == 1

    @property
    def n_exams_left_out(self) -> int:
        """Exams left out because of their split."""
        return self.predicted["exam_id"].n_unique() - self.exams["exam_id"].n_unique()

    def read_slices(self) -> pl.DataFrame:
        """Return ``PREDICTED_SLICES`` of the exams to evaluate.

        Raises:
            InputError: If a table is missing, broken, of another run, or has other slices than
                the stores that labels are looked up in.
        """
        slices = pl.concat(directory.read_slices() for directory in self.directories)
        kept = slices.join(self.exams, on=_SLICE_OWNER, how="semi")
        return kept if self.labels is None else self.labels.of_slices(kept)


def prediction_folders(study: Storage, run_id: str) -> list[Storage]:
    """Return where a study keeps a run's predictions: one directory, or one for each store."""
    folder = study.child(f"predictions/{run_id}")
    numbered: list[Storage] = []
    while (one := folder.child(str(len(numbered) + 1))).exists(MANIFEST):
        numbered.append(one)
    return numbered or [folder]


def data_terms(runs: Sequence[RunPredictions]) -> dict[str, list[str]]:
    """Return the terms of use behind predictions: ``learned_from`` and ``predicted``, sorted."""
    return merged_terms([directory.data_terms for run in runs for directory in run.directories])


def merged_terms(found: Sequence[Mapping[str, Sequence[str]]]) -> dict[str, list[str]]:
    """Merge the terms of use of several directories.

    Example:
        >>> merged_terms([{"predicted": ["b"]}, {"predicted": ["a"]}])
        {'learned_from': [], 'predicted': ['a', 'b']}
    """
    return {
        side: sorted({str(term) for terms in found for term in terms.get(side, ())})
        for side in ("learned_from", "predicted")
    }


def read_directory(url: str, *, splits: Sequence[str] = EVALUATED_SPLITS) -> PredictionsDirectory:
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
    return PredictionsDirectory(
        run_id=kept["run_id"][0],
        predicted=exams,
        fitted=_fitted(manifest, storage, kept["finding"].unique().sort().to_list()),
        histograms=_histograms(manifest, storage),
        digest="sha256:" + sha256_hex(storage.read(MANIFEST)),
        storage=storage,
        data_terms=manifest.configuration.get("data_terms", {}),
        key_id=manifest.configuration.get("key_id"),
    )


def read_runs(
    urls: Sequence[str], *, splits: Sequence[str], labels: StoreLabels | None = None
) -> list[RunPredictions]:
    """Read several predictions directories, sorted by run.

    A run may have several, of different exams.

    Args:
        urls: The directories.
        splits: Splits whose exams are evaluated.
        labels: Labels in place of those in the predictions.

    Raises:
        InputError: If there is none, a run has predicted an exam twice, a patient it may have
            learned from in one directory is tested in another, or two runs label an exam
            differently.
    """
    if not urls:
        raise InputError(where="predictions", expected="at least one directory", got="none")
    of_run: dict[str, list[PredictionsDirectory]] = {}
    for url in urls:
        directory = read_directory(url, splits=splits)
        of_run.setdefault(directory.run_id, []).append(directory)
    runs = []
    known = EXAM_LABELS
    for run_id, found in sorted(of_run.items()):
        ordered = tuple(sorted(found, key=lambda directory: directory.digest))
        run = RunPredictions(run_id, ordered, tuple(splits), labels)
        if len(ordered) > 1:
            _require_together(run)
        known = known.joined_by(run.exams, where=f"{run.name}, {PREDICTED_EXAMS.file}")
        runs.append(run)
    return runs


def _require_together(run: RunPredictions) -> None:
    """Raise unless directories of one run are of different exams and patients in one part."""
    first = run.directories[0]
    owners = [d.predicted.select("exam_id", "learner").unique() for d in run.directories]
    exams = pl.concat(owners)
    n_repeated = exams["exam_id"].len() - exams["exam_id"].n_unique()
    if n_repeated:
        raise InputError(
            where=run.name,
            expected="every exam of a run once",
            got=f"run {run.run_id} a second time for {n_repeated} exams",
            remedy="name each predictions directory once",
        )
    same = exams["learner"].n_unique() == 1 and all(
        (other.fitted, other.histograms) == (first.fitted, first.histograms)
        for other in run.directories
    )
    if not same:
        raise InputError(
            where=run.name,
            expected=f"one model behind run {run.run_id}",
            got="another learner, other thresholds or other position histograms",
            remedy="evaluate apart what different runs of this name predicted",
        )
    is_tested = pl.col("split").is_in(list(run.splits)).alias("is_tested")
    patients = run.predicted.select("patient_key", is_tested).unique()
    if n_both := patients.height - patients["patient_key"].n_unique():
        raise InputError(
            where=run.name,
            expected="no patient of a training or validation part among those tested",
            got=f"{n_both} patients in such a part of one store, and tested in another",
            remedy="give the stores one split by patient (examwise split STORE --given FILE), and "
            "predict again",
        )


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


def _fitted(
    manifest: Manifest, storage: Storage, findings: Sequence[str]
) -> dict[str, FittedThreshold]:
    entries = _json_object(manifest, storage, THRESHOLDS)
    where = f"{storage.url}/{THRESHOLDS}"
    return {
        finding: FittedThreshold.from_entry(entries.get(finding), where=f"{where}, {finding}")
        for finding in findings
    }


def _histograms(manifest: Manifest, storage: Storage) -> dict[str, PositionHistogram | None]:
    where = f"{storage.url}/{POSITION_HISTOGRAM}"
    return {
        finding: None
        if entry is None
        else PositionHistogram.from_dict(entry, where=f"{where}, {finding}")
        for finding, entry in _json_object(manifest, storage, POSITION_HISTOGRAM).items()
    }
