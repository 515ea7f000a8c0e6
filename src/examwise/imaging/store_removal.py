"""Taking exams out of a store: their pixels, labels, boxes, masks, rows and parts."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import compress
from typing import Any

import polars as pl

from examwise.core.commits import CommitLog, CommitRecord
from examwise.core.digests import readable_json, sha256_hex
from examwise.core.errors import InputError
from examwise.core.manifest import MANIFEST
from examwise.core.schemas.annotations import MASKS
from examwise.core.schemas.store import EXAMS, PIXELS, SPLITS, SPLITS_OPTIONS
from examwise.core.storage import Storage
from examwise.imaging.store_history import StoreHistory, Tombstone, write_tombstone

WITHDRAWN = "withdrawn"
"""Reason of the files of a withdrawn exam."""

_EXAM_ITEMS = "exams/"
_KEPT_OF_FILES = ("path_digest", "import_index")


def withdraw(
    storage: Storage,
    history: StoreHistory,
    *,
    exam_ids: Collection[str] = (),
    patient_keys: Collection[str] = (),
) -> None:
    """Record which exams are withdrawn; nothing else changes yet.

    Args:
        storage: The store.
        history: What happened to it so far.
        exam_ids: Exams.
        patient_keys: Patients all of whose exams are withdrawn.

    Raises:
        InputError: If the store has, and had, no such exam or patient; then nothing is recorded.
    """
    log = CommitLog(storage)
    recorded = {item.removeprefix(_EXAM_ITEMS) for item in log.items() if "exams/" in item}
    unknown = {*exam_ids} - recorded - {*history.removed}
    patient_of = dict(EXAMS.read(storage).select("exam_id", "patient_key").iter_rows())
    gone = {dead.patient_key for dead in history.tombstones}
    lost = {*patient_keys} - {*patient_of.values()} - gone
    for what, strange in (("exam", unknown), ("patient", lost)):
        if strange:
            raise InputError(
                where=storage.url,
                expected=f"{what}s of this store, by their pseudonyms",
                got=f"{len(strange)} that it does not have",
                remedy="look them up in its exams.parquet, or in the crosswalk beside your key",
            )
    whole = {exam_id for exam_id, patient in patient_of.items() if patient in patient_keys}
    for exam_id in sorted(({*exam_ids} | whole) & recorded - {*history.removed}):
        record = log.read(f"{_EXAM_ITEMS}{exam_id}")
        patient_key = str(record.payload["exams"]["patient_key"][0])
        write_tombstone(
            storage,
            Tombstone(
                exam_id=exam_id,
                patient_key=patient_key,
                whole_patient=patient_key in patient_keys,
                files=_left_out(record.payload.get("files", {})),
                study_id=next(iter(record.payload.get("series", {}).get("study_id", ())), None),
            ),
        )
    for dead in history.tombstones:
        if dead.patient_key in patient_keys and not dead.whole_patient:
            # Withdrawn before by the exam alone; now no later one of the patient may come in.
            write_tombstone(storage, replace(dead, whole_patient=True), again=True)


def take_out(storage: Storage, history: StoreHistory) -> None:
    """Take everything of withdrawn exams out of a store, tables and manifest apart.

    The manifest goes first, so that nobody reads what is half gone. May be repeated.

    Args:
        storage: The store.
        history: What happened to it, the withdrawal included.
    """
    storage.delete(MANIFEST)
    delete_objects(storage, history)
    log, removed = CommitLog(storage), {*history.removed}
    for item in log.items():
        if not item.startswith(_EXAM_ITEMS):
            _rewrite(log, log.read(item), removed)
    _take_out_of_splits(storage, removed)


def delete_objects(storage: Storage, history: StoreHistory) -> None:
    """Delete pixels, masks and commit records of withdrawn exams, come back or never gone."""
    for exam_id in history.removed:
        storage.delete_all(f"{PIXELS}/{exam_id}")
        storage.delete_all(f"{MASKS}/{exam_id}")
        CommitLog(storage).remove(f"{_EXAM_ITEMS}{exam_id}")


def _rewrite(log: CommitLog, record: CommitRecord, removed: set[str]) -> None:
    payload = dict(record.payload)
    if "files" in payload:
        payload["files"] = _left_out(payload["files"], removed)
    for name in ("labels", "series"):
        if name in payload:
            payload[name] = _without(payload[name], removed)
    if "examples" in payload:
        examples = {
            code: [one for one in found if one not in removed]
            for code, found in payload["examples"].items()
        }
        payload["examples"] = {code: found for code, found in examples.items() if found}
    if payload != record.payload:
        log.commit(record.item, objects={}, payload=payload)


def _left_out(
    files: Mapping[str, Sequence[Any]], removed: Collection[str] | None = None
) -> dict[str, list[Any]]:
    """Return rows of files, of which those of withdrawn exams, or all, are left out."""
    if not files:
        return {}
    is_gone = [removed is None or exam_id in removed for exam_id in files["exam_id"]]
    said = {"status": "left_out", "reason": WITHDRAWN}
    return {
        name: [
            said.get(name) if gone and name not in _KEPT_OF_FILES else value
            for value, gone in zip(values, is_gone, strict=True)
        ]
        for name, values in files.items()
    }


def _without(columns: Mapping[str, Sequence[Any]], removed: Collection[str]) -> dict[str, Any]:
    """Return rows without those of withdrawn exams."""
    stays = [exam_id not in removed for exam_id in columns["exam_id"]]
    return {name: list(compress(values, stays)) for name, values in columns.items()}


def _take_out_of_splits(storage: Storage, removed: set[str]) -> None:
    if not storage.exists(SPLITS.file):
        return
    before = sha256_hex(storage.read(SPLITS.file))
    splits = SPLITS.read(storage)
    staying = splits.filter(~pl.col("exam_id").is_in(sorted(removed)))
    if staying.height == splits.height:
        return
    data = SPLITS.to_bytes(staying)
    if storage.exists(SPLITS_OPTIONS):
        options = json.loads(storage.read(SPLITS_OPTIONS))
        # The digest first: between the two writes it says which table it was made from.
        if before == options.get("sha256"):
            digests = {"sha256": sha256_hex(data), "before": before}
            storage.write(SPLITS_OPTIONS, readable_json({**options, **digests}))
    storage.write(SPLITS.file, data)
