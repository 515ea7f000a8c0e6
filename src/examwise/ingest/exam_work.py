"""Reading one exam's files and committing it to the store: what runs in worker processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from examwise.core.errors import InputError
from examwise.core.identity import Identity
from examwise.core.manifest import BEGUN
from examwise.core.storage import Storage
from examwise.core.task import Task
from examwise.imaging.dicom_series import ReadSeries, read_series
from examwise.imaging.head_check import head_refusal
from examwise.imaging.nifti import NiftiScan, read_nifti_scan
from examwise.imaging.reasons import ImageRefused, status_of
from examwise.imaging.resample import resample_in_plane
from examwise.imaging.slabs import (
    Slabs,
    average_slabs,
    plan_slabs,
    slab_thickness_mm,
    union_mask,
)
from examwise.imaging.store_writer import ExamContent, StoreWriter
from examwise.ingest.config import SeriesSelectionConfig
from examwise.ingest.exam_annotations import ExamAnnotations, joined_boxes, joined_mask
from examwise.ingest.exam_items import ExamItem
from examwise.ingest.image_mask_work import joined_image_masks
from examwise.ingest.kernel_names import kernel_name
from examwise.ingest.label_events import label_events
from examwise.ingest.mask_colours import MaskColours
from examwise.ingest.series_rows import commonest_reason, read_series_row
from examwise.ingest.source_presence import require_source
from examwise.ingest.thick_slices import slab_boxes, slab_files, slab_values


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
        task: The task.
        mask_folder: Folder of colour-coded masks, if there is one.
        mask_colours: What their colours mean.
        selection: Which series are exams, and how thick their slices become.
        import_index: Which import of the store this is; 0 is the first.
    """

    source: Path
    store: str
    matrix: int
    archive: str
    data_terms: str
    identity: Identity
    task: Task
    mask_folder: Path | None = None
    mask_colours: MaskColours | None = None
    selection: SeriesSelectionConfig = field(default_factory=SeriesSelectionConfig)
    import_index: int = 0


@dataclass(frozen=True)
class ExamOutcome:
    """What became of an exam.

    Attributes:
        exam_id: The exam, as it was planned.
        stored: Whether it, or an alternative, is in the store.
        refused: If not: path of every file, within the source, to the reason.
        series: If not: rows of :data:`~examwise.core.schemas.store.SERIES`.
    """

    exam_id: str
    stored: bool
    refused: Mapping[str, str] = field(default_factory=dict, repr=False)
    series: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, eq=False)
class _Read:
    series: ReadSeries
    places: tuple[int, ...]
    """For each slice the index of its file, or its place along a NIfTI file's third axis."""
    scan: NiftiScan | None = None


@dataclass(frozen=True, eq=False)
class _Tried:
    """A series that is no exam, once it was read."""

    item: ExamItem
    reasons: Sequence[str]
    row: Mapping[str, Any]


def store_exam(job: ExamJob, item: ExamItem) -> ExamOutcome:
    """Read an exam and commit it, or else the first of its alternatives that is one.

    A series without any readable slice is none, nor is a chosen one whose pixels say so. The
    files of series that were tried in vain have a record of their own, written first.

    Raises:
        InputError: If the source or the store is gone.
    """
    _require_store(job.store)
    tried: list[_Tried] = []
    for candidate in item.candidates:
        read, refused = _read(job, candidate)
        require_source(job.source, refused.values(), n_files=len(candidate.paths))
        reason = "" if read is None else _refusal(job, candidate, read)
        if read is not None and not reason:
            content = _content(job, candidate, read, refused)
            row = read_series_row(candidate, read.series, "")
            writer = StoreWriter(job.store, import_index=job.import_index)
            if tried:  # before the exam: what is stored is not looked at again
                others = [row for other in tried for row in _rows_of_none(other)]
                rows_of_series = [other.row for other in tried]
                writer.write_files(f"tried-{candidate.exam_id}", others, series=rows_of_series)
            writer.write_exam(replace(content, series=[row]))
            return ExamOutcome(item.exam_id, stored=True)
        reasons = [refused.get(index, reason) for index in range(len(candidate.paths))]
        why = reason or commonest_reason(reasons)
        row = read_series_row(candidate, read.series if read else None, why)
        tried.append(_Tried(candidate, reasons, row))
    found = {
        path: why
        for other in tried
        for path, why in zip(other.item.paths, other.reasons, strict=True)
    }
    return ExamOutcome(item.exam_id, False, found, [other.row for other in tried])


def _require_store(url: str) -> None:
    """Raise where a folder is another one than that which the import began."""
    storage = Storage(url)
    if storage.local is not None and not storage.exists(BEGUN):
        raise InputError(
            where=url,
            expected="the store that was begun, under the same path on every machine",
            got="none, on a machine that reads exams",
            remedy="mount it there, then run the same command again: it goes on where it was",
        )


def _refusal(job: ExamJob, item: ExamItem, read: _Read) -> str:
    """Return why a series that was read is no exam; empty if it is one."""
    volume = read.series.volume
    reason = head_refusal(volume) if item.is_chosen else ""
    # The noise of a bone kernel passes for vessels.
    if reason and not (reason == "contrast" and job.selection.kernel != "soft"):
        return reason
    return "irregular_spacing" if _is_to_average(job, read) and not volume.regular else ""


def _is_to_average(job: ExamJob, read: _Read) -> bool:
    thickness = read.series.thickness_mm or read.series.volume.slice_spacing_mm
    return (
        job.selection.average_thin_to_mm is not None
        and thickness is not None
        and thickness < job.selection.min_thick_mm
    )


def _rows_of_none(tried: _Tried) -> Iterator[dict[str, Any]]:
    item = tried.item
    files = zip(item.paths, item.path_digests, tried.reasons, strict=True)
    for path, digest, reason in files:
        yield {
            "path_digest": digest,
            "status": status_of(reason, path),
            "reason": reason,
            "exam_id": None,
            "slice_index": None,
        }


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
    series, slabs = read.series, None
    volume, thickness_mm = series.volume, series.thickness_mm
    wanted_mm = job.selection.average_thin_to_mm
    if wanted_mm is not None and _is_to_average(job, read):
        slabs = plan_slabs(volume, wanted_mm)
        thickness_mm = slab_thickness_mm(thickness_mm, volume, slabs)
        volume = average_slabs(volume, slabs)
    volume = resample_in_plane(volume, job.matrix)
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
        "thickness_mm": thickness_mm,
        "kernel": kernel_name(series.kernel),
        "scanner_group": job.identity.scanner_group(*scanner) if any(scanner) else None,
        "lossy": series.lossy,
        "data_terms": job.data_terms,
    }
    seen = _annotations(job, item, read)
    content = ExamContent(
        exam=exam,
        pixels_hu=volume.pixels_hu,
        positions_mm=volume.positions_mm,
        labels=list(
            label_events(
                item,
                read.places,
                job.task.findings,
                several_frames=series.several_frames,
            )
        ),
        files=list(_file_rows(item, series, refused, seen.mask_reason)),
        boxes=seen.boxes,
        mask=seen.mask,
        mask_findings=job.task.findings,
        drawn_slices=seen.drawn_slices,
        counts=seen.counts,
    )
    return content if slabs is None else _of_slabs(job, item, read, content, slabs)


def _of_slabs(
    job: ExamJob, item: ExamItem, read: _Read, content: ExamContent, slabs: Slabs
) -> ExamContent:
    """Say of slabs what is said of slices; pixels and positions are those of slabs already."""
    labels = content.labels
    if item.slice_values is not None and read.places:
        several = read.series.several_frames
        values = [
            job.task.unknown if place in several else said
            for place, said in enumerate(item.slice_values)
        ]
        of_slabs = replace(item, slice_values=slab_values(values, read.places, slabs))
        labels = list(label_events(of_slabs, range(slabs.n_slabs), job.task.findings))
    drawn = content.drawn_slices
    if drawn is not None:
        places = {slabs.of(slice_index) for slice_index in drawn}
        drawn = sorted(place for place in places if place is not None)
    return replace(
        content,
        labels=labels,
        files=list(slab_files(content.files, slabs)),
        boxes=slab_boxes(content.boxes, slabs),
        mask=None if content.mask is None else union_mask(content.mask, slabs),
        drawn_slices=drawn,
    )


def _annotations(job: ExamJob, item: ExamItem, read: _Read) -> ExamAnnotations:
    if read.scan is None:
        seen = joined_boxes(item, read.series, job.matrix)
        if item.image_masks and job.mask_folder and job.mask_colours:
            more = joined_image_masks(
                item,
                read.series,
                job.matrix,
                job.task,
                folder=job.mask_folder,
                colours=job.mask_colours,
                boxes=seen.boxes,
            )
            seen = replace(more, counts={**seen.counts, **more.counts})
        left = read.series.n_frames_left_out
        return replace(seen, counts={**seen.counts, "frames_left_out": left}) if left else seen
    missing = item.slice_values is not None and not read.places
    counts = {"volumes_along_another_axis": 1} if missing else {}
    if not item.mask:
        return ExamAnnotations(counts=counts)
    values = item.slice_values
    slice_values = [values[place] if values else job.task.unknown for place in read.places]
    seen = joined_mask(item, job.source / item.mask, read.scan, slice_values, job.matrix, job.task)
    return replace(seen, counts={**seen.counts, **counts})


def _file_rows(
    item: ExamItem, series: ReadSeries, refused: Mapping[int, str], mask_reason: str
) -> Iterator[dict[str, Any]]:
    slice_of = {
        index: slice_index
        for slice_index, index in enumerate(series.used)
        if index not in series.several_frames
    }
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
