"""Training, validation and test parts of a store, kept in it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from examwise.core.digests import file_digest, readable_json, sha256_hex
from examwise.core.errors import InputError
from examwise.core.schemas.store import EXAMS, SPLITS, SPLITS_OPTIONS
from examwise.core.storage import Storage
from examwise.core.writer_lock import sole_writer
from examwise.data.given_split import read_given_split
from examwise.data.patient_overlap import require_disjoint_patients
from examwise.data.split_extension import place_patients
from examwise.data.stratified_split import PARTS, require_seed, require_shares, split_by_patient
from examwise.imaging.stored_exams import StoredExams
from examwise.imaging.stored_labels import exam_labels, require_finding

DEFAULT_FRACTIONS = (0.6, 0.2, 0.2)
"""Shares of train, validation and test patients."""


@dataclass(frozen=True)
class SplitSummary:
    """What a split came to.

    Attributes:
        n_patients: Part to its number of patients.
        n_exams: Part to its number of exams.
        n_positive_exams: Part to its number of positive exams.
        empty_parts: Parts without an exam.
    """

    n_patients: Mapping[str, int]
    n_exams: Mapping[str, int]
    n_positive_exams: Mapping[str, int]
    empty_parts: tuple[str, ...] = ()


def write_splits(
    store_url: str | Path,
    splits: pl.DataFrame,
    *,
    options: Mapping[str, Any],
    replace: bool = False,
) -> None:
    """Write the parts of a store; exams that have a part keep it.

    Args:
        store_url: The exam store.
        splits: A table of :data:`~examwise.core.schemas.store.SPLITS`.
        options: How they were drawn, kept beside them with the table's digest.
        replace: Overwrite different parts that the store has already.

    Raises:
        InputError: If patients overlap, an exam has another part and ``replace`` is not set, or
            another process is writing the store.
    """
    require_disjoint_patients(splits)
    storage = Storage(store_url)
    with sole_writer(storage):
        _write(storage, splits, options, replace=replace)


def _write(
    storage: Storage, splits: pl.DataFrame, options: Mapping[str, Any], *, replace: bool
) -> None:
    data = SPLITS.to_bytes(splits.sort("exam_id"))
    digests = {"sha256": sha256_hex(data)}
    if storage.exists(SPLITS.file) and not replace:
        there = SPLITS.read(storage)
        if there.join(splits, on=SPLITS.names, how="anti").height:
            raise _other_split(storage)
        before = sha256_hex(storage.read(SPLITS.file))
        if before != digests["sha256"]:
            digests["before"] = before
        elif storage.exists(SPLITS_OPTIONS):
            return
    # The digests first: between the two writes they say which table this one extends.
    storage.write(SPLITS_OPTIONS, readable_json({**options, **digests}))
    storage.write(SPLITS.file, data)


def _other_split(storage: Storage) -> InputError:
    return InputError(
        where=f"{storage.url}/{SPLITS.file}",
        expected="no other split of this store",
        got="one that differs",
        remedy="keep it (examwise split STORE without other options gives new exams their part), "
        "or replace it (--replace); runs trained with it would then be tested on exams they have "
        "seen",
    )


def has_splits(store_url: str | Path) -> bool:
    """Tell whether a store has been split."""
    return Storage(store_url).exists(SPLITS.file)


def drawn_fractions(store_url: str | Path) -> tuple[float, ...] | None:
    """Return the shares of train, validation and test by which a store was split, if known."""
    storage = Storage(store_url)
    if not storage.exists(SPLITS_OPTIONS):
        return None
    fractions = json.loads(storage.read(SPLITS_OPTIONS)).get("fractions")
    return tuple(float(fractions[part]) for part in PARTS) if fractions else None


def read_splits(store_url: str | Path, *, whole: bool = True) -> pl.DataFrame:
    """Read the parts of a store.

    Args:
        store_url: The exam store.
        whole: Whether every exam must have a part; exams that were added have none until the
            store is split again.

    Raises:
        InputError: If the store has not been split, exams lack a part, or patients overlap.
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
    if whole:
        exams = EXAMS.read(storage)
        if without := exams.join(splits, on="exam_id", how="anti").height:
            raise InputError(
                where=storage.url,
                expected="a part for every exam",
                got=f"{without} of {exams.height} exams without one",
                remedy="run: examwise split STORE (the others keep theirs)",
            )
    return splits


def split_store(
    store_url: str | Path,
    *,
    fractions: tuple[float, float, float] | None = None,
    seed: int | None = None,
    finding: str | Sequence[str] | None = None,
    replace: bool = False,
) -> SplitSummary:
    """Split a store by patient and keep the parts in it.

    A store that has been split is extended: who has a part keeps it, and new patients are drawn
    in the same way.

    Args:
        store_url: The exam store.
        fractions: Shares of train, validation and test; if None those of the split that is there,
            else :data:`DEFAULT_FRACTIONS`.
        seed: Another seed gives another division; if None that of the split that is there, else 0.
        finding: The finding whose positive patients are divided in proportion; or several, the
            most important one first; if None those of the split that is there, else ``any``.
        replace: Overwrite a different split.

    Raises:
        InputError: As :func:`~examwise.data.stratified_split.split_by_patient` and
            :func:`write_splits` do; if the store has no exams or no label of a finding, or was
            split with other options.
    """
    stored = _stored(store_url)
    findings = [finding] if isinstance(finding, str) else finding and list(dict.fromkeys(finding))
    if findings is not None and not findings:
        raise InputError(where="split", expected="a finding to stratify on", got="none")
    # What cannot be is said before it is compared with a split that is there.
    if seed is not None:
        require_seed(seed)
    if fractions is not None:
        require_shares(fractions)
    for name in findings or ():
        require_finding(stored, name)
    asked = {
        "fractions": fractions and dict(zip(PARTS, fractions, strict=True)),
        "seed": seed,
        "findings": findings,
    }
    storage = stored.storage
    if not replace and storage.exists(SPLITS.file) and storage.exists(SPLITS_OPTIONS):
        return _extend(stored, {name: value for name, value in asked.items() if value is not None})
    fractions, findings, seed = fractions or DEFAULT_FRACTIONS, findings or ["any"], seed or 0
    exams, columns = _labelled(stored, findings)
    splits = split_by_patient(exams, fractions=fractions, seed=seed, labels=columns)
    options = {
        "fractions": dict(zip(PARTS, fractions, strict=True)),
        "seed": seed,
        "findings": findings,
    }
    write_splits(store_url, splits, options=options, replace=replace)
    return _summary(stored, splits, findings[0])


def _stored(store_url: str | Path) -> StoredExams:
    stored = StoredExams(store_url)
    if not len(stored):
        raise InputError(
            where=stored.name,
            expected="exams to divide",
            got="no exams",
            remedy="add some: examwise ingest LAYOUT SOURCE STORE --append",
        )
    return stored


def count_without_part(store_url: str | Path) -> int:
    """Return how many exams of a store have no part yet."""
    storage = Storage(store_url)
    exams = EXAMS.read(storage)
    if not storage.exists(SPLITS.file):
        return exams.height
    return exams.join(SPLITS.read(storage), on="exam_id", how="anti").height


def _labelled(stored: StoredExams, findings: Sequence[str]) -> tuple[pl.DataFrame, list[str]]:
    exams = stored.exams.select("exam_id", "patient_key")
    for name in findings:
        labels = exam_labels(stored, name).rename({"exam_label": f"label {name}"})
        exams = exams.join(labels, on="exam_id", how="left")
    return exams, [f"label {name}" for name in findings]


def _extend(stored: StoredExams, asked: Mapping[str, Any]) -> SplitSummary:
    """Give exams without a part one, by the options with which the others were drawn."""
    storage = stored.storage
    options = dict(json.loads(storage.read(SPLITS_OPTIONS)))
    splits = read_splits(storage.url, whole=False)
    known = (options.pop("sha256", None), options.pop("before", None))
    if sha256_hex(storage.read(SPLITS.file)) not in known:
        raise _other_split(storage)
    drawn = "given" not in options
    if drawn and any(options.get(name) != value for name, value in asked.items()):
        raise _other_split(storage)
    findings = options["findings"] if drawn else ["any"]
    new = stored.exams.join(splits, on="exam_id", how="anti")
    newcomers = new.join(splits, on="patient_key", how="anti")["patient_key"].n_unique()
    if not drawn and (new.is_empty() or newcomers):
        if new.is_empty():
            raise _other_split(storage)
        raise InputError(
            where=storage.url,
            expected="a part for each new patient from whoever gave the split",
            got=f"{newcomers} patients without one",
            remedy="give a split that names all exams (--given CSV); who has a part keeps it",
        )
    if new.is_empty():
        return _summary(stored, splits, findings[0])
    parts = splits.select("patient_key", "split").unique()
    if drawn:
        exams, columns = _labelled(stored, findings)
        shares = tuple(float(options["fractions"][part]) for part in PARTS)
        parts = place_patients(
            exams,
            parts,
            fractions=(shares[0], shares[1], shares[2]),
            seed=int(options["seed"]),
            labels=columns,
        )
    added = new.select("exam_id", "patient_key").join(parts, on="patient_key")
    together = pl.concat([splits, added.select(SPLITS.names)])
    write_splits(storage.url, together, options=options)
    return _summary(stored, together, findings[0])


def give_split(
    store_url: str | Path, path: Path, *, finding: str | None = None, replace: bool = False
) -> SplitSummary:
    """Keep a split in a store that somebody else has drawn, such as a published one.

    Args:
        store_url: The exam store.
        path: A CSV file, see :func:`~examwise.data.given_split.read_given_split`.
        finding: The finding to count in the summary; ``any`` if None.
        replace: Overwrite a different split.

    Raises:
        InputError: As :func:`~examwise.data.given_split.read_given_split` and
            :func:`write_splits` do; if the store has no label of the finding.
    """
    stored = _stored(store_url)
    if finding is not None:
        require_finding(stored, finding)
    splits = read_given_split(path, stored.exams)
    write_splits(store_url, splits, options={"given": file_digest(path)}, replace=replace)
    return _summary(stored, splits, finding or "any")


def _summary(stored: StoredExams, splits: pl.DataFrame, finding: str) -> SplitSummary:
    labelled = splits.join(exam_labels(stored, finding), on="exam_id")

    def count(expression: pl.Expr) -> dict[str, int]:
        return {
            part: int(labelled.filter(pl.col("split") == part).select(expression).item())
            for part in PARTS
        }

    n_exams = count(pl.len())
    return SplitSummary(
        n_patients=count(pl.col("patient_key").n_unique()),
        n_exams=n_exams,
        empty_parts=tuple(part for part in PARTS if not n_exams[part]),
        n_positive_exams=count((pl.col("exam_label") == 1).sum()),
    )
