"""What came out of ingesting an archive, in numbers."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from examwise.core.commits import CommitRecord
from examwise.core.digests import readable_json
from examwise.core.storage import Storage
from examwise.ingest.archive_labels import ArchiveLabels
from examwise.ingest.join_counts import EXAMPLES_WANTED, JOIN_COUNTS, MOST_EXAMPLES, SET_ASIDE

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
        n_labels: Label events, of slices and of exams, each reader's own included.
        n_unlabelled_exams: Exams that no label event speaks of, single readers' apart.
        n_labels_without_file: Labelled images, slices or studies that the source does not have.
        n_files_without_label: Images, slices or studies without a label, where all should have
            one.
        n_labels_in_no_exam: Labelled files that are part of no stored exam, and labelled
            folders that hold none.
        joined: What was joined and what was not, by the codes of
            :data:`~examwise.ingest.join_counts.JOIN_COUNTS`.
        examples: Some of these codes to a few examples: rows of the user's own files, or
            pseudonyms of exams.
        imports: What each import brought, where there were several, the first one first; what was
            joined and matched is then that of the last one.
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
    joined: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, list[str]] = field(default_factory=dict)
    imports: Sequence[Mapping[str, Any]] = ()

    @property
    def has_set_aside(self) -> bool:
        """Whether a file, or a row of an annotation file, was set aside with something wrong."""
        return bool(self.all_set_aside)

    @property
    def all_set_aside(self) -> Mapping[str, int]:
        """Reason to number of files, and of rows of annotation files, that were set aside."""
        rows = {code: number for code, number in self.joined.items() if code in SET_ASIDE}
        return {**self.set_aside, **rows}


def summarise(
    records: Iterable[CommitRecord], labels: ArchiveLabels, *, n_labels_in_no_exam: int
) -> IngestSummary:
    """Count what the commit records of a store hold."""
    exams: set[str] = set()
    labelled: set[str] = set()
    patients: set[str] = set()
    slices = events = 0
    files: Counter[tuple[str, str]] = Counter()
    joined: Counter[str] = Counter(labels.counts)
    examples = {code: list(found) for code, found in labels.examples.items()}
    for record in records:
        payload = record.payload
        exams.update(payload.get("exams", {}).get("exam_id", ()))
        patients.update(payload.get("exams", {}).get("patient_key", ()))
        slices += len(payload.get("slices", {}).get("exam_id", ()))
        said = payload.get("labels", {})
        events += len(said.get("exam_id", ()))
        labelled.update(_labelled(said))
        joined.update(payload.get("counts", {}))
        for code in payload.get("counts", {}):
            if code in EXAMPLES_WANTED and len(examples.setdefault(code, [])) < MOST_EXAMPLES:
                examples[code] += payload.get("examples", {}).get(code, ())
                examples[code] += payload.get("exams", {}).get("exam_id", ())
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
        joined={code: joined[code] for code in JOIN_COUNTS if joined[code]},
        examples={code: found for code, found in sorted(examples.items()) if found},
    )


def _labelled(events: Mapping[str, Sequence[Any]]) -> Iterator[str]:
    """Yield the exam of each event that says something and is no single reader's."""
    columns = (events.get(name, ()) for name in ("exam_id", "value", "reader"))
    for exam_id, value, reader in zip(*columns, strict=True):
        if value is not None and reader is None:
            yield exam_id


def write_summary(storage: Storage, summary: IngestSummary) -> None:
    """Keep the summary in the store."""
    storage.write(SUMMARY, readable_json(dataclasses.asdict(summary)))


def read_summary(storage: Storage) -> IngestSummary:
    """Return the summary of a finished store."""
    found = json.loads(storage.read(SUMMARY))
    return IngestSummary(**{**found, "imports": tuple(found.get("imports", ()))})


def _of_status(files: Counter[tuple[str, str]], status: str) -> dict[str, int]:
    return {reason: number for (found, reason), number in sorted(files.items()) if found == status}
