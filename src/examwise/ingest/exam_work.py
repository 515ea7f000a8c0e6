"""Reading one exam's files and committing it to the store: what runs in worker processes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examwise.core.identity import Identity
from examwise.core.schemas.findings import FINDINGS
from examwise.imaging.dicom_series import ReadSeries, read_series
from examwise.imaging.nifti import read_nifti
from examwise.imaging.reasons import ImageRefused, status_of
from examwise.imaging.resample import resample_in_plane
from examwise.imaging.store_writer import ExamContent, StoreWriter
from examwise.ingest.archive_labels import Values
from examwise.ingest.exam_items import ExamItem

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


def store_exam(job: ExamJob, item: ExamItem) -> ExamOutcome:
    """Read an exam and commit it; an exam without any readable slice is not stored."""
    series, refused = _read(job, item)
    if series is not None:
        StoreWriter(job.store).write_exam(_content(job, item, series, refused))
    return ExamOutcome(item.exam_id, series is not None, refused)


def _read(job: ExamJob, item: ExamItem) -> tuple[ReadSeries | None, dict[int, str]]:
    paths = [job.source / path for path in item.paths]
    if item.kind == "dicom":
        return read_series(paths)
    try:
        volume = read_nifti(paths[0])
    except ImageRefused as refusal:
        return None, {0: refusal.reason}
    _, rows, columns = volume.pixels_hu.shape
    series = ReadSeries(
        volume=volume,
        used=(),
        source_rows=rows,
        source_columns=columns,
        thickness_mm=None,
        kernel="",
        manufacturer="",
        model="",
        lossy=False,
    )
    return series, {}


def _content(
    job: ExamJob, item: ExamItem, series: ReadSeries, refused: Mapping[int, str]
) -> ExamContent:
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
    return ExamContent(
        exam=exam,
        pixels_hu=volume.pixels_hu,
        positions_mm=volume.positions_mm,
        labels=list(_label_events(item, series)),
        files=list(_file_rows(item, series, refused)),
    )


def _label_events(item: ExamItem, series: ReadSeries) -> Iterator[dict[str, Any]]:
    yield from _events(item, item.exam_values, None)
    if item.slice_values is not None:
        for slice_index, index in enumerate(series.used):
            yield from _events(item, item.slice_values[index], slice_index)


def _events(item: ExamItem, values: Values, slice_index: int | None) -> Iterator[dict[str, Any]]:
    for finding, value in zip(FINDINGS, values, strict=True):
        if value is not None:
            yield {
                "exam_id": item.exam_id,
                "slice_start": slice_index,
                "slice_stop": None if slice_index is None else slice_index + 1,
                "finding": finding,
                "value": value,
                "source": item.label_source,
                "reader": None,
                "seconds": None,
                "round": 0,
            }


def _file_rows(
    item: ExamItem, series: ReadSeries, refused: Mapping[int, str]
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
