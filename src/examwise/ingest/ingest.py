"""An archive to an exam store."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from examwise.core.commits import CommitLog
from examwise.core.digests import file_digest
from examwise.core.errors import InputError
from examwise.core.executors.protocol import Executor
from examwise.core.identity import Identity
from examwise.core.manifest import BEGUN
from examwise.core.progress import Progress
from examwise.core.stage import Stage
from examwise.core.storage import Storage
from examwise.imaging.reasons import REASONS, status_of
from examwise.imaging.store_writer import StoreWriter, finish_store
from examwise.ingest.archive_labels import ArchiveLabels
from examwise.ingest.bhx import read_box_file
from examwise.ingest.config import IngestConfig
from examwise.ingest.crosswalk import make_crosswalk
from examwise.ingest.exam_items import ExamItem, make_exam_items
from examwise.ingest.exam_work import ExamJob, ExamOutcome, store_exam
from examwise.ingest.importers import IMPORTERS, Importer
from examwise.ingest.listing import Listing, list_files
from examwise.ingest.scan import ScannedFile, ScanRules, scan_files
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
        executor: Where to read files.
        progress: Where to report to.

    Raises:
        InputError: If the source is no folder or has no usable exam, labels and files do not
            match, boxes are given for a layout that takes none, the store holds something else,
            or several workers cannot share it.
    """
    importer: Importer = IMPORTERS.load(layout)()
    source, store = Path(source), str(store)
    _require_folder(source)
    _require_shared(Storage(store), executor)
    _require_apart(source, Storage(store).local, "store")
    _require_apart(source, identity.folder, "identity folder")
    label_file = labels or importer.find_labels(source, config)
    box_file = _box_file(layout, importer, source, boxes)
    listing = list_files(
        source,
        folder=importer.image_folder,
        also=(importer.mask_folder,) if importer.mask_folder else (),
        without=tuple(path for path in (label_file, box_file) if path),
    )
    begin = partial(
        Stage.begin,
        store,
        kind="exam-store",
        configuration=_configuration(layout, importer, config, identity, listing),
        inputs=_inputs(identity, listing, {"labels": label_file, "boxes": box_file}),
        seed=None,
    )
    storage = Storage(store)
    # Refuse a store of another kind, or leave a finished one, before hours of reading.
    finished = (storage.exists(BEGUN) or storage.list()) and begin().finished
    store_id = stage_store_id(identity, layout, listing)
    if finished and identity.has_crosswalk(store_id):
        return read_summary(storage)
    known = (
        importer.read_labels(label_file, listing.paths, config) if label_file else ArchiveLabels()
    )
    drawn = read_box_file(box_file) if box_file else None
    rules = ScanRules(importer.reads_nifti, importer.mask_folder, importer.selects_series)
    scanned = scan_files(
        source,
        listing,
        rules=rules,
        patient_of=importer.patient_of,
        executor=executor,
        progress=progress,
    )
    files, known = importer.arrange(scanned, known, drawn, config)
    log = CommitLog(storage)
    if finished:  # the crosswalk was lost
        identity.write_crosswalk(store_id, make_crosswalk(files, log, identity))
        return read_summary(storage)
    items = make_exam_items(files, known, identity)
    if not items:
        raise _nothing_usable(source, (file.reason for file in files))
    stage = begin()
    job = ExamJob(
        source,
        store,
        config.matrix,
        config.archive_name or importer.archive_name,
        config.data_terms or importer.data_terms,
        identity,
    )
    outcomes = _store_exams(job, items, executor, progress)
    stored = {*log.items()}
    kept = [item for item in items if f"exams/{item.exam_id}" in stored]
    if not kept:
        stage.storage.delete(BEGUN)
        reasons = (reason for outcome in outcomes for reason in outcome.refused.values())
        raise _nothing_usable(source, (*reasons, *(file.reason for file in files if file.reason)))
    if rest := _rest(files, items, kept, outcomes, identity):
        StoreWriter(store).write_files("rest", rest)
    identity.write_crosswalk(store_id, make_crosswalk(files, log, identity))
    summary = summarise(log, known, n_labels_in_no_exam=_labels_in_no_exam(known, kept))
    write_summary(storage, summary)
    finish_store(stage)
    return summary


def stage_store_id(identity: Identity, layout: str, listing: Listing) -> str:
    """Return the name of the store's crosswalk, which a moved or copied archive keeps."""
    return identity.store_id(layout, listing.digest)


def _configuration(
    layout: str,
    importer: Importer,
    config: IngestConfig,
    identity: Identity,
    listing: Listing,
) -> dict[str, Any]:
    return {
        "layout": layout,
        **dataclasses.asdict(config),
        "archive_name": config.archive_name or importer.archive_name,
        "data_terms": config.data_terms or importer.data_terms,
        "key_id": identity.key_id,
        "store_id": stage_store_id(identity, layout, listing),
    }


def _box_file(layout: str, importer: Importer, source: Path, boxes: Path | None) -> Path | None:
    if boxes is not None and not importer.takes_boxes:
        raise InputError(
            where="option boxes",
            expected="a layout whose images can have boxes",
            got=layout,
            remedy="leave the option out",
        )
    return boxes or importer.find_boxes(source)


def _inputs(
    identity: Identity, listing: Listing, label_files: Mapping[str, Path | None]
) -> dict[str, str]:
    # Digests are keyed: names of few files, or a short label file, could be guessed from plain
    # ones.
    inputs = {"files": identity.path_digest(listing.digest)}
    for role, path in label_files.items():
        if path is not None and path.is_file():
            inputs[role] = identity.path_digest(file_digest(path))
    return inputs


def _require_folder(source: Path) -> None:
    if not source.is_dir():
        raise InputError(
            where=source,
            expected="the archive's folder",
            got="a file" if source.exists() else "a path that does not exist",
            remedy="check the path",
        )


def _require_shared(storage: Storage, executor: Executor) -> None:
    if executor.n_workers > 1 and not storage.shared:
        raise InputError(
            where=storage.url,
            expected="one worker, or a store that processes share",
            got=f"{executor.n_workers} workers and a store in one process's memory",
            remedy="use one worker, or a folder or another URL for the store",
        )


def _require_apart(source: Path, folder: Path | None, what: str) -> None:
    if folder is not None and folder.resolve().is_relative_to(source.resolve()):
        raise InputError(
            where=folder,
            expected=f"the {what} to lie outside the source",
            got="a folder within it",
            remedy="choose another folder",
        )


def _labels_in_no_exam(labels: ArchiveLabels, kept: Sequence[ExamItem]) -> int:
    files = {path for item in kept for path in (*item.paths, *item.beside)}
    folders = {folder for item in kept for path in item.paths for folder in labels.above(path)}
    labelled = labels.files.keys() | labels.volumes.keys()
    return len(labelled - files) + len(labels.folders.keys() - folders)


def _store_exams(
    job: ExamJob, items: Sequence[ExamItem], executor: Executor, progress: Progress
) -> list[ExamOutcome]:
    done = {*CommitLog(Storage(job.store)).items()}
    waiting = [item for item in items if f"exams/{item.exam_id}" not in done]
    outcomes: list[ExamOutcome] = []
    with progress.track("Storing exams", len(waiting)) as advance:
        for outcome in executor.map(partial(store_exam, job), waiting):
            outcomes.append(outcome)
            advance()
    return outcomes


def _rest(
    files: Sequence[ScannedFile],
    items: Sequence[ExamItem],
    kept: Sequence[ExamItem],
    outcomes: Sequence[ExamOutcome],
    identity: Identity,
) -> list[dict[str, Any]]:
    """Return rows of all files that no stored exam accounts for, sorted."""
    reasons = {file.path: file.reason for file in files if file.reason}
    item_of = {item.exam_id: item for item in items}
    for outcome in outcomes:
        if not outcome.stored:
            item = item_of[outcome.exam_id]
            reasons |= {item.paths[index]: reason for index, reason in outcome.refused.items()}
            if item.mask:
                reasons[item.mask] = "mask_without_scan"
    exam_of = {path: item.exam_id for item in kept for path in item.beside}
    rows = []
    for path, reason in reasons.items():
        status = status_of(reason, path)
        rows.append(
            {
                "path_digest": identity.path_digest(path),
                "status": status,
                "reason": reason,
                "exam_id": exam_of.get(path) if status == "set_aside" else None,
                "slice_index": None,
            }
        )
    return sorted(rows, key=lambda row: str(row["path_digest"]))


def _nothing_usable(source: Path, reasons: Iterable[str]) -> InputError:
    counted = Counter(reasons)
    found = ", ".join(f"{number} {reason}" for reason, number in sorted(counted.items()))
    commonest = max(counted, key=lambda reason: (counted[reason], reason), default="")
    return InputError(
        where=source,
        expected="at least one CT exam (DICOM series, or NIfTI where the layout has it)",
        got=f"files refused as: {found}" if counted else "no files",
        remedy=f"{commonest}: {REASONS[commonest]}" if commonest else "check the path",
    )
