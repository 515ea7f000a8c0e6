"""Withdrawing exams from a store, and from the crosswalks that lead back from it."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from examwise.core.errors import InputError
from examwise.core.identity import Identity
from examwise.core.manifest import BEGUN
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.core.writer_lock import sole_writer
from examwise.imaging.store_history import StoreHistory, require_changeable
from examwise.imaging.store_removal import delete_objects, take_out, withdraw
from examwise.imaging.store_soundness import require_sound
from examwise.imaging.store_writer import finish_store
from examwise.ingest.crosswalk import without_exams
from examwise.ingest.growing_summary import read_growing_summary, summarise_rest
from examwise.ingest.header_index import forget_headers
from examwise.ingest.summary import SUMMARY, IngestSummary, write_summary


@dataclass(frozen=True)
class Removal:
    """What a withdrawal came to.

    Attributes:
        exam_ids: The exams that were asked for, or belong to the patients asked for.
        patient_keys: Their patients.
        n_removed: How many of the exams were still in the store.
        n_crosswalks: Crosswalks of the store from which they were taken.
        n_lost_crosswalks: Crosswalks of the store that this identity folder does not have.
        store: What the store holds now.
    """

    exam_ids: tuple[str, ...]
    patient_keys: tuple[str, ...]
    n_removed: int
    n_crosswalks: int
    n_lost_crosswalks: int
    store: IngestSummary


def remove_exams(
    store: str | Path,
    *,
    identity: Identity,
    exam_ids: Collection[str] = (),
    patient_keys: Collection[str] = (),
) -> Removal:
    """Take exams out of a store, for good: no later import of the same source brings them back.

    Pixels, masks, labels, boxes, parts and rows go; of the files it stays on record that they
    were withdrawn, by the digests of their paths. Interrupted, the same command goes on where it
    was; exams withdrawn before are no fault.

    Args:
        store: Folder or URL of the store.
        identity: Where the store's crosswalks are kept; the key itself is not needed.
        exam_ids: Exams.
        patient_keys: Patients all of whose exams go; later exams of theirs stay out, too.

    Raises:
        InputError: If nothing is named, the store has no such exam or patient, it is not finished,
            damaged, another change of it is unfinished, or another process writes it.
    """
    if not exam_ids and not patient_keys:
        raise InputError(
            where="examwise remove",
            expected="an exam or a patient to withdraw",
            got="none",
            remedy="name them by --exam or --patient",
        )
    storage = Storage(str(store))
    require_changeable(storage, allowed="removal")  # before anything is made there
    with sole_writer(storage):
        history = require_changeable(storage, allowed="removal")
        require_sound(storage, removed=history.removed)
        withdraw(storage, history, exam_ids=exam_ids, patient_keys=patient_keys)
        after = StoreHistory(storage)
        found, lost = _crosswalks(storage, after, identity)
        if after.pending:
            take_out(storage, after)
        else:  # a worker that was given up may have written late
            delete_objects(storage, after)
        _take_out_of_crosswalks(identity, found, after.removed)
        if after.pending:
            forget_headers(identity)  # a convenience that holds identities
            _finish(storage)
    asked = [
        dead
        for dead in after.tombstones
        if dead.exam_id in exam_ids or dead.patient_key in patient_keys
    ]
    return Removal(
        exam_ids=tuple(dead.exam_id for dead in asked),
        patient_keys=tuple(sorted({dead.patient_key for dead in asked})),
        n_removed=len({*after.removed} - {*history.removed}),
        n_crosswalks=len(found),
        n_lost_crosswalks=len(lost),
        store=read_growing_summary(storage),
    )


def _finish(storage: Storage) -> None:
    if storage.exists(SUMMARY):
        write_summary(storage, summarise_rest(storage, read_growing_summary(storage)))
    finish_store(Stage.reopen(storage.url))


def _crosswalks(
    storage: Storage, history: StoreHistory, identity: Identity
) -> tuple[list[str], list[str]]:
    """Return the names of the crosswalks that the identity folder has, and of the others."""
    first = json.loads(storage.read(BEGUN))
    configurations = [first["configuration"], *(one["configuration"] for one in history.imports)]
    names = [str(one["store_id"]) for one in configurations if "store_id" in one]
    found = [name for name in names if identity.has_crosswalk(name)]
    return found, [name for name in names if name not in found]


def _take_out_of_crosswalks(
    identity: Identity, store_ids: Collection[str], removed: Collection[str]
) -> None:
    """Take exams out of all crosswalks together: one may know a patient only by other files."""
    walks = {store_id: identity.read_crosswalk(store_id) for store_id in store_ids}
    digests = {
        store_id: walk.filter(pl.col("exam_id").is_in([*removed]))["path_digest"]
        for store_id, walk in walks.items()
    }
    if not any(found.len() for found in digests.values()):
        return
    staying = without_exams(pl.concat(walks.values()), pl.concat(digests.values()))["path_digest"]
    # Those that name the exams last: they tell the same command what is to go from the others.
    for store_id in sorted(walks, key=lambda name: digests[name].len() > 0):
        kept = walks[store_id].filter(pl.col("path_digest").is_in(staying.implode()))
        if kept.height < walks[store_id].height:
            identity.write_crosswalk(store_id, kept)
