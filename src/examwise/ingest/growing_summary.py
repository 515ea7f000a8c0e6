"""What a store holds after several imports, and what each of them brought."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from examwise.core.commits import CommitLog, CommitRecord
from examwise.core.storage import Storage
from examwise.imaging.store_history import StoreHistory, import_of
from examwise.ingest.archive_labels import ArchiveLabels
from examwise.ingest.summary import (
    SUMMARY,
    IngestSummary,
    read_summary,
    summarise,
    write_summary,
)

_NOTHING = IngestSummary(n_exams=0, n_slices=0, n_patients=0, n_files=0, n_used=0)


def summarise_import(
    storage: Storage, index: int, labels: ArchiveLabels, *, n_labels_in_no_exam: int
) -> IngestSummary:
    """Count what one import brought, by its commit records."""
    records = (record for record in CommitLog(storage) if import_of(record) == index)
    return summarise(records, labels, n_labels_in_no_exam=n_labels_in_no_exam)


def summarise_store(
    storage: Storage, index: int, latest: IngestSummary, before: IngestSummary
) -> IngestSummary:
    """Count what a store holds after an addition.

    Args:
        storage: The store.
        index: Which import the addition is.
        latest: What it brought.
        before: The summary so far, which may be this one already where an end was interrupted.
    """
    earlier = list(before.imports)[:index] or [_part(before)]
    return dataclasses.replace(latest, **_counted(storage), imports=(*earlier, _part(latest)))


def restore_summary(storage: Storage, index: int) -> None:
    """Write the summary as it was before an addition, whose commit records are gone.

    Args:
        storage: The store.
        index: Which import the addition was.
    """
    there = read_growing_summary(storage)
    if len(there.imports) <= index:
        return  # the addition did not come so far
    before = IngestSummary(**there.imports[index - 1])
    if index > 1:
        earlier = there.imports[:index]
        before = dataclasses.replace(before, **_counted(storage), imports=earlier)
    if before == _NOTHING:
        storage.delete(SUMMARY)  # it had none
    else:
        write_summary(storage, before)


def summarise_rest(storage: Storage, before: IngestSummary) -> IngestSummary:
    """Count what a store holds after exams were withdrawn; no example names one of these."""
    removed = {*StoreHistory(storage).removed}

    def kept(examples: dict[str, list[str]]) -> dict[str, list[str]]:
        found = {code: [one for one in of if one not in removed] for code, of in examples.items()}
        return {code: of for code, of in found.items() if of}

    parts = [{**part, "examples": kept(part["examples"])} for part in before.imports]
    return dataclasses.replace(
        before, **_counted(storage), examples=kept(dict(before.examples)), imports=tuple(parts)
    )


def read_growing_summary(storage: Storage) -> IngestSummary:
    """Return a store's summary; one that counts nothing where it has none."""
    try:
        return read_summary(storage)
    except FileNotFoundError:
        return _NOTHING


def _part(summary: IngestSummary) -> dict[str, Any]:
    values = dataclasses.asdict(summary)
    del values["imports"]
    return values


def _counted(storage: Storage) -> dict[str, Any]:
    found = summarise(_records(storage), ArchiveLabels(), n_labels_in_no_exam=0)
    names = ("n_exams", "n_slices", "n_patients", "n_files", "n_used", "left_out", "set_aside")
    return {name: getattr(found, name) for name in (*names, "n_labels", "n_unlabelled_exams")}


def _records(storage: Storage) -> Iterator[CommitRecord]:
    yield from CommitLog(storage)
    for dead in StoreHistory(storage).tombstones:
        yield CommitRecord(f"removed/{dead.exam_id}", payload={"files": dead.files})
