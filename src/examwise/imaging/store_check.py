"""Re-reading a whole store: all that is wrong with it, not only the first thing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.core.commits import CommitLog
from examwise.core.digests import sha256_hex
from examwise.core.errors import InputError, IntegrityError
from examwise.core.executors.protocol import Executor
from examwise.core.executors.serial import SerialExecutor
from examwise.core.manifest import BEGUN, Manifest, read_manifest
from examwise.core.progress import Progress
from examwise.core.schemas.store import FILES, INGEST_SUMMARY, PIXELS, SPLITS, SPLITS_OPTIONS
from examwise.core.storage import Storage
from examwise.imaging.hu_check import HuFacts
from examwise.imaging.store_exam_check import (
    RECORDED,
    ExamRows,
    check_exam,
    n_recorded_files,
    record_faults,
)
from examwise.imaging.store_faults import Fault
from examwise.imaging.store_history_check import (
    check_history,
    is_unfinished,
    kept_back_faults,
    stray_doubts,
)
from examwise.imaging.store_table_check import table_faults
from examwise.imaging.store_tables import STORE_TABLES, read_tables

_EXAM_ITEMS = "exams/"


@dataclass(frozen=True, eq=False)
class PixelFacts:
    """What decoding all pixels of a store came to.

    Attributes:
        counts: Pixels by bin of HU, int64, shape (N_BINS,).
        lowest_hu: Smallest value.
        highest_hu: Largest value.
    """

    counts: npt.NDArray[np.int64]
    lowest_hu: int
    highest_hu: int


@dataclass(frozen=True, eq=False)
class StoreCheck:
    """What became of re-reading a store.

    Attributes:
        faults: What is wrong, by file and exam.
        doubts: What is unusual, by exam.
        tables_are_whole: Whether the tables can be relied on, so that a fingerprint can be taken.
        pixels: What the pixels came to; None where they were not decoded.
        n_bytes: Size of all shards.
    """

    faults: tuple[Fault, ...]
    doubts: tuple[Fault, ...]
    tables_are_whole: bool
    pixels: PixelFacts | None
    n_bytes: int


def check_store(
    url: str | Path, *, executor: Executor, progress: Progress, decode: bool = True
) -> StoreCheck:
    """Re-read a store: manifest, tables, commit records, every byte and every pixel.

    Args:
        url: The store.
        executor: Where to read exams; a store in one process's memory is read there.
        progress: Where to report to.
        decode: Whether to decode pixels; their checksums are compared in any case.

    Raises:
        InputError: If there is no finished exam store at ``url``.
        SchemaError: If its manifest cannot be read, or is of another version.
    """
    storage = Storage(url)
    manifest = read_manifest(url, kind="exam-store")
    faults = _manifest_faults(storage, manifest)
    tables, broken = read_tables(storage)
    broken += table_faults(tables)
    history = check_history(storage, manifest, tables)
    lost, n_files = _item_faults(storage, tables, history.unfinished_import)
    n_files += history.n_files
    faults += [*broken, *lost, *history.faults, *_count_faults(storage, tables)]
    faults += kept_back_faults(storage)
    if not storage.exists(f"{PIXELS}/zarr.json"):
        faults.append(Fault("object", f"{PIXELS}/zarr.json", "the group of all exams", "no file"))
    exam_faults: list[Fault] = []
    doubts = list(history.doubts)
    if "exams" in tables:
        known = frozenset(tables["exams"]["exam_id"].to_list())
        doubts += stray_doubts(storage, known, unfinished=history.unfinished_import > 0)
    pixels: PixelFacts | None = None
    n_bytes = 0
    if "exams" in tables and "slices" in tables:
        where = executor if storage.shared else SerialExecutor()
        work = partial(check_exam, storage.url, decode)
        with progress.track("Re-reading exams", tables["exams"]["exam_id"].n_unique()) as advance:
            for check in where.map(work, _exam_rows(tables)):
                exam_faults += check.faults
                doubts += check.doubts
                pixels = pixels if check.hu is None else _with(pixels, check.hu)
                n_bytes += check.n_bytes
                n_files += check.n_files
                advance()
        exam_faults.sort(key=lambda fault: (fault.exam_id or "", fault.code, fault.where))
        is_recorded = not lost and all(fault.code != "record" for fault in exam_faults)
        if is_recorded and "files" in tables and tables["files"].height > n_files:
            n_more = tables["files"].height - n_files
            faults.append(Fault("rows", FILES.file, "the rows once committed", f"{n_more} more"))
    faults += exam_faults
    if manifest.imports:  # exams that were added have no part until the store is split again
        doubts += [fault for fault in faults if fault.code == "split_missing"]
        faults = [fault for fault in faults if fault.code != "split_missing"]
    # What is wrong in a table says more than that the table has changed.
    named = {fault.where.partition(",")[0] for fault in faults if fault.code != "digest"}
    faults = [
        fault
        for fault in faults
        if fault.code != "digest" or fault.where not in named - {SPLITS.file}
    ]
    return StoreCheck(
        faults=tuple(faults),
        doubts=tuple(sorted(doubts, key=lambda doubt: (doubt.exam_id or "", doubt.code))),
        tables_are_whole=not (broken or lost or any(fault.code == "rows" for fault in faults)),
        pixels=pixels,
        n_bytes=n_bytes,
    )


def _with(pixels: PixelFacts | None, hu: HuFacts) -> PixelFacts:
    if pixels is None:
        return PixelFacts(hu.counts, hu.lowest_hu, hu.highest_hu)
    return PixelFacts(
        pixels.counts + hu.counts,
        min(pixels.lowest_hu, hu.lowest_hu),
        max(pixels.highest_hu, hu.highest_hu),
    )


def _manifest_faults(storage: Storage, manifest: Manifest) -> list[Fault]:
    faults = []
    for key in manifest.outputs:
        try:
            manifest.read_output(storage, key)
        except InputError as error:
            faults.append(Fault("digest", key, error.expected, error.got))
    expected = "the options of manifest.json"
    begun = _json(storage, BEGUN)
    names = ("kind", "schema_version", "configuration", "inputs", "seed")
    differing = [name for name in names if begun.get(name) != getattr(manifest, name)]
    if differing:
        faults.append(Fault("stage", BEGUN, expected, "others: " + ", ".join(differing)))
    if storage.exists(SPLITS.file):
        options = _json(storage, SPLITS_OPTIONS)
        if options.get("sha256") != sha256_hex(storage.read(SPLITS.file)):
            remedy = "restore both files, or split the store again: examwise split STORE --replace"
            expected = f"the table whose digest {SPLITS_OPTIONS} holds"
            faults.append(Fault("digest", SPLITS.file, expected, "another, or no digest", remedy))
    return faults


def _item_faults(
    storage: Storage, tables: Mapping[str, pl.DataFrame], unfinished_import: int
) -> tuple[list[Fault], int]:
    """Compare which exams have a record, and all records of no exam; count their files."""
    log = CommitLog(storage)
    items = log.items()
    faults = []
    if "exams" in tables:
        recorded = {
            item.removeprefix(_EXAM_ITEMS) for item in items if item.startswith(_EXAM_ITEMS)
        }
        for exam_id in sorted(recorded - set(tables["exams"]["exam_id"].to_list())):
            if unfinished_import and _is_of(log, f"{_EXAM_ITEMS}{exam_id}", unfinished_import):
                continue
            where, expected = f"exams.parquet, exam {exam_id}", "every exam that has a record"
            faults.append(Fault("rows", where, expected, "none of this exam", exam_id=exam_id))
    n_files = 0
    for item in items:
        if item.startswith(_EXAM_ITEMS):
            continue
        try:
            record = log.read(item)
        except (IntegrityError, OSError):
            got = "one that cannot be read"
            faults.append(Fault("record", f"commits/{item}.json", "a commit record", got))
            continue
        if is_unfinished(record, unfinished_import):
            continue
        n_files += n_recorded_files(record)
        faults += record_faults(record, tables)
    return faults, n_files


def _is_of(log: CommitLog, item: str, unfinished_import: int) -> bool:
    try:
        return is_unfinished(log.read(item), unfinished_import)
    except (IntegrityError, OSError):
        return False


def _count_faults(storage: Storage, tables: Mapping[str, pl.DataFrame]) -> list[Fault]:
    """Compare the tables with the counts that the import ended with."""
    if not storage.exists(INGEST_SUMMARY) or not tables.keys() >= STORE_TABLES.keys():
        return []
    summary = _json(storage, INGEST_SUMMARY)
    files = tables["files"]
    found: dict[str, Any] = {
        "n_exams": tables["exams"].height,
        "n_slices": tables["slices"].height,
        "n_patients": tables["exams"]["patient_key"].n_unique(),
        "n_files": files.height,
        "n_used": files.filter(pl.col("status") == "used").height,
        **{
            status: dict(
                files.filter(pl.col("status") == status).group_by("reason").len().iter_rows()
            )
            for status in ("left_out", "set_aside")
        },
    }
    return [
        Fault("count", INGEST_SUMMARY, f"{name} of the tables, {number}", str(summary.get(name)))
        for name, number in found.items()
        if summary.get(name) != number
    ]


def _exam_rows(tables: Mapping[str, pl.DataFrame]) -> Iterator[ExamRows]:
    """Yield each exam with its rows; tables are sorted once and then only sliced."""
    names = [name for name in RECORDED if name in tables]
    ordered = {
        name: tables[name].filter(pl.col("exam_id").is_not_null()).sort(
            "exam_id", maintain_order=True
        )
        for name in names
    }  # fmt: skip
    places: dict[str, dict[str, tuple[int, int]]] = {}
    for name, frame in ordered.items():
        runs = frame.group_by("exam_id", maintain_order=True).len()
        ends = runs["len"].cum_sum()
        places[name] = {
            exam_id: (end - length, length)
            for exam_id, length, end in zip(runs["exam_id"], runs["len"], ends, strict=True)
        }
    for exam_id in places["exams"]:
        yield ExamRows(
            exam_id,
            {name: ordered[name].slice(*places[name].get(exam_id, (0, 0))) for name in names},
        )


def _json(storage: Storage, key: str) -> dict[str, Any]:
    """Return an object that is JSON; nothing where it is none."""
    try:
        found = json.loads(storage.read(key))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
