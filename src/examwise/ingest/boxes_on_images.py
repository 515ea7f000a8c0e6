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
) -> ArchiveLabels:
    """Join boxes by SOPInstanceUID, and label the slices of annotated exams.

    Args:
        files: All files of the source.
        exams: The files of each exam.
        labels: Labels of the exams.
        boxes: The box file.

    Returns:
        The labels with boxes, slice labels, and counts of what was joined and what was not.
    """
    placed, outside = _placed(files, boxes)
    counts = Counter({code: len(rows) for code, rows in boxes.refused.items()})
    counts["box_rows"] = boxes.n_rows
    examples = {code: list(rows) for code, rows in boxes.refused.items()}
    examples["boxes_outside_image"] = outside
    counts["boxes_outside_image"] = len(outside)
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
        if image not in in_source:
            examples.setdefault(code, []).extend(boxes.image_rows[image])
    doubtful = boxes.doubtful | {
        image for image, found in boxes.images.items() if len(found) > len(placed.get(image, ()))
    }
    unsure = _unsure(files, in_exams, placed, doubtful)
    values: dict[str, Values] = {}
    for exam in exams:
        values |= _slice_values(exam, labels, placed, unsure, counts)
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


def _unsure(
    files: Sequence[ScannedFile],
    in_exams: set[str],
    placed: Mapping[str, tuple[ImageBox, ...]],
    doubtful: frozenset[str],
) -> dict[str, set[str]]:
    """Return for each patient the kinds of which the absence of a box says nothing.

    Those boxed on an image that is part of no exam; all where a row could not be understood.
    """
    found: dict[str, set[str]] = defaultdict(set)
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
) -> dict[str, Values]:
    kinds_seen = [{box.finding for box in placed.get(file.sop_instance_uid, ())} for file in exam]
    folders = labels.above(exam[0].path)
    stated = labels.of(folders[0]) if folders else UNKNOWN
    readings = labels.readings.get(folders[0], ()) if folders else ()
    denied = bool(readings) and all(value == 0 for said in readings for value in said.values)
    found = slice_labels_from_boxes(
        kinds_seen,
        stated,
        all_negative=denied,
        doubtful=unsure.get(exam[0].patient_id, ()),
    )
    boxed = set().union(*kinds_seen)
    of_exam = dict(zip(FINDINGS, stated, strict=True))
    against = any(of_exam[kind] == 0 for kind in boxed)
    unboxed = any(of_exam[kind] == 1 for kind in FINDINGS[1:] if kind not in boxed)
    counts["exams_with_boxes_against_label"] += against
    counts["exams_with_kinds_without_box"] += bool(boxed) and unboxed
    if found is None:
        return {}
    counts["exams_annotated"] += 1
    return {file.path: values for file, values in zip(exam, found, strict=True)}
