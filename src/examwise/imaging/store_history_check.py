"""Whether a store agrees with what was added to it and withdrawn, and holds nothing else."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from examwise.core.commits import PREFIX, CommitLog, CommitRecord
from examwise.core.errors import IntegrityError
from examwise.core.manifest import BEGUN, MANIFEST, Manifest
from examwise.core.schemas.annotations import BOXES, MASKS
from examwise.core.schemas.store import (
    CROSSWALK,
    FILES,
    INGEST_SUMMARY,
    PIXELS,
    SPLITS,
    SPLITS_OPTIONS,
)
from examwise.core.stage import PROVENANCE
from examwise.core.storage import Storage
from examwise.imaging.store_exam_check import n_recorded_files, record_faults
from examwise.imaging.store_faults import Fault
from examwise.imaging.store_history import IMPORTS, REMOVED, StoreHistory, import_key, import_of
from examwise.imaging.store_tables import STORE_TABLES

_SINGLE = frozenset(
    {
        *(BEGUN, MANIFEST, PROVENANCE, INGEST_SUMMARY, SPLITS.file, SPLITS_OPTIONS, BOXES.file),
        *(f"{group}/zarr.json" for group in (PIXELS, MASKS)),
        *(schema.file for schema in STORE_TABLES.values()),
    }
)
_OBJECT = re.compile(rf"(?:{re.escape(PIXELS)}|{re.escape(MASKS)})/([^/]+)/(?:zarr\.json|c/0/0/0)")
_RECORD = re.compile(rf"{PREFIX}/(?:exams|files|labels)/[^/]+\.json")
_CHANGE = re.compile(rf"(?:{IMPORTS}/[0-9]+|{REMOVED}/[^/]+)\.json")
_KEPT_BACK = frozenset({"key", CROSSWALK.file})
_GO_ON = "run the command that began it again; it goes on where it was"


@dataclass(frozen=True)
class HistoryCheck:
    """What became of comparing a store with its history.

    Attributes:
        faults: What is wrong.
        doubts: What is unusual.
        n_files: Files that records of withdrawn exams account for.
        unfinished_import: The addition that is not finished; 0 if there is none.
    """

    faults: list[Fault]
    doubts: list[Fault]
    n_files: int = 0
    unfinished_import: int = 0


def check_history(
    storage: Storage, manifest: Manifest, tables: Mapping[str, pl.DataFrame]
) -> HistoryCheck:
    """Compare a store with the records of what was added to it and withdrawn from it.

    Args:
        storage: The store.
        manifest: Its manifest.
        tables: Name to table, of those that could be read.
    """
    history = StoreHistory(storage)
    try:
        imports, tombstones, pending = history.imports, history.tombstones, history.pending
    except (IntegrityError, OSError) as error:
        where = f"{IMPORTS}/ and {REMOVED}/"
        got = getattr(error, "got", "one that cannot be read")
        return HistoryCheck([Fault("history", where, "records of changes", got)], [])
    faults: list[Fault] = []
    n_known = len(manifest.imports)
    for index in range(1, max(n_known, len(imports)) + 1):
        found = [record for record in imports if record["index"] == index]
        named = manifest.imports[index - 1 : index]
        if index <= n_known and [*named] != found:
            expected = f"the addition that {MANIFEST} names"
            faults.append(Fault("history", import_key(index), expected, "another, or none"))
    faults += _withdrawn_faults(storage, manifest, tables)
    n_files = 0
    for dead in tombstones:
        if dead.exam_id in manifest.removed:
            record = CommitRecord(f"{REMOVED}/{dead.exam_id}", payload={"files": dead.files})
            faults += record_faults(record, tables)
            n_files += n_recorded_files(record)
    if lost := {*manifest.removed} - {*history.removed}:
        expected = f"a record of every withdrawn exam that {MANIFEST} names"
        faults.append(Fault("history", f"{REMOVED}/", expected, f"none of {len(lost)}"))
    if "files" in tables and (tables["files"]["import_index"] > n_known).any():
        expected = f"files of the imports that {MANIFEST} names"
        faults.append(Fault("history", FILES.file, expected, "files of others"))
    doubts = []
    if pending:
        doubts.append(
            Fault("unfinished", storage.url, "a store whose last change is finished",
                  f"an unfinished {pending}; it reads as before that began", _GO_ON)
        )  # fmt: skip
    unfinished = len(imports) if pending == "addition" else 0
    return HistoryCheck(faults, doubts, n_files, unfinished)


def _withdrawn_faults(
    storage: Storage, manifest: Manifest, tables: Mapping[str, pl.DataFrame]
) -> Iterator[Fault]:
    removed = pl.Series(manifest.removed, dtype=pl.String).implode()
    expected, remedy = "nothing of a withdrawn exam", "withdraw it again: examwise remove STORE"
    for name, table in tables.items():
        if "exam_id" in table.columns:
            for exam_id in table.filter(pl.col("exam_id").is_in(removed))["exam_id"].unique():
                where = f"{name}.parquet, exam {exam_id}"
                yield Fault("withdrawn", where, expected, "rows of it", remedy, exam_id)
    for exam_id in manifest.removed:
        if f"exams/{exam_id}" in CommitLog(storage) or storage.list(f"{PIXELS}/{exam_id}"):
            where = f"{PIXELS}, exam {exam_id}"
            yield Fault("withdrawn", where, expected, "objects of it", remedy, exam_id)


def kept_back_faults(storage: Storage) -> list[Fault]:
    """Return a fault for each kind of file that leads back to patients, and so is never shared."""
    names = Counter(key.rpartition("/")[2] for key in storage.list())
    remedy = "move it out, to a folder of your own, before anybody else is given the store"
    return [
        Fault("identity", storage.url, "nothing that leads back to patients",
              f"{names[name]} {'file' if names[name] == 1 else 'files'} named {name}", remedy)
        for name in sorted(_KEPT_BACK & {*names})
    ]  # fmt: skip


def stray_doubts(storage: Storage, known: frozenset[str], *, unfinished: bool) -> list[Fault]:
    """Return what the store holds beside what its records, tables and protocol name.

    Names of such files are not told: nobody knows what is in them.

    Args:
        storage: The store.
        known: Exams of the store.
        unfinished: Whether an addition is under way, which may have left objects so far.
    """
    doubts = []
    if not storage.exists(PROVENANCE):
        expected, remedy = "when and by which command it was written", "nothing depends on it"
        doubts.append(Fault("provenance", PROVENANCE, expected, "no file", remedy))
    strange: Counter[str] = Counter()
    for key in storage.list():
        if key.rpartition("/")[2] in _KEPT_BACK:
            continue
        if key in _SINGLE or _RECORD.fullmatch(key) or _CHANGE.fullmatch(key):
            continue
        of_exam = _OBJECT.fullmatch(key)
        if of_exam is None or not (unfinished or of_exam[1] in known):
            folder = next((top for top in (PIXELS, MASKS, PREFIX) if key.startswith(top)), "")
            strange[folder] += 1
    for folder, number in sorted(strange.items()):
        where = f"{folder}/" if folder else storage.url
        expected = "only files that records, tables and the protocol of a store name"
        remedy = "look at them; nothing in the store needs them"
        doubts.append(Fault("stray", where, expected, f"{number} others", remedy))
    return doubts


def is_unfinished(record: CommitRecord, unfinished_import: int) -> bool:
    """Tell whether a commit record belongs to an addition that is not finished."""
    return unfinished_import > 0 and import_of(record) == unfinished_import
