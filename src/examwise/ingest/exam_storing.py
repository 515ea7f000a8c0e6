"""Exams into a store, and a row for every file that became part of none."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from examwise.core.commits import CommitLog
from examwise.core.executors.protocol import Executor
from examwise.core.identity import Identity
from examwise.core.progress import Progress
from examwise.core.storage import Storage
from examwise.imaging.reasons import status_of
from examwise.ingest.archive_labels import ArchiveLabels, exam_place
from examwise.ingest.delivery import Delivery
from examwise.ingest.exam_items import ExamItem
from examwise.ingest.exam_work import ExamJob, ExamOutcome, store_exam
from examwise.ingest.scan import ScannedFile
from examwise.ingest.series_rows import other_series_rows


def exam_job(
    delivery: Delivery, store: Storage, identity: Identity, *, import_index: int = 0
) -> ExamJob:
    """Return what all exams of an import have in common."""
    return ExamJob(
        source=delivery.source,
        store=store.url,
        matrix=delivery.config.matrix,
        archive=delivery.archive_name,
        data_terms=delivery.data_terms,
        identity=identity,
        task=delivery.config.task,
        mask_folder=delivery.masks.folder if delivery.masks else None,
        mask_colours=delivery.masks.colours if delivery.masks else None,
        selection=delivery.config.series,
        import_index=import_index,
    )


def stored_exams(items: Sequence[ExamItem], records: Collection[str]) -> list[ExamItem]:
    """Return the exams that are in the store, each the one of its candidates that is.

    Args:
        items: The exams.
        records: Names of the store's commit records.
    """
    ids = _exam_ids(records)
    return [found for item in items if (found := item.among(ids)) is not None]


def _exam_ids(records: Collection[str]) -> set[str]:
    return {name.removeprefix("exams/") for name in records if name.startswith("exams/")}


def store_exams(
    job: ExamJob, items: Sequence[ExamItem], executor: Executor, progress: Progress
) -> list[ExamOutcome]:
    """Read and commit the exams that are not in the store yet."""
    done = _exam_ids(CommitLog(Storage(job.store)).items())
    waiting = [item for item in items if item.among(done) is None]
    outcomes: list[ExamOutcome] = []
    with progress.track("Storing exams", len(waiting)) as advance:
        for outcome in executor.map(partial(store_exam, job), waiting):
            outcomes.append(outcome)
            advance()
    return outcomes


def rest_rows(
    files: Sequence[ScannedFile],
    items: Sequence[ExamItem],
    kept: Sequence[ExamItem],
    outcomes: Sequence[ExamOutcome],
    identity: Identity,
) -> list[dict[str, Any]]:
    """Return rows of all files that no stored exam accounts for, sorted.

    Args:
        files: All files of the source.
        items: Its exams.
        kept: Those of them that are in the store.
        outcomes: What became of reading them.
        identity: The site's key.
    """
    reasons = rest_reasons(files, items, kept, outcomes)
    exam_of = {path: item.exam_id for item in kept for path in item.beside}
    rows = []
    for path, reason in reasons.items():
        status = status_of(reason, path)
        exam_id = exam_of.get(path) if status == "set_aside" else None
        rows.append(file_row(identity, path, status=status, reason=reason, exam_id=exam_id))
    return sorted_by_path(rows)


def rest_reasons(
    files: Sequence[ScannedFile],
    items: Sequence[ExamItem],
    kept: Sequence[ExamItem],
    outcomes: Sequence[ExamOutcome],
) -> dict[str, str]:
    """Return why each file that no stored exam accounts for is part of none, by path.

    Args:
        files: All files of the source.
        items: Its exams.
        kept: Those of them that are in the store.
        outcomes: What became of reading them.
    """
    reasons = {file.path: file.reason for file in files if file.reason}
    masks = {item.exam_id: item.mask for item in items}
    for outcome in outcomes:
        reasons |= outcome.refused
        if not outcome.stored and (mask := masks[outcome.exam_id]):
            reasons[mask] = "mask_without_scan"
    for tried in (*_accounted(items, kept), *kept):
        for path in tried.paths:
            reasons.pop(path, None)
    return reasons


def rest_series(
    files: Sequence[ScannedFile],
    items: Sequence[ExamItem],
    kept: Sequence[ExamItem],
    outcomes: Sequence[ExamOutcome],
    identity: Identity,
    *,
    known: Collection[str] = (),
    reasons: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """Return rows of all series that no stored exam accounts for, sorted.

    Args:
        files: All files of the source.
        items: Its exams.
        kept: Those of them that are in the store.
        outcomes: What became of reading them.
        identity: The site's key.
        known: Pseudonyms of series that are on record, or must not be.
        reasons: Path to why that file is part of no exam, beside what is known of the others.
    """
    read = [dict(row) for outcome in outcomes for row in outcome.series]
    read = [row for row in read if row["series_id"] not in known]
    there = {item.exam_id for item in _accounted(items, kept)} | {item.exam_id for item in kept}
    there |= {str(row["series_id"]) for row in read} | {*known}
    why = {**rest_reasons(files, items, kept, outcomes), **(reasons or {})}
    rows = [*read, *other_series_rows(files, why, identity, known=there)]
    return sorted(rows, key=lambda row: str(row["series_id"]))


def _accounted(items: Sequence[ExamItem], kept: Sequence[ExamItem]) -> Iterator[ExamItem]:
    """Yield the series of which stored exams account: themselves, and those tried before."""
    ids = {item.exam_id for item in kept}
    for item in items:
        stored = item.among(ids)
        if stored is not None:
            for candidate in item.candidates:
                yield candidate
                if candidate.exam_id == stored.exam_id:
                    break


def file_row(
    identity: Identity, path: str, *, status: str, reason: str, exam_id: str | None
) -> dict[str, Any]:
    """Return a row of :data:`~examwise.core.schemas.store.FILES` of a file that is no slice."""
    return {
        "path_digest": identity.path_digest(path),
        "status": status,
        "reason": reason,
        "exam_id": exam_id,
        "slice_index": None,
    }


def sorted_by_path(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return rows of files in the order of their digests, which says nothing of the paths'."""
    return sorted((dict(row) for row in rows), key=lambda row: str(row["path_digest"]))


def labels_in_no_exam(labels: ArchiveLabels, kept: Sequence[ExamItem]) -> int:
    """Count labelled files that are part of no stored exam, and labelled folders that hold none."""
    files = {path for item in kept for path in (*item.paths, *item.beside)}
    folders = {folder for item in kept for path in item.paths for folder in labels.above(path)}
    labelled = labels.files.keys() | labels.volumes.keys()
    exams = {exam_place(item.exam_id) for item in kept}
    not_whole = len(labels.folders.keys() - folders) + len(labels.exams.keys() - exams)
    return len(labelled - files) + not_whole
