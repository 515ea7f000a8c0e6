"""A box file joined to the images of an archive, and what that says of their slices."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from examwise.core.schemas.findings import FINDINGS
from examwise.imaging.annotation_geometry import clip_box
from examwise.ingest.archive_labels import (
    KINDS,
    UNKNOWN,
    ArchiveAnnotations,
    ArchiveLabels,
    Values,
)
from examwise.ingest.bhx import BoxFile
from examwise.ingest.box_labels import slice_labels_from_boxes
from examwise.ingest.image_boxes import ImageBox
from examwise.ingest.join_counts import examples_of
from examwise.ingest.scan import ScannedFile

BOX_SOURCE = "bhx"
"""Source of boxes, and of the slice labels that follow from them."""


def join_boxes(
    files: Sequence[ScannedFile],
    exams: Sequence[Sequence[ScannedFile]],
    labels: ArchiveLabels,
    boxes: BoxFile,
    *,
    min_thick_mm: float,
) -> ArchiveLabels:
    """Join boxes by SOPInstanceUID, and label the slices of annotated exams.

    Boxes were drawn on some images of thick series: on thin slices, and in studies with boxes on
    images that are no part of the exam, the absence of a box says nothing.

    Args:
        files: All files of the source.
        exams: The files of each exam.
        labels: Labels of the exams.
        boxes: The box file.
        min_thick_mm: Slices at least as thick are thick.

    Returns:
        The labels with boxes, slice labels, and counts of what was joined and what was not.
    """
    placed, outside = _placed(files, boxes)
    examples = {code: list(rows) for code, rows in boxes.refused.items()}
    examples["boxes_outside_image"] = outside
    examples["boxes_of_another_type"] = list(boxes.other_types)
    examples["boxes_naming_another_series"] = _of_another_series(files, boxes)
    counts = Counter({code: len(rows) for code, rows in examples.items()})
    counts["box_rows"] = boxes.n_rows
    in_source = {file.sop_instance_uid for file in files}
    in_exams = {file.sop_instance_uid for exam in exams for file in exam}
    for image, found in placed.items():
        code = (
            "boxes_of_exams"
            if image in in_exams
            else "boxes_in_another_series"
            if image in in_source
            else "boxes_without_image"
        )
        counts[code] += len(found)
        examples.setdefault(code, []).extend(boxes.image_rows[image])
    doubtful = boxes.doubtful | {
        image for image, found in boxes.images.items() if len(found) > len(placed.get(image, ()))
    }
    unsure = _unsure(files, in_exams, placed, doubtful, boxes)
    values: dict[str, Values] = {}
    for exam in exams:
        thin = not all(_is_thick(file, min_thick_mm) for file in exam)
        values |= _slice_values(exam, labels, placed, unsure, counts, thin=thin)
    return replace(
        labels,
        files=values,
        slice_source=BOX_SOURCE,
        annotations=ArchiveAnnotations(BOX_SOURCE, boxes=placed),
        counts={**labels.counts, **counts},
        examples={
            **labels.examples,
            **{code: examples_of(rows, "box file") for code, rows in examples.items() if rows},
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
    in_exams: set[str],
    placed: Mapping[str, tuple[ImageBox, ...]],
    doubtful: frozenset[str],
    boxes: BoxFile,
) -> dict[str, set[str]]:
    """Return for each patient the kinds of which the absence of a box says nothing.

    Those boxed on an image of the study that is part of no exam, whether the source has it or not;
    all where a row could not be understood.
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
        image = file.sop_instance_uid
        if image in doubtful:
            found[file.patient_id].update(KINDS)
        elif image not in in_exams:
            found[file.patient_id].update(box.finding for box in placed.get(image, ()))
    return found


def _slice_values(
    exam: Sequence[ScannedFile],
    labels: ArchiveLabels,
    placed: Mapping[str, tuple[ImageBox, ...]],
    unsure: Mapping[str, set[str]],
    counts: Counter[str],
    *,
    thin: bool,
) -> dict[str, Values]:
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
        doubtful={*unsure.get(exam[0].patient_id, ()), *(boxed if thin else ())},
    )
    counts["exams_boxed_thin"] += bool(boxed) and thin
    of_exam = dict(zip(FINDINGS, stated, strict=True))
    against = any(of_exam[kind] == 0 for kind in boxed)
    unboxed = any(of_exam[kind] == 1 for kind in FINDINGS[1:] if kind not in boxed)
    counts["exams_with_boxes_against_label"] += against
    counts["exams_with_kinds_without_box"] += bool(boxed) and unboxed
    if found is None:
        return {}
    counts["exams_annotated"] += 1
    return {file.path: values for file, values in zip(exam, found, strict=True)}
