"""Boxes and a mask of one exam, brought to the store's slices and matrix."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from examwise.core.schemas.annotations import finding_bit
from examwise.core.task import Task
from examwise.imaging.annotation_geometry import (
    Box,
    clip_box,
    component_boxes,
    orient_box,
    resample_mask,
    scale_box,
)
from examwise.imaging.dicom_series import ReadSeries
from examwise.imaging.nifti import NiftiScan
from examwise.imaging.nifti_masks import read_nifti_mask
from examwise.imaging.reasons import ImageRefused
from examwise.ingest.archive_labels import Values
from examwise.ingest.exam_items import ExamItem


@dataclass(frozen=True, eq=False)
class ExamAnnotations:
    """What was seen where in one exam.

    Attributes:
        boxes: Rows of :data:`~examwise.core.schemas.annotations.BOXES`.
        mask: Bits of findings, uint8, shape (slices, matrix, matrix); None if there is none.
        drawn_slices: The slices that were drawn on; None if all were.
        mask_reason: Why its mask could not be used; empty if it could.
        counts: What was joined, see :data:`~examwise.ingest.join_counts.JOIN_COUNTS`.
    """

    boxes: Sequence[Mapping[str, Any]] = ()
    mask: npt.NDArray[np.uint8] | None = None
    drawn_slices: Sequence[int] | None = None
    mask_reason: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)


def joined_boxes(item: ExamItem, series: ReadSeries, matrix: int) -> ExamAnnotations:
    """Bring the boxes on a series' images to its slices.

    Args:
        item: The exam.
        series: Its series as read.
        matrix: Rows and columns of the store's matrix.
    """
    if not item.boxes or series.in_plane is None:
        return ExamAnnotations()
    counts: Counter[str] = Counter()
    size = {"rows": series.source_rows, "columns": series.source_columns}
    _, rows, columns = series.volume.pixels_hu.shape
    found: list[dict[str, Any]] = []
    for index in series.several_frames:
        counts["boxes_on_several_frames"] += len(item.boxes[index])
    for slice_index, index in enumerate(series.used):
        if index in series.several_frames:
            continue
        for box_index, (box, finding, chronic) in enumerate(item.boxes[index]):
            clipped = clip_box(box, **size)
            if clipped is None:  # several files of one SOPInstanceUID, of different sizes
                counts["boxes_outside_image"] += 1
                continue
            counts["boxes_joined"] += 1
            counts["boxes_clipped"] += clipped != box
            placed = scale_box(
                orient_box(clipped, series.in_plane, **size),
                rows=rows,
                columns=columns,
                matrix=matrix,
            )
            found.append(box_row(item, slice_index, box_index, placed, finding, chronic=chronic))
    return ExamAnnotations(boxes=found, counts=_positive(counts))


def joined_mask(
    item: ExamItem,
    path: Path,
    scan: NiftiScan,
    slice_values: Sequence[Values],
    matrix: int,
    task: Task,
) -> ExamAnnotations:
    """Read an exam's mask, bring it to the store's matrix, and box its connected parts.

    The mask says where bleeds are, and the slice's label of which kind, where it states exactly
    one; otherwise only that it is ``any``. Parts are boxed as drawn, before resampling.

    Args:
        item: The exam.
        path: The mask.
        scan: The scan as read.
        slice_values: Labels of the slices, lowest first; empty if none can be told.
        matrix: Rows and columns of the store's matrix.
        task: The task.
    """
    try:
        drawn, same_place = read_nifti_mask(path, scan)
    except ImageRefused as refusal:
        return ExamAnnotations(mask_reason=refusal.reason, counts={"masks_refused": 1})
    counts = Counter({"masks_joined": 1, "masks_of_another_affine": int(not same_place)})
    n_slices, rows, columns = drawn.shape
    bits = np.zeros(n_slices, np.uint8)
    found: list[dict[str, Any]] = []
    for slice_index in range(n_slices):
        values = slice_values[slice_index] if slice_values else task.unknown
        finding = only_kind(values, task)
        bits[slice_index] = mask_bits(finding, task)
        boxes = component_boxes(drawn[slice_index])
        counts["slices_masked_against_label"] += bool(boxes) and values[0] == 0
        counts["slices_positive_without_mask"] += not boxes and values[0] == 1
        counts["mask_boxes"] += len(boxes)
        for box_index, box in enumerate(boxes):
            placed = scale_box(box, rows=rows, columns=columns, matrix=matrix)
            found.append(box_row(item, slice_index, box_index, placed, finding))
    mask = resample_mask(drawn, matrix) * bits[:, None, None]
    return ExamAnnotations(boxes=found, mask=mask, counts=_positive(counts))


def only_kind(values: Values, task: Task) -> str:
    """Return the kind that a slice's label states if it states exactly one, else their sum.

    Example:
        >>> from examwise.core.task import default_task
        >>> only_kind((1, 0, 0, 1, 0, 0), default_task()), only_kind((1,) * 6, default_task())
        ('intraventricular', 'any')
    """
    stated = dict(zip(task.findings, values, strict=True))
    kinds = [kind for kind in task.kinds if stated[kind] != 0]
    return kinds[0] if len(kinds) == 1 and stated[kinds[0]] == 1 else task.findings[0]


def mask_bits(finding: str, task: Task) -> int:
    """Return the bits of a pixel in which a finding was drawn; that of the sum is one of them.

    Example:
        >>> from examwise.core.task import default_task
        >>> mask_bits("subdural", default_task())
        33
    """
    sums_up = 1 if task.summary_finding else 0
    return sums_up | finding_bit(finding, task.findings)


def box_row(
    item: ExamItem,
    slice_index: int,
    box_index: int,
    box: Box,
    finding: str,
    *,
    chronic: bool = False,
) -> dict[str, Any]:
    """Return a row of :data:`~examwise.core.schemas.annotations.BOXES`."""
    return {
        "exam_id": item.exam_id,
        "slice_index": slice_index,
        "box_index": box_index,
        "finding": finding,
        **box._asdict(),
        "chronic": chronic,
        "source": item.annotation_source,
    }


def _positive(counts: Counter[str]) -> dict[str, int]:
    return {code: number for code, number in sorted(counts.items()) if number}
