"""Making the crosswalk of a finished import again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from examwise.core.commits import CommitLog
from examwise.core.identity import Identity
from examwise.core.schemas.store import EXAMS
from examwise.core.storage import Storage
from examwise.imaging.store_history import StoreHistory
from examwise.ingest.archive_labels import ArchiveLabels
from examwise.ingest.crosswalk import make_crosswalk, without_exams
from examwise.ingest.exam_items import ExamItem, make_exam_items, patient_key_of
from examwise.ingest.scan import ScannedFile


def renewed_crosswalk(
    storage: Storage, files: Sequence[ScannedFile], labels: ArchiveLabels, identity: Identity
) -> pl.DataFrame:
    """Return an import's crosswalk as it would be now, without exams withdrawn since.

    Args:
        storage: The store.
        files: All files of the source.
        labels: Its labels.
        identity: The site's key, as for that import.
    """
    walk = make_crosswalk(files, CommitLog(storage), identity)
    history = StoreHistory(storage)
    if not history.removed:
        return walk
    items = withdrawn_items(make_exam_items(files, labels, identity), history)
    staying = EXAMS.read(storage)["patient_key"].unique().to_list()
    return without_withdrawn(walk, files, items, history, staying=staying, identity=identity)


def without_withdrawn(
    walk: pl.DataFrame,
    files: Sequence[ScannedFile],
    items: Sequence[ExamItem],
    history: StoreHistory,
    *,
    staying: Iterable[str],
    identity: Identity,
) -> pl.DataFrame:
    """Return a crosswalk without what was withdrawn.

    Files that are part of no exam go as well where the store has nothing else of their patient.

    Args:
        walk: The crosswalk.
        files: All files of the source.
        items: Its withdrawn exams.
        history: The store's changes.
        staying: Patients that the store has exams of.
        identity: The site's key, as for this import.
    """
    lost = {dead.patient_key for dead in history.tombstones}.difference(staying)
    theirs = [
        identity.path_digest(file.path)
        for file in (files if lost else ())
        if patient_key_of(file, identity) in lost
    ]
    gone = pl.concat([digests_of(items, identity), pl.Series(theirs, dtype=pl.String)])
    return without_exams(walk, gone)


def withdrawn_items(items: Sequence[ExamItem], history: StoreHistory) -> list[ExamItem]:
    """Return the exams that were withdrawn, or whose patient was.

    Where one series of a study is chosen the study was, whichever of its series that is now.
    """
    removed = {*history.removed}
    patients = {dead.patient_key for dead in history.tombstones if dead.whole_patient}
    studies = {dead.study_id for dead in history.tombstones}
    return [
        item
        for item in items
        if item.among(removed) is not None
        or item.patient_key in patients
        or (item.is_chosen and item.study_id in studies)
    ]


def digests_of(items: Sequence[ExamItem], identity: Identity) -> pl.Series:
    """Return the digests of the paths of all files of some exams, and of their alternatives."""
    paths = (
        path
        for planned in items
        for item in planned.candidates
        for path in (*item.paths, *item.beside, *([item.mask] if item.mask else []))
    )
    return pl.Series([identity.path_digest(path) for path in paths], dtype=pl.String)
