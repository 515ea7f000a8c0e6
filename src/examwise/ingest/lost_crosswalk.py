"""Making the crosswalk of a finished import again."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from examwise.core.commits import CommitLog
from examwise.core.identity import Identity
from examwise.core.storage import Storage
from examwise.imaging.store_history import StoreHistory
from examwise.ingest.archive_labels import ArchiveLabels
from examwise.ingest.crosswalk import make_crosswalk, without_exams
from examwise.ingest.exam_items import ExamItem, make_exam_items
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
    return without_exams(walk, digests_of(items, identity))


def withdrawn_items(items: Sequence[ExamItem], history: StoreHistory) -> list[ExamItem]:
    """Return the exams that were withdrawn, or whose patient was."""
    removed = {*history.removed}
    patients = {dead.patient_key for dead in history.tombstones if dead.whole_patient}
    return [
        item for item in items if item.among(removed) is not None or item.patient_key in patients
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
