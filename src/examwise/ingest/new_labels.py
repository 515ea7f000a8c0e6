"""What an addition says of exams that are in the store already: only what is new becomes events."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from examwise.core.schemas.store import LABELS
from examwise.core.task import Task
from examwise.imaging.nifti import read_nifti_scan
from examwise.imaging.reasons import ImageRefused
from examwise.ingest.archive_labels import exam_values
from examwise.ingest.exam_items import ExamItem
from examwise.ingest.join_counts import MOST_EXAMPLES
from examwise.ingest.label_events import label_events
from examwise.ingest.stored_before import StoredBefore, StoredSlice

_NEVER = object()


@dataclass
class NewLabels:
    """New events of exams in the store, and what was seen on the way.

    Attributes:
        events: Rows of :data:`~examwise.core.schemas.store.LABELS`.
        counts: Numbers by the codes of :data:`~examwise.ingest.join_counts.JOIN_COUNTS`.
        examples: Such a code to a few exams.
    """

    events: list[dict[str, Any]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def count(self, code: str, exam_id: str, number: int = 1) -> None:
        """Count something of an exam, and keep a few such exams as examples."""
        if number:
            self.counts[code] += number
            if len(self.examples[code]) < MOST_EXAMPLES:
                self.examples[code].append(exam_id)


def find_new_labels(
    items: Sequence[ExamItem],
    before: StoredBefore,
    *,
    source: Path,
    images: Mapping[str, str],
    beside: Mapping[str, int],
    task: Task,
) -> NewLabels:
    """Compare exams that are in the store with what the source says of them now.

    Where anything is new of a target (the exam, or a slice) and finding, that and the last word
    on it become events of the next round, so that they overrule what was said before. Where
    nothing is new nothing is added.

    Args:
        items: Exams of the source that are in the store.
        before: What the store holds.
        source: The source.
        images: Path within the source to SOPInstanceUID.
        beside: Exam to its number of files that were set aside at the first look.
        task: The task.
    """
    new = NewLabels()
    for item in items:
        exam_id = item.exam_id
        new.count("exams_in_store", exam_id)
        n_files = len(item.paths) + beside.get(exam_id, 0) + bool(item.mask)
        n_before = before.n_files[exam_id]
        new.count("exams_with_more_images", exam_id, int(n_files > n_before))
        fewer = n_files < n_before
        new.count("exams_with_fewer_images", exam_id, int(fewer and item.slice_values is not None))
        other = before.patients.get(exam_id, item.patient_key) != item.patient_key
        new.count("exams_of_another_patient", exam_id, int(other))
        drawn = [
            kind
            for kind, has in (
                ("mask", bool(item.mask or item.image_masks)),
                ("boxes", bool(item.boxes)),
            )
            if has and not before.has_annotations(exam_id, mask=kind == "mask")
        ]
        new.count("exams_with_new_annotations", exam_id, int(bool(drawn)))
        said = _said(item, before, source=source, images=images, task=task)
        if fewer and item.slice_values is not None:
            said = (event for event in said if event["slice_start"] is not None or event["value"])
        found, n_overruled = _news(said, before.labels(exam_id))
        new.events += found
        new.count("labels_overruled", exam_id, n_overruled)
    new.examples.pop("exams_in_store", None)
    return new


def _said(
    item: ExamItem, before: StoredBefore, *, source: Path, images: Mapping[str, str], task: Task
) -> Iterator[dict[str, Any]]:
    """Yield what the source says of an exam, its slices numbered as in the store.

    Of a slice that was averaged from several it says yes where one of them is positive, and no
    where all are known to be negative.
    """
    values = item.slice_values
    if values is None:
        slices = []
    elif item.kind == "dicom":
        slices = before.slices(item, images)
    else:
        slices = _nifti_slices(source / item.paths[0], *before.thickness[item.exam_id])
    if values is not None:
        stored = []
        for one in slices:
            said = [values[place] for place in one.places]
            stored.append(exam_values(said if one.whole else [*said, task.unknown]))
        item = replace(item, slice_values=tuple(stored))
    for event in label_events(item, range(len(slices)), task.findings):
        if event["slice_start"] is None:
            yield event
        else:
            slice_index = slices[event["slice_start"]].slice_index
            yield {**event, "slice_start": slice_index, "slice_stop": slice_index + 1}


def _nifti_slices(path: Path, n_slices: int, thickness_mm: float | None) -> list[StoredSlice]:
    """Return which places along a volume's third axis went into which slice; none if unknown."""
    try:
        scan = read_nifti_scan(path)
    except ImageRefused:
        return []
    places, step = scan.places or (), scan.volume.slice_spacing_mm
    # A volume has no thickness of its own: only those that were averaged have one.
    each = max(1, round(thickness_mm / step)) if thickness_mm and step else 1
    if len(places) // each != n_slices:
        return []
    return [
        StoredSlice(index, places[index * each : (index + 1) * each]) for index in range(n_slices)
    ]


def _news(
    said: Iterator[dict[str, Any]], events: Sequence[tuple[Any, ...]]
) -> tuple[list[dict[str, Any]], int]:
    """Return events that say something new, and how many of these contradict their own source."""
    latest: dict[tuple[Any, ...], int | None] = {}
    highest: dict[tuple[Any, ...], int] = {}
    rows = [dict(zip(LABELS.names, event, strict=True)) for event in events]
    for row in sorted(rows, key=lambda row: int(row["round"])):
        latest[*_target(row), row["source"], row["reader"]] = row["value"]
        level = (row["finding"], row["slice_start"] is None)
        highest[level] = max(highest.get(level, 0), row["round"])
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in said:
        groups[_target(row)].append(row)
    found: list[dict[str, Any]] = []
    n_overruled = 0
    for group in groups.values():
        fresh = []
        for row in group:
            known = latest.get((*_target(row), row["source"], row["reader"]), _NEVER)
            if known is _NEVER or known != row["value"]:
                fresh.append(row)
                n_overruled += known in (0, 1) and row["value"] is not None
        if not fresh:
            continue
        if group[-1] not in fresh:
            fresh.append(group[-1])  # what the readers come to stays the last word
        level = (group[0]["finding"], group[0]["slice_start"] is None)
        following = highest[level] + 1 if level in highest else 0
        found += [{**row, "round": following} for row in fresh]
    return found, n_overruled


def _target(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return row["slice_start"], row["slice_stop"], row["finding"]
