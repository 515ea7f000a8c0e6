"""Training, validation and test parts of a store, kept in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from examwise.core.digests import file_digest, readable_json, sha256_hex
from examwise.core.errors import InputError
from examwise.core.schemas.store import SPLITS, SPLITS_OPTIONS
from examwise.core.storage import Storage
from examwise.data.given_split import read_given_split
from examwise.data.patient_overlap import require_disjoint_patients
from examwise.data.stratified_split import PARTS, split_by_patient
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_labels import exam_labels


@dataclass(frozen=True)
class SplitSummary:
    """What a split came to.

    Attributes:
        n_patients: Part to its number of patients.
        n_exams: Part to its number of exams.
        n_positive_exams: Part to its number of positive exams.
    """

    n_patients: Mapping[str, int]
    n_exams: Mapping[str, int]
    n_positive_exams: Mapping[str, int]


def write_splits(
    store_url: str | Path,
    splits: pl.DataFrame,
    *,
    options: Mapping[str, Any],
    replace: bool = False,
) -> None:
    """Write the parts of a store.

    Args:
        store_url: The exam store.
        splits: A table of :data:`~examwise.core.schemas.store.SPLITS`.
        options: How they were drawn, kept beside them with the table's digest.
        replace: Overwrite different parts that the store has already.

    Raises:
        InputError: If patients overlap, or other parts are there and ``replace`` is not set.
    """
    require_disjoint_patients(splits)
    storage = Storage(store_url)
    if storage.exists(SPLITS.file) and not replace:
        same = SPLITS.read(storage).sort("exam_id").equals(splits.sort("exam_id"))
        if same and storage.exists(SPLITS_OPTIONS):
            return
        if not same:
            raise InputError(
                where=f"{storage.url}/{SPLITS.file}",
                expected="no other split of this store",
                got="one that differs",
                remedy="keep it, or replace it (--replace); runs trained with it would then be "
                "tested on exams they have seen",
            )
    SPLITS.write(storage, splits.sort("exam_id"))
    digest = sha256_hex(storage.read(SPLITS.file))
    storage.write(SPLITS_OPTIONS, readable_json({**options, "sha256": digest}))


def has_splits(store_url: str | Path) -> bool:
    """Tell whether a store has been split."""
    return Storage(store_url).exists(SPLITS.file)


def read_splits(store_url: str | Path) -> pl.DataFrame:
    """Read the parts of a store.

    Raises:
        InputError: If the store has not been split, or patients overlap.
    """
    storage = Storage(store_url)
    if not storage.exists(SPLITS.file):
        raise InputError(
            where=storage.url,
            expected="a store that is split by patient",
            got=f"no {SPLITS.file}",
            remedy="run: examwise split STORE",
        )
    splits = SPLITS.read(storage)
    require_disjoint_patients(splits)
    return splits


def split_store(
    store_url: str | Path,
    *,
    fractions: tuple[float, float, float] = (0.6, 0.2, 0.2),
    seed: int = 0,
    finding: str | Sequence[str] = "any",
    replace: bool = False,
) -> SplitSummary:
    """Split a store by patient and keep the parts in it.

    Args:
        store_url: The exam store.
        fractions: Shares of train, validation and test.
        seed: Another seed gives another division.
        finding: The finding whose positive patients are divided in proportion; or several, the
            most important one first.
        replace: Overwrite a different split.

    Raises:
        InputError: As :func:`~examwise.data.stratified_split.split_by_patient` and
            :func:`write_splits` do.
    """
    stored = StoredExams(store_url)
    findings = [finding] if isinstance(finding, str) else list(dict.fromkeys(finding))
    if not findings:
        raise InputError(where="split", expected="a finding to stratify on", got="none")
    exams = stored.exams.select("exam_id", "patient_key")
    for name in findings:
        labels = exam_labels(stored, name).rename({"exam_label": f"label {name}"})
        exams = exams.join(labels, on="exam_id", how="left")
    columns = [f"label {name}" for name in findings]
    splits = split_by_patient(exams, fractions=fractions, seed=seed, labels=columns)
    options = {
        "fractions": dict(zip(PARTS, fractions, strict=True)),
        "seed": seed,
        "findings": findings,
    }
    write_splits(store_url, splits, options=options, replace=replace)
    return _summary(stored, splits, findings[0])


def give_split(
    store_url: str | Path, path: Path, *, finding: str = "any", replace: bool = False
) -> SplitSummary:
    """Keep a split in a store that somebody else has drawn, such as a published one.

    Args:
        store_url: The exam store.
        path: A CSV file, see :func:`~examwise.data.given_split.read_given_split`.
        finding: The finding to count in the summary.
        replace: Overwrite a different split.

    Raises:
        InputError: As :func:`~examwise.data.given_split.read_given_split` and
            :func:`write_splits` do.
    """
    stored = StoredExams(store_url)
    splits = read_given_split(path, stored.exams)
    write_splits(store_url, splits, options={"given": file_digest(path)}, replace=replace)
    return _summary(stored, splits, finding)


def _summary(stored: StoredExams, splits: pl.DataFrame, finding: str) -> SplitSummary:
    labelled = splits.join(exam_labels(stored, finding), on="exam_id")

    def count(expression: pl.Expr) -> dict[str, int]:
        return {
            part: int(labelled.filter(pl.col("split") == part).select(expression).item())
            for part in PARTS
        }

    return SplitSummary(
        n_patients=count(pl.col("patient_key").n_unique()),
        n_exams=count(pl.len()),
        n_positive_exams=count((pl.col("exam_label") == 1).sum()),
    )
