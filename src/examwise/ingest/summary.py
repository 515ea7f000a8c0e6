"""What came out of ingesting an archive, in numbers."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from examwise.core.commits import CommitRecord
from examwise.core.digests import readable_json
from examwise.core.storage import Storage
from examwise.ingest.archive_labels import ArchiveLabels

SUMMARY = "ingest.json"
"""The summary's file in the store."""


@dataclass(frozen=True)
class IngestSummary:
    """What came out of ingesting an archive.

    Attributes:
        n_exams: Exams in the store.
        n_slices: Slices in the store.
        n_patients: Different patients.
        n_files: Files of the source, label file apart.
        n_used: Files used.
        left_out: Reason to number of files that are no part of an exam.
        set_aside: Reason to number of files with something wrong.
        n_labels: Label events, of slices and of exams.
        n_unlabelled_exams: Exams without any label event.
        n_labels_without_file: Labelled images that the source does not have.
        n_files_without_label: Images without a label, where all should have one.
        n_labels_in_no_exam: Labelled files that are part of no stored exam, and labelled
            folders that hold none.
    """

    n_exams: int
    n_slices: int
    n_patients: int
    n_files: int
    n_used: int
    left_out: Mapping[str, int] = field(default_factory=dict)
    set_aside: Mapping[str, int] = field(default_factory=dict)
    n_labels: int = 0
    n_unlabelled_exams: int = 0
    n_labels_without_file: int = 0
    n_files_without_label: int = 0
    n_labels_in_no_exam: int = 0


def summarise(
    records: Iterable[CommitRecord], labels: ArchiveLabels, *, n_labels_in_no_exam: int
) -> IngestSummary:
    """Count what the commit records of a store hold."""
    exams: set[str] = set()
    labelled: set[str] = set()
    patients: set[str] = set()
    slices = events = 0
    files: Counter[tuple[str, str]] = Counter()
    for record in records:
        payload = record.payload
        exams.update(payload.get("exams", {}).get("exam_id", ()))
        patients.update(payload.get("exams", {}).get("patient_key", ()))
        slices += len(payload.get("slices", {}).get("exam_id", ()))
        labelled_here = payload.get("labels", {}).get("exam_id", ())
        events += len(labelled_here)
        labelled.update(labelled_here)
        files.update(zip(payload["files"]["status"], payload["files"]["reason"], strict=True))
    return IngestSummary(
        n_exams=len(exams),
        n_slices=slices,
        n_patients=len(patients),
        n_files=files.total(),
        n_used=files["used", ""],
        left_out=_of_status(files, "left_out"),
        set_aside=_of_status(files, "set_aside"),
        n_labels=events,
        n_unlabelled_exams=len(exams - labelled),
        n_labels_without_file=labels.n_labels_without_file,
        n_files_without_label=labels.n_files_without_label,
        n_labels_in_no_exam=n_labels_in_no_exam,
    )


def write_summary(storage: Storage, summary: IngestSummary) -> None:
    """Keep the summary in the store."""
    storage.write(SUMMARY, readable_json(dataclasses.asdict(summary)))


def read_summary(storage: Storage) -> IngestSummary:
    """Return the summary of a finished store."""
    return IngestSummary(**json.loads(storage.read(SUMMARY)))


def _of_status(files: Counter[tuple[str, str]], status: str) -> dict[str, int]:
    return {reason: number for (found, reason), number in sorted(files.items()) if found == status}
