"""Bringing a store of an older schema to the present one, in place."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examwise import __version__
from examwise.core.commits import CommitLog, CommitRecord
from examwise.core.digests import readable_json
from examwise.core.errors import InputError, SchemaError
from examwise.core.manifest import BEGUN, MANIFEST, begun_kind
from examwise.core.schemas.manifest import MIGRATED_FROM, SCHEMA_VERSIONS
from examwise.core.schemas.store import FILES, SERIES
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.core.writer_lock import sole_writer
from examwise.imaging.store_soundness import require_sound
from examwise.imaging.store_writer import finish_store

_KIND = "exam-store"


@dataclass(frozen=True)
class Migration:
    """What a migration came to.

    Attributes:
        before: Schema version that the store had.
        now: Schema version that it has.
        n_records: Commit records that were brought to it.
    """

    before: int
    now: int
    n_records: int


def migrate_store(store: str | Path) -> Migration:
    """Bring a store to the present schema; a store that has it already is left as it is.

    Pixels, labels, boxes and masks stay as they are. From version 1 to 2 every file gets the
    number of its import (0), and ``series.parquet`` is made: a row for each exam that files tell
    of. Its study is missing, and series that became no exam have no row: only their headers knew.

    The manifest is the last thing written, so that readers refuse the store until all is in
    place, and the same command goes on where it was interrupted.

    Args:
        store: Folder or URL of the store.

    Raises:
        InputError: If there is no finished store, it is damaged, or another process writes it.
        SchemaError: If there is no way from its version.
    """
    storage = Storage(str(store))
    if begun_kind(storage.url) != _KIND or not storage.exists(MANIFEST):
        raise InputError(
            where=storage.url,
            expected="a finished exam store",
            got="an unfinished one" if begun_kind(storage.url) == _KIND else "none",
            remedy="finish it with the version of examwise that began it"
            if begun_kind(storage.url) == _KIND
            else "check the path",
        )
    version, now = _version(storage), SCHEMA_VERSIONS[_KIND]
    if version == now:
        return Migration(now, now, 0)
    if version not in MIGRATED_FROM[_KIND]:
        raise SchemaError(
            where=f"{storage.url}/{MANIFEST}",
            expected=f"schema version {now}, or an older one that can be brought to it",
            got=version,
            remedy="use the version of examwise that wrote it",
        )
    with sole_writer(storage):
        require_sound(storage, older_schema=True)
        log = CommitLog(storage)
        items = log.items()
        beside = _beside(log, items)
        n_records = sum(_migrate_record(storage, log.read(item), beside) for item in items)
        begun = json.loads(storage.read(BEGUN))
        whole = {**begun, "schema_version": now, "tool_version": __version__}
        storage.write(BEGUN, readable_json(whole))
        finish_store(Stage.reopen(storage.url), again=True)
    return Migration(version, now, n_records)


def _version(storage: Storage) -> int:
    try:
        return int(json.loads(storage.read(MANIFEST))["schema_version"])
    except (ValueError, KeyError, TypeError) as error:
        raise SchemaError(
            where=f"{storage.url}/{MANIFEST}", expected="a manifest", got="something else"
        ) from error


def _beside(log: CommitLog, items: list[str]) -> Counter[str]:
    """Count the files of exams that stand in records of no exam."""
    found: Counter[str] = Counter()
    for item in items:
        if not item.startswith("exams/"):
            of = log.read(item).payload.get("files", {}).get("exam_id", ())
            found.update(exam_id for exam_id in of if exam_id is not None)
    return found


def _migrate_record(storage: Storage, record: CommitRecord, beside: Mapping[str, int]) -> bool:
    """Bring one record to version 2; tell whether it was of version 1."""
    payload: dict[str, Any] = dict(record.payload)
    if "series" in payload:
        return False
    files = {name: list(values) for name, values in payload.get("files", {}).items()}
    n_files = len(files.get("path_digest", ()))
    payload["files"] = {
        **{name: [] for name in FILES.names},
        **files,
        "import_index": [0] * n_files,
    }
    rows = _series_rows(payload, n_files, beside) if "exams" in payload else []
    payload["series"] = SERIES.frame(rows).to_dict(as_series=False)
    CommitLog(storage).rewrite(CommitRecord(record.item, record.objects, payload))
    return True


def _series_rows(
    payload: Mapping[str, Any], n_files: int, beside: Mapping[str, int]
) -> list[dict[str, Any]]:
    exam = {name: values[0] for name, values in payload["exams"].items()}
    positions = payload["slices"]["position_mm"]
    number = n_files + beside.get(exam["exam_id"], 0)
    if not number:
        return []
    return [
        {
            "series_id": exam["exam_id"],
            "study_id": None,
            "exam_id": exam["exam_id"],
            "status": "used",
            "reason": "",
            "n_files": number,
            "n_positions": len(positions),
            "extent_mm": max(positions) - min(positions),
            "thickness_mm": exam["thickness_mm"],
            "kernel": exam["kernel"],
            "import_index": 0,
        }
    ]
