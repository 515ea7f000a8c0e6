"""Re-reading one exam of a store: its commit record, its bytes, its pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.core.commits import CommitLog, CommitRecord
from examwise.core.digests import crc32c
from examwise.core.errors import IntegrityError
from examwise.core.schemas.annotations import mask_shard_key
from examwise.core.schemas.store import PIXELS, shard_key
from examwise.core.storage import Storage
from examwise.core.tables import TableSchema
from examwise.imaging.hu_check import HuFacts, hu_facts, hu_faults
from examwise.imaging.shards import decode_mask, decode_slice
from examwise.imaging.store_faults import Fault, some
from examwise.imaging.store_tables import OPTIONAL_TABLES, STORE_TABLES

_CHECKSUM_BYTES = 4
_WHOLE_TABLES = ("exams", "slices")
RECORDED = {**STORE_TABLES, "boxes": OPTIONAL_TABLES["boxes"]}
"""Tables whose rows stand in commit records."""


@dataclass(frozen=True)
class ExamRows:
    """One exam, and its rows in the store's tables.

    Attributes:
        exam_id: The exam.
        tables: Name of a table to the exam's rows in it.
    """

    exam_id: str
    tables: Mapping[str, pl.DataFrame]


@dataclass(frozen=True, eq=False)
class ExamCheck:
    """What became of re-reading an exam.

    Attributes:
        exam_id: The exam.
        faults: What is wrong.
        doubts: What is unusual.
        hu: Its values; None where they were not decoded, or not all could be.
        n_bytes: Size of its shard.
        n_files: Files that its commit record speaks of.
    """

    exam_id: str
    faults: list[Fault] = field(default_factory=list)
    doubts: list[Fault] = field(default_factory=list)
    hu: HuFacts | None = None
    n_bytes: int = 0
    n_files: int = 0


def check_exam(store: str, decode: bool, rows: ExamRows) -> ExamCheck:
    """Compare an exam's rows with its commit record, and its bytes with their checksums.

    Args:
        store: URL of the store.
        decode: Whether to decode pixels, too.
        rows: The exam.
    """
    storage = Storage(store)
    exam_id = rows.exam_id
    faults: list[Fault] = []
    record = _record(storage, f"exams/{exam_id}", faults, exam_id)
    if record is not None:
        faults += record_faults(record, rows.tables, exam_id=exam_id)
    key, mask_key = shard_key(exam_id), mask_shard_key(exam_id)
    known = {} if record is None else dict(record.objects)
    found: dict[str, bytes] = {}
    for name in dict.fromkeys((f"{PIXELS}/{exam_id}/zarr.json", key, *known)):
        try:
            data = storage.read(name)
        except OSError as error:
            what = "none" if isinstance(error, FileNotFoundError) else "one that cannot be read"
            faults.append(_fault("object", name, exam_id, "an object of the exam", what))
            continue
        if name in (key, mask_key):
            found[name] = data
        if known.get(name, (len(data), crc32c(data))) != (len(data), crc32c(data)):
            expected = f"the {known[name][0]} bytes once written"
            got = "others, by their CRC-32C" if len(data) == known[name][0] else f"{len(data)}"
            faults.append(_fault("object", name, exam_id, expected, got))
    shape = _shape(rows.tables["exams"])
    hu = None
    doubts: list[Fault] = []
    if key in found:
        pixels, damaged = _slices(found[key], rows.tables["slices"], shape, decode=decode)
        if damaged:
            got = f"others in slices {some(damaged)}"
            expected = "slices with the checksum of slices.parquet that can be decoded"
            faults.append(_fault("slice", key, exam_id, expected, got))
        elif pixels is not None and pixels.size:
            hu = hu_facts(pixels)
            wrong, doubts = hu_faults(hu, file=PIXELS, exam_id=exam_id)
            faults += wrong
    if mask_key in found and decode:
        try:
            decode_mask(found[mask_key], shape=shape, where=mask_key)
        except (IntegrityError, RuntimeError, ValueError):
            expected, got = "a mask of the exam's shape", "one that cannot be decoded"
            faults.append(_fault("mask", mask_key, exam_id, expected, got))
    n_files = 0 if record is None else n_recorded_files(record)
    return ExamCheck(exam_id, faults, doubts, hu, len(found.get(key, b"")), n_files)


def n_recorded_files(record: CommitRecord) -> int:
    """Return the number of files that a commit record speaks of."""
    return len(record.payload.get("files", {}).get("path_digest", ()))


def record_faults(
    record: CommitRecord, tables: Mapping[str, pl.DataFrame], *, exam_id: str | None = None
) -> list[Fault]:
    """Return where tables lack what a commit record says, or say more of an exam or its slices.

    Args:
        record: The record.
        tables: Name to table, of all tables that could be read; at least the rows of the item.
        exam_id: The exam, where the record is of one.
    """
    faults = []
    for name, schema in RECORDED.items():
        if name not in tables and name in STORE_TABLES:
            continue  # the table itself is at fault
        try:
            recorded = pl.DataFrame(record.payload.get(name, {}), schema=schema.dtypes)
        except (TypeError, ValueError, LookupError, pl.exceptions.PolarsError):
            got = f"rows of {schema.file} that are none"
            faults.append(_fault("record", _key(record.item), exam_id, "a commit record", got))
            continue
        stored = tables.get(name, schema.frame([]))
        if name == "series":
            recorded = _not_superseded(recorded, stored)
        whole = exam_id is not None and name in _WHOLE_TABLES
        if recorded.is_empty() and not whole:
            continue
        if what := _difference(recorded, stored, schema, whole=whole):
            expected = "the rows once committed"
            faults.append(_fault("rows", schema.file, exam_id, expected, what))
    return faults


def _not_superseded(recorded: pl.DataFrame, stored: pl.DataFrame) -> pl.DataFrame:
    """Leave out series of which a later import has brought more."""
    later = stored.select("series_id", later=pl.col("import_index"))
    return (
        recorded.join(later, on="series_id", how="left")
        .filter(~(pl.col("later") > pl.col("import_index")).fill_null(value=False))
        .drop("later")
    )


def _difference(
    recorded: pl.DataFrame, stored: pl.DataFrame, schema: TableSchema, *, whole: bool
) -> str:
    if whole and recorded.height != stored.height:
        return f"{stored.height} rows where there were {recorded.height}"
    if whole:
        columns = [name for name in schema.names if not recorded[name].equals(stored[name])]
        return f"others in the columns {', '.join(columns)}" if columns else ""
    once = recorded.group_by(schema.names).agg(pl.len().alias("n_rows"))
    now = stored.group_by(schema.names).agg(pl.len().alias("n_now"))
    lost = once.join(now, on=schema.names, how="left", nulls_equal=True).select(
        (pl.col("n_rows").cast(pl.Int64) - pl.col("n_now").fill_null(0)).clip(0).sum()
    )
    n_lost = int(lost.item())
    return f"{n_lost} of {recorded.height} missing or changed" if n_lost else ""


def _slices(
    shard: bytes, slices: pl.DataFrame, shape: tuple[int, int, int], *, decode: bool
) -> tuple[npt.NDArray[np.int16] | None, list[int]]:
    """Check every slice's bytes; return the pixels, if wanted and whole, and damaged slices."""
    damaged = []
    pixels = np.empty((slices.height, *shape[1:]), np.int16) if decode else None
    columns = ("slice_index", "offset", "length", "crc32c")
    for place, (index, offset, length, checksum) in enumerate(slices.select(columns).iter_rows()):
        data = shard[offset : offset + length]
        if len(data) != length or crc32c(data[:-_CHECKSUM_BYTES]) != checksum:
            damaged.append(index)
        elif pixels is not None:
            try:
                pixels[place] = decode_slice(
                    data, rows=shape[1], columns=shape[2], checksum=checksum, where=""
                )
            except (IntegrityError, RuntimeError, ValueError):
                damaged.append(index)
    return pixels, damaged


def _shape(exams: pl.DataFrame) -> tuple[int, int, int]:
    n_slices, rows, columns = exams.select("n_slices", "rows", "columns").row(0)
    return n_slices, rows, columns


def _record(
    storage: Storage, item: str, faults: list[Fault], exam_id: str | None
) -> CommitRecord | None:
    try:
        return CommitLog(storage).read(item)
    except FileNotFoundError:
        got = "none"
    except (IntegrityError, OSError):
        got = "one that cannot be read"
    faults.append(_fault("record", _key(item), exam_id, "a commit record", got))
    return None


def _key(item: str) -> str:
    return f"commits/{item}.json"


def _fault(code: str, file: str, exam_id: str | None, expected: str, got: str) -> Fault:
    named = exam_id is None or exam_id in file
    where = file if named else f"{file}, exam {exam_id}"
    return Fault(code, where, expected, got, exam_id=exam_id)
