"""A box file joined to the images of an archive, and what that says of their slices."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from examwise.core.schemas.findings import FINDINGS
from examwise.imaging.annotation_geometry import clip_box
from examwise.ingest.archive_labels import (
    KINDS,
    UNKNOWN,
    ArchiveAnnotations,
    ArchiveLabels,
    BoxedImage,
    Values,
)
from examwise.ingest.bhx import BoxFile
from examwise.ingest.box_labels import slice_labels_from_boxes
from examwise.ingest.exam_items import ExamItem
from examwise.ingest.image_boxes import ImageBox
from examwise.ingest.join_counts import examples_of
from examwise.ingest.scan import ScannedFile

BOX_SOURCE = "bhx"
"""Source of boxes, and of the slice labels that follow from them."""


def join_boxes(
    files: Sequence[ScannedFile],
    labels: ArchiveLabels,
    boxes: BoxFile,
    *,
    min_thick_mm: float,
    study_of: Callable[[ScannedFile], str],
) -> ArchiveLabels:
    """Join boxes by SOPInstanceUID, and label the slices of series that are or may be exams.

    Boxes were drawn on some images of thick series: on thin slices, and in studies with boxes on
    images that are no part of the exam, the absence of a box says nothing.

    Args:
        files: All files of the source; those of a series that may be tried in place of a study's
            best have a rank.
        labels: Labels of the exams.
        boxes: The box file.
        min_thick_mm: Slices at least as thick are thick.
        study_of: The study of a file, by whatever the layout names it.

    Returns:
        The labels with boxes, slice labels of each such series as if it was the exam, and counts.
        What depends on which of them are stored is counted by :func:`labels_of_stored`.
    """
    groups: dict[tuple[str, str, str], list[ScannedFile]] = defaultdict(list)
    for file in files:
        if file.kind == "dicom" and (file.rank or not file.reason):
            groups[study_of(file), file.study, file.series].append(file)
    placed, outside = _placed(files, boxes)
    examples = {code: list(rows) for code, rows in boxes.refused.items()}
    examples["boxes_outside_image"] = outside
    examples["boxes_of_another_type"] = list(boxes.other_types)
    examples["boxes_naming_another_series"] = _of_another_series(files, boxes)
    counts = Counter({code: len(rows) for code, rows in examples.items()})
    counts["box_rows"] = boxes.n_rows
    boxed: dict[str, list[ScannedFile]] = {image: [] for image in placed}
    for file in files:
        if file.sop_instance_uid in boxed:
            boxed[file.sop_instance_uid].append(file)
    missing = [image for image, there in boxed.items() if not there]
    counts["boxes_without_image"] = sum(len(placed[image]) for image in missing)
    examples["boxes_without_image"] = [row for image in missing for row in boxes.image_rows[image]]
    doubtful = boxes.doubtful | {
        image for image, found in boxes.images.items() if len(found) > len(placed.get(image, ()))
    }
    unsure = _unsure(files, placed, doubtful, boxes)
    of_patient: dict[str, list[ScannedFile]] = defaultdict(list)
    for there in boxed.values():
        for file in there:
            of_patient[file.patient_id].append(file)
    values: dict[str, Values] = {}
    series_counts: dict[str, Counter[str]] = {}
    for (study, _, _), series in groups.items():
        patient = series[0].patient_id
        own = {file.sop_instance_uid for file in series}
        elsewhere = {
            box.finding
            for file in of_patient[patient]
            if file.sop_instance_uid not in own and (file.reason or study_of(file) == study)
            for box in placed[file.sop_instance_uid]
        }
        thin = not all(_is_thick(file, min_thick_mm) for file in series)
        found, counted = _slice_values(
            series, labels, placed, elsewhere | unsure.get(patient, set()), thin=thin
        )
        values |= found
        series_counts[series[0].path] = counted
    images = (
        BoxedImage(
            tuple(file.path for file in there), len(placed[image]), tuple(boxes.image_rows[image])
        )
        for image, there in boxed.items()
        if there
    )
    return replace(
        labels,
        files=values,
        slice_source=BOX_SOURCE,
        annotations=ArchiveAnnotations(
            BOX_SOURCE, boxes=placed, boxed=tuple(images), series_counts=series_counts
        ),
        counts={**labels.counts, **counts},
        examples={
            **labels.examples,
            **{code: examples_of(rows, "box file") for code, rows in examples.items() if rows},
        },
    )


def labels_of_stored(
    labels: ArchiveLabels, items: Sequence[ExamItem], kept: Sequence[ExamItem]
) -> ArchiveLabels:
    """Count boxes by the series that are in the store, and forget what is said of the others.

    Args:
        labels: From :func:`join_boxes`, or any others, which stay as they are.
        items: The exams of the source.
        kept: Those of them, or of their alternatives, that are in the store.
    """
    if labels.slice_source != BOX_SOURCE:
        return labels
    stored = {path for item in kept for path in item.paths}
    ids = {item.exam_id for item in kept}
    tried: set[str] = set()
    for item in items:
        speaking = item.among(ids) or item
        tried.update(
            path for other in item.candidates if other is not speaking for path in other.paths
        )
    counts: Counter[str] = Counter()
    rows: dict[str, list[int]] = defaultdict(list)
    for image in labels.annotations.boxed:
        code = "boxes_in_another_series" if stored.isdisjoint(image.paths) else "boxes_of_exams"
        counts[code] += image.n_boxes
        rows[code] += image.rows
    for first, counted in labels.annotations.series_counts.items():
        if first in stored:
            counts.update(counted)
    return replace(
        labels,
        files={path: said for path, said in labels.files.items() if path not in tried - stored},
        counts={**labels.counts, **counts},
        examples={
            **labels.examples,
            **{code: examples_of(found, "box file") for code, found in rows.items()},
        },
    )


def _placed(
    files: Sequence[ScannedFile], boxes: BoxFile
) -> tuple[dict[str, tuple[ImageBox, ...]], list[int]]:
    """Return the boxes that overlap their image, and the rows of those that do not."""
    traits = {file.sop_instance_uid: file.traits for file in files if file.traits}
    placed: dict[str, tuple[ImageBox, ...]] = {}
    outside: list[int] = []
    for image, found in boxes.images.items():
        size = traits.get(image)
        kept = []
        for box, row in zip(found, boxes.image_rows[image], strict=True):
            if size and clip_box(box.box, rows=size.rows, columns=size.columns) is None:
                outside.append(row)
            else:
                kept.append(box)
        if kept:
            placed[image] = tuple(kept)
    return placed, outside


def _of_another_series(files: Sequence[ScannedFile], boxes: BoxFile) -> list[int]:
    """Return rows that name another series than their image's header does."""
    series: dict[str, set[str]] = defaultdict(set)
    for file in files:
        series[file.sop_instance_uid].add(file.series)
    return [
        row
        for image, rows in boxes.image_rows.items()
        if image in series
        for row, named in zip(rows, boxes.series[image], strict=True)
        if named and named not in series[image]
    ]


def _is_thick(file: ScannedFile, min_thick_mm: float) -> bool:
    thickness = file.traits.thickness_mm if file.traits else None
    return thickness is not None and thickness >= min_thick_mm


def _unsure(
    files: Sequence[ScannedFile],
    placed: Mapping[str, tuple[ImageBox, ...]],
    doubtful: frozenset[str],
    boxes: BoxFile,
) -> dict[str, set[str]]:
    """Return for each patient the kinds of which the absence of a box says nothing anywhere.

    Those boxed on an image of the study that the source does not have; all where a row could not
    be understood.
    """
    found: dict[str, set[str]] = defaultdict(set)
    in_source = {file.sop_instance_uid for file in files}
    elsewhere: dict[str, set[str]] = defaultdict(set)
    for image, study in boxes.studies.items():
        if image not in in_source:
            kinds = KINDS if image in doubtful else (box.finding for box in placed.get(image, ()))
            elsewhere[study].update(kinds)
    if elsewhere:
        for file in files:
            if file.patient_id and file.study in elsewhere:
                found[file.patient_id].update(elsewhere[file.study])
    for file in files:
        if file.sop_instance_uid in doubtful:
            found[file.patient_id].update(KINDS)
    return found


def _slice_values(
    exam: Sequence[ScannedFile],
    labels: ArchiveLabels,
    placed: Mapping[str, tuple[ImageBox, ...]],
    unsure: Collection[str],
    *,
    thin: bool,
) -> tuple[dict[str, Values], Counter[str]]:
    """Return the labels of a series' slices, and what is counted if it is the exam."""
    kinds_seen = [{box.finding for box in placed.get(file.sop_instance_uid, ())} for file in exam]
    folders = labels.above(exam[0].path)
    stated = labels.of(folders[0]) if folders else UNKNOWN
    readings = labels.readings.get(folders[0], ()) if folders else ()
    denied = bool(readings) and all(value == 0 for said in readings for value in said.values)
    boxed = set().union(*kinds_seen)
    found = slice_labels_from_boxes(
        kinds_seen,
        stated,
        all_negative=denied,
        doubtful={*unsure, *(boxed if thin else ())},
    )
    counts = Counter({"exams_boxed_thin": int(bool(boxed) and thin)})
    of_exam = dict(zip(FINDINGS, stated, strict=True))
    against = any(of_exam[kind] == 0 for kind in boxed)
    unboxed = any(of_exam[kind] == 1 for kind in FINDINGS[1:] if kind not in boxed)
    counts["exams_with_boxes_against_label"] += against
    counts["exams_with_kinds_without_box"] += bool(boxed) and unboxed
    if found is None:
        return {}, counts
    counts["exams_annotated"] += 1
    return {file.path: values for file, values in zip(exam, found, strict=True)}, counts
