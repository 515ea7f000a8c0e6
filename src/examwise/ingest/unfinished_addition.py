"""Taking an unfinished addition back, such as where its source is gone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from examwise.core.commits import CommitLog
from examwise.core.errors import InputError
from examwise.core.identity import Identity
from examwise.core.manifest import MANIFEST
from examwise.core.schemas.annotations import MASKS
from examwise.core.schemas.store import EXAMS, LABELS, PIXELS
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.core.writer_lock import sole_writer
from examwise.imaging.store_history import StoreHistory, import_key, import_of, require_changeable
from examwise.imaging.store_soundness import require_sound
from examwise.imaging.store_writer import finish_store, labels_item
from examwise.ingest.growing_summary import read_growing_summary, restore_summary
from examwise.ingest.header_index import forget_headers
from examwise.ingest.summary import IngestSummary

_EXAM_ITEMS = "exams/"


@dataclass(frozen=True)
class TakenBack:
    """What taking an addition back came to.

    Attributes:
        index: Which import of the store it was.
        n_exams: How many of its exams were in place.
        store_id: Name of its crosswalk.
        had_crosswalk: Whether this identity folder had it.
        store: What the store holds, as before the addition.
    """

    index: int
    n_exams: int
    store_id: str
    had_crosswalk: bool
    store: IngestSummary


def take_back_addition(store: str | Path, *, identity: Identity) -> TakenBack:
    """Take an addition back that was interrupted, and leave the store as it was before.

    Its exams, labels and rows go, with its crosswalk and what is kept of headers beside the key.
    Where readers still see the store as it was nothing of that is touched; else the tables are
    built again. Interrupted, the same command goes on where it was.

    Args:
        store: Folder or URL of the store.
        identity: Where the store's crosswalks are kept; the key itself is not needed.

    Raises:
        InputError: If no addition is unfinished, the store is damaged, or another process writes
            it.
    """
    storage = Storage(str(store))
    _require_unfinished(storage)  # before anything is made there
    with sole_writer(storage):
        history = _require_unfinished(storage)
        require_sound(storage, removed=history.removed)
        record, log = history.imports[-1], CommitLog(storage)
        index, store_id = int(record["index"]), str(record["configuration"]["store_id"])
        items = _items(log, index)
        is_built = storage.exists(MANIFEST)
        exam_ids = [
            item.removeprefix(_EXAM_ITEMS) for item in items if item.startswith(_EXAM_ITEMS)
        ]
        if not is_built:
            _take_out_of_tables(storage, log, index, exam_ids)
        # Records before their objects: should the addition go on after all, it writes them again.
        for item in items:
            log.remove(item)
        _delete_objects(storage, log)
        had_crosswalk = identity.delete_crosswalk(store_id)
        forget_headers(identity)
        if not is_built:
            restore_summary(storage, index)
            earlier = StoreHistory(storage, n_imports=len(history.imports) - 1)
            finish_store(Stage.reopen(storage.url), history=earlier)
        storage.sweep()
        storage.delete(import_key(index))
    return TakenBack(
        index=index,
        n_exams=len(exam_ids),
        store_id=store_id,
        had_crosswalk=had_crosswalk,
        store=read_growing_summary(storage),
    )


def _require_unfinished(storage: Storage) -> StoreHistory:
    history = require_changeable(storage, allowed="addition")
    if history.pending != "addition":
        raise InputError(
            where=storage.url,
            expected="a store with an unfinished addition",
            got="none that is unfinished",
            remedy="finished additions stay; withdraw exams of theirs by --exam or --patient",
        )
    return history


def _items(log: CommitLog, index: int) -> list[str]:
    """Return what an import has committed."""
    rest = f"files/rest-{index}"  # it may have no row that says of which import it is
    return [item for item in log.items() if item == rest or import_of(log.read(item)) == index]


def _take_out_of_tables(
    storage: Storage, log: CommitLog, index: int, exam_ids: Collection[str]
) -> None:
    """Take exams and new labels out of tables that may have them already.

    While their records still tell them from exams that lost theirs, and from label events that
    were added by other means.
    """
    exams = EXAMS.read(storage)
    staying = exams.filter(~pl.col("exam_id").is_in([*exam_ids]))
    if staying.height < exams.height:
        EXAMS.write(storage, staying)
    item = labels_item(index)
    if item in log:
        labels, said = LABELS.read(storage), LABELS.frame(log.read(item).payload["labels"])
        # What was said before has another round: none of these is among it.
        kept = labels.join(said, on=LABELS.names, how="anti", nulls_equal=True)
        if kept.height < labels.height:
            LABELS.write(storage, kept)


def _delete_objects(storage: Storage, log: CommitLog) -> None:
    """Delete pixels and masks that no record names, such as of exams that were being written."""
    recorded = {item.removeprefix(_EXAM_ITEMS) for item in log.items()}
    for group in (PIXELS, MASKS):
        keys = storage.list(group)
        parts = [key.removeprefix(f"{group}/").partition("/") for key in keys]
        for exam_id in sorted({name for name, slash, _ in parts if slash} - recorded):
            storage.delete_all(f"{group}/{exam_id}")
        if not storage.list(group):
            storage.delete_all(group)  # on a local disk its empty folder
