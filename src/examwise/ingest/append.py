"""Adding exams and labels to a finished store, without touching what is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examwise.core.commits import CommitLog
from examwise.core.digests import readable_json
from examwise.core.executors.protocol import Executor
from examwise.core.identity import Identity
from examwise.core.manifest import MANIFEST
from examwise.core.progress import Progress
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.core.writer_lock import sole_writer
from examwise.imaging.store_history import StoreHistory, import_key, require_changeable
from examwise.imaging.store_soundness import require_sound
from examwise.imaging.store_writer import StoreWriter, finish_store, labels_item
from examwise.ingest.archive_labels import ArchiveLabels
from examwise.ingest.boxes_on_images import labels_of_stored
from examwise.ingest.config import IngestConfig
from examwise.ingest.crosswalk import make_crosswalk
from examwise.ingest.delivery import Delivery, open_delivery
from examwise.ingest.exam_items import ExamItem, make_exam_items
from examwise.ingest.exam_storing import (
    exam_job,
    file_row,
    labels_in_no_exam,
    rest_rows,
    rest_series,
    sorted_by_path,
    store_exams,
    stored_exams,
)
from examwise.ingest.growing_summary import (
    read_growing_summary,
    summarise_import,
    summarise_store,
)
from examwise.ingest.import_record import ImportRecord, earlier_imports, require_fitting
from examwise.ingest.lost_crosswalk import (
    renewed_crosswalk,
    withdrawn_items,
    without_withdrawn,
)
from examwise.ingest.new_labels import find_new_labels
from examwise.ingest.refusals import nothing_usable, require_places
from examwise.ingest.scan import ScannedFile
from examwise.ingest.stored_before import StoredBefore
from examwise.ingest.summary import IngestSummary, write_summary

_ANOTHER = "another_series_of_the_study"


@dataclass(frozen=True)
class Addition:
    """What an addition brought.

    Attributes:
        index: Which import of the store it is; 0 is the first.
        known: Whether this very delivery had come in before, so that nothing was done.
        added: What it brought; None if it was known.
        store: What the store holds now.
    """

    index: int
    known: bool
    added: IngestSummary | None
    store: IngestSummary


def append_archive(
    layout: str,
    source: Path,
    store: str | Path,
    *,
    identity: Identity,
    config: IngestConfig,
    labels: Path | None = None,
    boxes: Path | None = None,
    masks: Path | None = None,
    mask_colours: Path | None = None,
    executor: Executor,
    progress: Progress,
) -> Addition:
    """Add an archive's new exams, and its new labels of exams that are there, to a store.

    The source may be the folder of an earlier import, grown, or another one, in any layout, under
    the store's key, matrix and task. Exams that are there stay as they are; withdrawn ones stay
    out. Until all is in place readers see the store as it was. An interrupted addition goes on
    where it was; the same delivery again adds nothing. The result does not depend on interruptions
    or the executor.

    Args:
        layout: A key of :data:`~examwise.ingest.importers.IMPORTERS`.
        source: The archive's folder; nothing in it is changed.
        store: Folder or URL of the store.
        identity: The site's key; the addition's crosswalk is kept beside it.
        config: Options.
        labels: Label file, if not the layout's own.
        boxes: Box file, if not the layout's own.
        masks: Folder of colour-coded masks of the images, if there is one.
        mask_colours: What their colours mean.
        executor: Where to read files.
        progress: Where to report to.

    Raises:
        InputError: As :func:`~examwise.ingest.ingest.ingest_archive` does; if there is no finished
            store, it has another key, matrix or task, or another change of it is unfinished.
    """
    source, storage = Path(source), Storage(str(store))
    require_places(source, storage, identity, executor)
    require_changeable(storage, allowed="addition")  # before anything is made there
    with sole_writer(storage):
        history = require_changeable(storage, allowed="addition")
        require_sound(storage, removed=history.removed)
        delivery = open_delivery(
            layout,
            source,
            config,
            labels=labels,
            boxes=boxes,
            masks=masks,
            mask_colours=mask_colours,
        )
        return _append(delivery, storage, history, identity, executor, progress)


def _append(
    delivery: Delivery,
    storage: Storage,
    history: StoreHistory,
    identity: Identity,
    executor: Executor,
    progress: Progress,
) -> Addition:
    earlier, pending = earlier_imports(storage, history)
    wanted = ImportRecord.of(delivery, len(earlier), identity, n_removed=len(history.removed))
    require_fitting(wanted, earlier[0], storage)
    if pending is not None:
        wanted.require_same(pending, storage)
    else:
        # Other labels may have come for these files since; then these are news again.
        of_these = [one for one in earlier if one.inputs["files"] == wanted.inputs["files"]]
        if of_these and (known := of_these[-1]).same_delivery(wanted):
            _keep_crosswalk(known, delivery, storage, identity, executor, progress)
            return Addition(known.index, True, None, read_growing_summary(storage))
    index, own = wanted.index, identity.for_import(wanted.index)
    files, labels = delivery.read(own, executor, progress)
    items = make_exam_items(files, labels, own)
    if not items:
        raise nothing_usable(delivery.source, (file.reason for file in files))
    before = StoredBefore(storage, index, identity, [record.store_id for record in earlier])
    sorted_items = _sort(items, before, history)
    if pending is None:
        storage.create(import_key(index), readable_json(wanted.content))
    job = exam_job(delivery, storage, own, import_index=index)
    new = sorted_items.new
    outcomes = store_exams(job, new, executor, progress)
    log, writer = CommitLog(storage), StoreWriter(storage.url, import_index=index)
    stored = {*log.items()}
    kept = stored_exams(new, stored)
    there = sorted_items.there
    if labels_item(index) not in stored:
        found = find_new_labels(
            there,
            before,
            source=delivery.source,
            images={file.path: file.sop_instance_uid for file in files},
            beside=_beside(there, files, own),
            task=delivery.config.task,
        )
        counts = found.counts + Counter({"exams_withdrawn": len(sorted_items.withdrawn)})
        writer.write_labels(found.events, counts=counts, examples=found.examples)
    rows = rest_rows(files, new, [*kept, *there], outcomes, own)
    rows += sorted_items.rows(own)
    series = rest_series(
        files,
        new,
        [*kept, *there],
        outcomes,
        own,
        known=before.series | {item.exam_id for item in sorted_items.unlisted},
        reasons={path: _ANOTHER for item in sorted_items.second for path in item.paths},
    )
    writer.write_files(f"rest-{index}", sorted_by_path(rows), series=series)
    walk = make_crosswalk(files, log, own)
    staying = {*before.patients.values(), *(item.patient_key for item in kept)}
    gone = sorted_items.withdrawn
    walk = without_withdrawn(walk, files, gone, history, staying=staying, identity=own)
    identity.write_crosswalk(wanted.store_id, walk)
    labels = labels_of_stored(labels, items, [*kept, *there])
    # Labels of withdrawn exams are not news of files without an exam.
    accounted = [*kept, *there, *(item for dead in gone for item in dead.candidates)]
    added = _finish(delivery, storage, index, labels, accounted)
    return Addition(index, False, added, read_growing_summary(storage))


def _finish(
    delivery: Delivery,
    storage: Storage,
    index: int,
    labels: ArchiveLabels,
    accounted: Sequence[ExamItem],
) -> IngestSummary:
    storage.delete(MANIFEST)
    added = summarise_import(
        storage, index, labels, n_labels_in_no_exam=labels_in_no_exam(labels, accounted)
    )
    whole = summarise_store(storage, index, added, read_growing_summary(storage))
    write_summary(storage, whole)
    finish_store(Stage.reopen(storage.url), mask_findings=delivery.config.task.findings)
    return added


@dataclass(frozen=True)
class _Sorted:
    """Exams of a delivery by what becomes of them."""

    new: list[ExamItem]
    there: list[ExamItem]
    withdrawn: list[ExamItem]
    second: list[ExamItem]
    """Series of studies of which another is in the store, where one of each is taken."""

    @property
    def unlisted(self) -> list[ExamItem]:
        """Series that get no row: they are in the store, or nothing of them shall be."""
        return [*self.there, *(item for gone in self.withdrawn for item in gone.candidates)]

    def rows(self, identity: Identity) -> list[dict[str, Any]]:
        """Return rows of the files of exams that do not come in."""
        reasons = (
            ("already_in_store", self.there),
            ("withdrawn", self.withdrawn),
            (_ANOTHER, self.second),
        )
        return [
            file_row(
                identity,
                path,
                status="left_out",
                reason=reason,
                exam_id=item.exam_id if reason == "already_in_store" else None,
            )
            for reason, items in reasons
            for item in items
            for path in _paths(item)
        ]


def _paths(item: ExamItem) -> list[str]:
    return [*item.paths, *([item.mask] if item.mask else [])]


def _sort(items: Sequence[ExamItem], before: StoredBefore, history: StoreHistory) -> _Sorted:
    withdrawn = withdrawn_items(items, history)
    gone = {item.exam_id for item in withdrawn}
    found = _Sorted([], [], withdrawn, [])
    for item in items:
        if item.exam_id in gone:
            continue
        stored = item.among(before.exams)
        if stored is not None:
            found.there.append(stored)
            if stored is not item:  # it was tried then, and its pixels spoke against it
                found.second.append(item)
        elif item.is_chosen and item.study_id in before.exam_of_study:
            found.second.append(item)
        else:
            found.new.append(item)
    return found


def _beside(
    items: Sequence[ExamItem], files: Sequence[ScannedFile], identity: Identity
) -> Mapping[str, int]:
    """Return exam to its number of files that were set aside at the first look."""
    exam_of = {path: item.exam_id for item in items for path in item.beside}
    rows = rest_rows([file for file in files if file.path in exam_of], (), items, (), identity)
    return Counter(str(row["exam_id"]) for row in rows if row["exam_id"] is not None)


def _keep_crosswalk(
    known: ImportRecord,
    delivery: Delivery,
    storage: Storage,
    identity: Identity,
    executor: Executor,
    progress: Progress,
) -> None:
    """Make the crosswalk of a finished import again where it was lost."""
    if not identity.has_crosswalk(known.store_id):
        own = identity.for_import(known.index)
        files, labels = delivery.read(own, executor, progress)
        walk = renewed_crosswalk(storage, files, labels, own)
        identity.write_crosswalk(known.store_id, walk)
