"""Colour-coded masks of one exam's images, brought to the store's slices and matrix."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from examwise.core.task import Task
from examwise.imaging.annotation_geometry import component_boxes, resample_mask, scale_box
from examwise.imaging.colour_masks import enlarge, read_picture, which_colour
from examwise.imaging.dicom_series import ReadSeries
from examwise.imaging.reasons import ImageRefused
from examwise.ingest.archive_labels import Values
from examwise.ingest.exam_annotations import ExamAnnotations, box_row, mask_bits, only_kind
from examwise.ingest.exam_items import ExamItem
from examwise.ingest.image_masks import MASK_SOURCE
from examwise.ingest.mask_colours import MaskColours


class _MaskRefused(Exception):  # noqa: N818  # an outcome on record
    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


def joined_image_masks(
    item: ExamItem,
    series: ReadSeries,
    matrix: int,
    task: Task,
    *,
    folder: Path,
    colours: MaskColours,
    boxes: Sequence[Mapping[str, Any]] = (),
) -> ExamAnnotations:
    """Read the masks of an exam's images, and box the connected parts of what they show.

    Where a colour stands for the summary finding, a slice's label says of which kind it is, if it
    states exactly one. Parts are boxed as drawn, before resampling.

    Args:
        item: The exam.
        series: Its series as read.
        matrix: Rows and columns of the store's matrix.
        task: The task.
        folder: Folder of the masks.
        colours: What their colours mean.
        boxes: Boxes that the exam has already.
    """
    counts: Counter[str] = Counter()
    drawn: dict[int, dict[str, npt.NDArray[np.bool_]]] = {}
    wanted = {index for index, name in enumerate(item.image_masks) if name}
    counts["colour_masks_without_slice"] = len(wanted - {*series.used})
    counts["colour_masks_on_several_frames"] = len(wanted & series.several_frames)
    wanted -= series.several_frames
    for slice_index, index in enumerate(series.used):
        if index not in wanted or series.in_plane is None:
            continue
        try:
            shown, n_unlisted = _read(folder / item.image_masks[index], series, colours)
        except _MaskRefused as refusal:
            counts[refusal.code] += 1
            continue
        counts["colour_masks_with_other_colours"] += n_unlisted > 0
        drawn[slice_index] = {
            finding: series.in_plane.apply(pixels).astype(bool) for finding, pixels in shown.items()
        }
    counts["colour_masks_joined"] = len(drawn)
    positive = {code: number for code, number in sorted(counts.items()) if number}
    if not drawn:
        return ExamAnnotations(boxes=boxes, counts=positive)
    return _placed(item, series, matrix, task, drawn, boxes, counts)


def _read(
    path: Path, series: ReadSeries, colours: MaskColours
) -> tuple[dict[str, npt.NDArray[np.int16]], int]:
    """Return finding to where it is drawn, as the image lies in its file."""
    try:
        picture = read_picture(path)
    except ImageRefused:
        raise _MaskRefused("colour_masks_unreadable") from None
    which = which_colour(picture, list(colours.meanings), tolerance=colours.tolerance)
    n_unlisted = int((which < 0).sum())
    if n_unlisted > colours.largest_unlisted_share * which.size:
        raise _MaskRefused("colour_masks_of_other_colours")
    try:
        which = enlarge(which, rows=series.source_rows, columns=series.source_columns)
    except ImageRefused:
        raise _MaskRefused("colour_masks_of_another_size") from None
    meanings = list(colours.meanings.values())
    return {
        finding: np.isin(
            which, [index for index, name in enumerate(meanings) if name == finding]
        ).astype(np.int16)
        for finding in colours.findings
    }, n_unlisted


def _placed(
    item: ExamItem,
    series: ReadSeries,
    matrix: int,
    task: Task,
    drawn: Mapping[int, Mapping[str, npt.NDArray[np.bool_]]],
    boxes: Sequence[Mapping[str, Any]],
    counts: Counter[str],
) -> ExamAnnotations:
    n_slices, rows, columns = series.volume.pixels_hu.shape
    next_box = Counter(row["slice_index"] for row in boxes)
    found = list(boxes)
    mask = np.zeros((n_slices, matrix, matrix), np.uint8)
    for slice_index, shown in drawn.items():
        values = _values(item, series.used[slice_index], task)
        for drawn_as, pixels in shown.items():
            sums_up = drawn_as == task.summary_finding
            finding = only_kind(values, task) if sums_up else drawn_as
            stated = values[task.findings.index(drawn_as)]
            parts = component_boxes(pixels)
            counts["slices_masked_against_label"] += bool(parts) and stated == 0
            counts["slices_positive_without_mask"] += not parts and stated == 1
            counts["mask_boxes"] += len(parts)
            bits = np.uint8(mask_bits(finding, task))
            mask[slice_index] |= resample_mask(pixels[None], matrix)[0] * bits
            for part in parts:
                placed = scale_box(part, rows=rows, columns=columns, matrix=matrix)
                row = box_row(item, slice_index, next_box[slice_index], placed, finding)
                found.append({**row, "source": MASK_SOURCE})
                next_box[slice_index] += 1
    return ExamAnnotations(
        boxes=found,
        mask=mask,
        drawn_slices=None if len(drawn) == n_slices else sorted(drawn),
        counts={code: number for code, number in sorted(counts.items()) if number},
    )


def _values(item: ExamItem, index: int, task: Task) -> Values:
    return item.slice_values[index] if item.slice_values else task.unknown
