"""A first look at every file: what it is, and to which series it belongs."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from examwise.core.executors.protocol import Executor
from examwise.core.progress import Progress
from examwise.imaging.dicom_header import read_header
from examwise.imaging.dicom_rules import require_ct_slice
from examwise.imaging.nifti import NIFTI_SUFFIXES, check_nifti, is_nifti_name
from examwise.imaging.reasons import ImageRefused
from examwise.ingest.listing import OUTSIDE, Listing

_FILES_A_BATCH = 128


class ScannedFile(NamedTuple):
    """What the first look found.

    Attributes:
        path: Path within the source.
        kind: ``dicom``, ``nifti``, or empty where the file is neither.
        reason: Why it cannot become a slice, empty if nothing speaks against it so far.
        patient_id: PatientID.
        study: StudyInstanceUID, of a NIfTI file its path.
        series: SeriesInstanceUID, of a NIfTI file its path.
        sop_instance_uid: SOPInstanceUID.
        accession_number: AccessionNumber.
    """

    path: str
    kind: str
    reason: str
    patient_id: str = ""
    study: str = ""
    series: str = ""
    sop_instance_uid: str = ""
    accession_number: str = ""


def scan_files(
    source: Path,
    listing: Listing,
    *,
    reads_nifti: bool,
    executor: Executor,
    progress: Progress,
) -> list[ScannedFile]:
    """Look at every file of a listing; the result has the listing's order."""
    paths = [p for p, size in zip(listing.paths, listing.sizes, strict=True) if size >= 0]
    starts = range(0, len(paths), _FILES_A_BATCH)
    batches = [paths[start : start + _FILES_A_BATCH] for start in starts]
    scanned = [
        ScannedFile(path, "", "outside_source" if size == OUTSIDE else "unreadable")
        for path, size in zip(listing.paths, listing.sizes, strict=True)
        if size < 0
    ]
    scan = partial(_scan_batch, source, reads_nifti)
    with progress.track("Reading headers", len(batches)) as advance:
        for batch in executor.map(scan, batches):
            scanned.extend(ScannedFile(*map(sys.intern, file)) for file in batch)
            advance()
    return _without_conflicts(sorted(scanned, key=lambda file: file.path))


def _scan_batch(source: Path, reads_nifti: bool, paths: Sequence[str]) -> list[ScannedFile]:
    return [_scan_file(source, path, reads_nifti) for path in paths]


def _scan_file(source: Path, path: str, reads_nifti: bool) -> ScannedFile:
    if is_nifti_name(path):
        if not reads_nifti:
            return ScannedFile(path, "", "not_dicom")
        try:
            check_nifti(source / path)
        except ImageRefused as refusal:
            return ScannedFile(path, "", refusal.reason)
        return ScannedFile(path, "nifti", "", _stem(path), path, path)
    try:
        header = read_header(source / path)
    except ImageRefused as refusal:
        return ScannedFile(path, "", refusal.reason)
    try:
        require_ct_slice(header)
        reason = ""
    except ImageRefused as refusal:
        reason = refusal.reason
    return ScannedFile(
        path,
        "dicom",
        reason,
        header.patient_id,
        header.study_instance_uid,
        header.series_instance_uid,
        header.sop_instance_uid,
        header.accession_number,
    )


def _stem(path: str) -> str:
    name = path.rpartition("/")[2]
    suffix = next(suffix for suffix in NIFTI_SUFFIXES if name.lower().endswith(suffix))
    return name[: -len(suffix)]


def _without_conflicts(files: Iterable[ScannedFile]) -> list[ScannedFile]:
    """Set aside all of a series that names several patients: nobody knows whose it is."""
    files = list(files)
    patients: dict[tuple[str, str], set[str]] = defaultdict(set)
    for file in files:
        if not file.reason:
            patients[file.study, file.series].add(file.patient_id)
    return [
        file._replace(reason="conflicting_identity")
        if not file.reason and len(patients[file.study, file.series]) > 1
        else file
        for file in files
    ]
