"""Reading one exam's files and committing it to the store: what runs in worker processes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from examwise.core.identity import Identity
from examwise.imaging.dicom_series import ReadSeries, read_series
from examwise.imaging.nifti import NiftiScan, read_nifti_scan
from examwise.imaging.reasons import ImageRefused, status_of
from examwise.imaging.resample import resample_in_plane
from examwise.imaging.store_writer import ExamContent, StoreWriter
from examwise.ingest.archive_labels import UNKNOWN
from examwise.ingest.exam_annotations import ExamAnnotations, joined_boxes, joined_mask
from examwise.ingest.exam_items import ExamItem
from examwise.ingest.label_events import label_events

# A kernel's name is short; anything else in that element may be a remark about somebody.
_KERNEL_NAME = re.compile(r"[A-Za-z0-9+\-_.]{1,12}(\\[A-Za-z0-9+\-_.]{1,12})?")


@dataclass(frozen=True)
class ExamJob:
    """What all exams of one ingest have in common.

    Attributes:
        source: The source.
        store: URL of the store.
        matrix: Rows and columns of stored slices.
        archive: Name of the archive.
        data_terms: Terms of use.
        identity: The site's key.
    """

    source: Path
    store: str
    matrix: int
    archive: str
    data_terms: str
    identity: Identity


@dataclass(frozen=True)
class ExamOutcome:
    """What became of an exam.

    Attributes:
        exam_id: The exam.
        stored: Whether it is in the store; if not, no image of it could be read.
        refused: Index of a file of the exam to the reason why it is no slice.
    """

    exam_id: str
    stored: bool
    refused: Mapping[int, str]


@dataclass(frozen=True, eq=False)
class _Read:
    series: ReadSeries
    places: tuple[int, ...]
    """For each slice the index of its file, or its place along a NIfTI file's third axis."""
    scan: NiftiScan | None = None


def store_exam(job: ExamJob, item: ExamItem) -> ExamOutcome:
    """Read an exam and commit it; an exam without any readable slice is not stored."""
    read, refused = _read(job, item)
    if read is not None:
        StoreWriter(job.store).write_exam(_content(job, item, read, refused))
    return ExamOutcome(item.exam_id, read is not None, refused)


def _read(job: ExamJob, item: ExamItem) -> tuple[_Read | None, dict[int, str]]:
    paths = [job.source / path for path in item.paths]
    if item.kind == "dicom":
        series, refused = read_series(paths)
        return (_Read(series, series.used) if series else None), refused
    try:
        scan = read_nifti_scan(paths[0])
    except ImageRefused as refusal:
        return None, {0: refusal.reason}
    _, rows, columns = scan.volume.pixels_hu.shape
    series = ReadSeries(
        volume=scan.volume,
        used=(),
        source_rows=rows,
        source_columns=columns,
        thickness_mm=None,
        kernel="",
        manufacturer="",
        model="",
        lossy=False,
    )
    return _Read(series, scan.places or (), scan), {}


def _content(job: ExamJob, item: ExamItem, read: _Read, refused: Mapping[int, str]) -> ExamContent:
    series = read.series
    volume = resample_in_plane(series.volume, job.matrix)
    scanner = (series.manufacturer, series.model)
    exam = {
        "exam_id": item.exam_id,
        "patient_key": item.patient_key,
        "archive": job.archive,
        "n_slices": len(volume.positions_mm),
        "rows": job.matrix,
        "columns": job.matrix,
        "source_rows": series.source_rows,
        "source_columns": series.source_columns,
        "row_spacing_mm": volume.row_spacing_mm,
        "column_spacing_mm": volume.column_spacing_mm,
        "slice_spacing_mm": volume.slice_spacing_mm,
        "regular": volume.regular,
        "gantry_tilt_degree": volume.gantry_tilt_degree,
        "affine": volume.affine.ravel().tolist(),
        "thickness_mm": series.thickness_mm,
        "kernel": series.kernel if _KERNEL_NAME.fullmatch(series.kernel) else None,
        "scanner_group": job.identity.scanner_group(*scanner) if any(scanner) else None,
        "lossy": series.lossy,
        "data_terms": job.data_terms,
    }
    seen = _annotations(job, item, read)
    return ExamContent(
        exam=exam,
        pixels_hu=volume.pixels_hu,
        positions_mm=volume.positions_mm,
        labels=list(label_events(item, read.places)),
        files=list(_file_rows(item, series, refused, seen.mask_reason)),
        boxes=seen.boxes,
        mask=seen.mask,
        counts=seen.counts,
    )


def _annotations(job: ExamJob, item: ExamItem, read: _Read) -> ExamAnnotations:
    if read.scan is None:
        return joined_boxes(item, read.series, job.matrix)
    missing = item.slice_values is not None and not read.places
    counts = {"volumes_along_another_axis": 1} if missing else {}
    if not item.mask:
        return ExamAnnotations(counts=counts)
    values = item.slice_values
    slice_values = [values[place] if values else UNKNOWN for place in read.places]
    seen = joined_mask(item, job.source / item.mask, read.scan, slice_values, job.matrix)
    return replace(seen, counts={**seen.counts, **counts})


def _file_rows(
    item: ExamItem, series: ReadSeries, refused: Mapping[int, str], mask_reason: str
) -> Iterator[dict[str, Any]]:
    slice_of = {index: slice_index for slice_index, index in enumerate(series.used)}
    for index, (path, digest) in enumerate(zip(item.paths, item.path_digests, strict=True)):
        reason = refused.get(index, "")
        yield {
            "path_digest": digest,
            "status": status_of(reason, path) if reason else "used",
            "reason": reason,
            "exam_id": item.exam_id,
            "slice_index": slice_of.get(index),
        }
    if item.mask:
        yield {
            "path_digest": item.mask_digest,
            "status": status_of(mask_reason, item.mask) if mask_reason else "used",
            "reason": mask_reason,
            "exam_id": item.exam_id,
            "slice_index": None,
        }
