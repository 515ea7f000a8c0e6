"""An archive to an exam store."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from examwise.core.commits import CommitLog
from examwise.core.executors.protocol import Executor
from examwise.core.identity import Identity
from examwise.core.manifest import BEGUN
from examwise.core.progress import Progress
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.core.writer_lock import sole_writer
from examwise.imaging.store_history import StoreHistory, require_changeable
from examwise.imaging.store_writer import StoreWriter, finish_store
from examwise.ingest.boxes_on_images import labels_of_stored
from examwise.ingest.config import IngestConfig
from examwise.ingest.crosswalk import make_crosswalk
from examwise.ingest.delivery import Delivery, open_delivery
from examwise.ingest.exam_items import make_exam_items
from examwise.ingest.exam_storing import (
    exam_job,
    labels_in_no_exam,
    rest_rows,
    rest_series,
    store_exams,
    stored_exams,
)
from examwise.ingest.listing import Listing
from examwise.ingest.lost_crosswalk import renewed_crosswalk
from examwise.ingest.refusals import nothing_usable, require_places
from examwise.ingest.summary import IngestSummary, read_summary, summarise, write_summary


def ingest_archive(
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
) -> IngestSummary:
    """Read an archive into an exam store.

    The label file is checked against the files before anything is written. An interrupted ingest
    goes on where it was; a finished store is not touched (a lost crosswalk is made again). The
    same source, key and options give the same bytes, whatever the executor and however often it
    was interrupted.

    Args:
        layout: A key of :data:`~examwise.ingest.importers.IMPORTERS`.
        source: The archive's folder; nothing in it is changed.
        store: Folder or URL of the store.
        identity: The site's key; the crosswalk is kept beside it.
        config: Options.
        labels: Label file, if not the layout's own.
        boxes: Box file, if not the layout's own.
        masks: Folder of colour-coded masks of the images, if there is one.
        mask_colours: What their colours mean, see
            :func:`~examwise.ingest.mask_colours.read_mask_colours`.
        executor: Where to read files.
        progress: Where to report to.

    Raises:
        InputError: If the source is no folder or has no usable exam, labels and files do not
            match, boxes are given for a layout that takes none, the store holds something else,
            several workers cannot share it, or another process is writing it.
    """
    source, storage = Path(source), Storage(str(store))
    require_places(source, storage, identity, executor)
    with sole_writer(storage):
        delivery = open_delivery(
            layout,
            source,
            config,
            labels=labels,
            boxes=boxes,
            masks=masks,
            mask_colours=mask_colours,
        )
        return _ingest(delivery, storage, identity, executor, progress)


def _ingest(
    delivery: Delivery,
    storage: Storage,
    identity: Identity,
    executor: Executor,
    progress: Progress,
) -> IngestSummary:
    store_id = stage_store_id(identity, delivery.layout, delivery.listing)
    begin = partial(
        Stage.begin,
        storage.url,
        kind="exam-store",
        configuration=delivery.configuration(identity, store_id=store_id),
        inputs=delivery.inputs(identity),
        seed=None,
    )
    # Refuse a store of another kind, or leave a finished one, before hours of reading.
    finished = (storage.exists(BEGUN) or storage.list()) and begin().finished
    if not finished and StoreHistory(storage).pending != "import":
        require_changeable(storage)  # raises: says what is unfinished
    if finished and identity.has_crosswalk(store_id):
        return read_summary(storage)
    files, known = delivery.read(identity, executor, progress)
    log = CommitLog(storage)
    if finished:  # the crosswalk was lost
        walk = renewed_crosswalk(storage, files, known, identity)
        identity.write_crosswalk(store_id, walk)
        return read_summary(storage)
    items = make_exam_items(files, known, identity)
    if not items:
        raise nothing_usable(delivery.source, (file.reason for file in files))
    stage = begin()
    job = exam_job(delivery, storage, identity)
    outcomes = store_exams(job, items, executor, progress)
    kept = stored_exams(items, {*log.items()})
    if not kept:
        stage.storage.delete(BEGUN)
        reasons = (reason for outcome in outcomes for reason in outcome.refused.values())
        refused = (file.reason for file in files if file.reason)
        raise nothing_usable(delivery.source, (*reasons, *refused))
    rest = rest_rows(files, items, kept, outcomes, identity)
    series = rest_series(files, items, kept, outcomes, identity)
    if rest or series:
        StoreWriter(storage.url).write_files("rest", rest, series=series)
    identity.write_crosswalk(store_id, make_crosswalk(files, log, identity))
    known = labels_of_stored(known, items, kept)
    summary = summarise(log, known, n_labels_in_no_exam=labels_in_no_exam(known, kept))
    write_summary(storage, summary)
    # Of a large archive these take more room than the tables that are built now.
    del files, known, items, kept, outcomes, rest, series
    finish_store(stage, mask_findings=delivery.config.task.findings)
    return summary


def stage_store_id(identity: Identity, layout: str, listing: Listing) -> str:
    """Return the name of the store's crosswalk, which a moved or copied archive keeps."""
    return identity.store_id(layout, listing.digest)
