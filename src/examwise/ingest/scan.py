"""A first look at every file: what it is, and to which series it belongs."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from examwise.core.executors.protocol import Executor
from examwise.core.progress import Progress
from examwise.imaging.dicom_header import DicomHeader, read_header
from examwise.imaging.dicom_rules import require_ct_slice
from examwise.imaging.geometry import standard_orientation
from examwise.imaging.nifti import NIFTI_SUFFIXES, check_nifti, is_nifti_name
from examwise.imaging.reasons import ImageRefused
from examwise.ingest.image_traits import ImageTraits, traits_of
from examwise.ingest.listing import OUTSIDE, Listing

_FILES_A_BATCH = 128


class ScannedFile(NamedTuple):
    """What the first look found.

    Attributes:
        path: Path within the source.
        kind: ``dicom``, ``nifti``, ``mask``, or empty where the file is none of these.
        reason: Why it cannot become a slice, empty if nothing speaks against it so far.
        patient_id: PatientID.
        study: StudyInstanceUID, of a NIfTI file its path.
        series: SeriesInstanceUID, of a NIfTI file its path.
        sop_instance_uid: SOPInstanceUID.
        accession_number: AccessionNumber.
        traits: What the header says of the series, where the layout asks for it.
        position_mm: Along the slice normal, where the layout asks for it.
        n_places: Of a NIfTI file, its length along the third axis.
    """

    path: str
    kind: str
    reason: str
    patient_id: str = ""
    study: str = ""
    series: str = ""
    sop_instance_uid: str = ""
    accession_number: str = ""
    traits: ImageTraits | None = None
    position_mm: float | None = None
    n_places: int = 0


@dataclass(frozen=True)
class ScanRules:
    """What a layout wants from the first look.

    Attributes:
        reads_nifti: Whether NIfTI files are exams.
        mask_folder: Folder within the source whose NIfTI files are masks; empty if there is none.
        selects_series: Whether traits and positions are wanted, to choose among series.
    """

    reads_nifti: bool
    mask_folder: str = ""
    selects_series: bool = False


def scan_files(
    source: Path,
    listing: Listing,
    *,
    rules: ScanRules,
    patient_of: Callable[[str], str],
    executor: Executor,
    progress: Progress,
) -> list[ScannedFile]:
    """Look at every file of a listing; the result has the listing's order.

    Args:
        source: The source.
        listing: Its files.
        rules: What the layout wants.
        patient_of: The patient that a path names; empty where the header says whose it is.
        executor: Where to read files.
        progress: Where to report to.
    """
    paths = [p for p, size in zip(listing.paths, listing.sizes, strict=True) if size >= 0]
    starts = range(0, len(paths), _FILES_A_BATCH)
    batches = [paths[start : start + _FILES_A_BATCH] for start in starts]
    scanned = [
        ScannedFile(path, "", "outside_source" if size == OUTSIDE else "unreadable")
        for path, size in zip(listing.paths, listing.sizes, strict=True)
        if size < 0
    ]
    scan = partial(_scan_batch, source, rules)
    traits: dict[ImageTraits | None, ImageTraits | None] = {}
    with progress.track("Reading headers", len(batches)) as advance:
        for batch in executor.map(scan, batches):
            scanned.extend(_shared(file, traits, patient_of) for file in batch)
            advance()
    return _without_conflicts(sorted(scanned, key=lambda file: file.path))


def _shared(
    file: ScannedFile,
    traits: dict[ImageTraits | None, ImageTraits | None],
    patient_of: Callable[[str], str],
) -> ScannedFile:
    """Let equal values of many files share one object; put in the patient that the path names."""
    named = patient_of(file.path) if file.kind == "dicom" else ""
    return file._replace(
        kind=sys.intern(file.kind),
        reason=sys.intern(file.reason),
        patient_id=sys.intern(named or file.patient_id),
        study=sys.intern(file.study),
        series=sys.intern(file.series),
        traits=traits.setdefault(file.traits, file.traits),
    )


def _scan_batch(source: Path, rules: ScanRules, paths: Sequence[str]) -> list[ScannedFile]:
    return [_scan_file(source, path, rules) for path in paths]


def _scan_file(source: Path, path: str, rules: ScanRules) -> ScannedFile:
    is_mask = bool(rules.mask_folder) and path.startswith(f"{rules.mask_folder}/")
    if is_nifti_name(path):
        if not (rules.reads_nifti or is_mask):
            return ScannedFile(path, "", "not_dicom")
        try:
            shape = check_nifti(source / path, needs_geometry=not is_mask)
        except ImageRefused as refusal:
            return ScannedFile(path, "", refusal.reason)
        if is_mask:
            return ScannedFile(path, "mask", "", file_stem(path))
        return ScannedFile(path, "nifti", "", file_stem(path), path, path, n_places=shape[2])
    if is_mask:
        return ScannedFile(path, "", "not_dicom")
    try:
        header = read_header(source / path)
    except ImageRefused as refusal:
        return ScannedFile(path, "", refusal.reason)
    try:
        require_ct_slice(header)
        reason = ""
    except ImageRefused as refusal:
        reason = refusal.reason
    wanted = rules.selects_series and not reason
    return ScannedFile(
        path,
        "dicom",
        reason,
        header.patient_id,
        header.study_instance_uid,
        header.series_instance_uid,
        header.sop_instance_uid,
        header.accession_number,
        traits_of(header) if wanted else None,
        _position_mm(header) if wanted else None,
    )


def _position_mm(header: DicomHeader) -> float:
    normal = standard_orientation(header.orientation or ()).normal
    return float(normal @ (header.position_mm or ()))


def file_stem(path: str) -> str:
    """Return the name of a NIfTI file without folders and suffix.

    Example:
        >>> file_stem("ct_scans/049.nii.gz")
        '049'
    """
    name = path.rpartition("/")[2]
    suffix = next(suffix for suffix in NIFTI_SUFFIXES if name.lower().endswith(suffix))
    return name[: -len(suffix)]


def _without_conflicts(files: Iterable[ScannedFile]) -> list[ScannedFile]:
    """Set aside all of a series that names several patients: nobody knows whose it is."""
    files = list(files)
    patients: dict[tuple[str, str], set[str]] = defaultdict(set)
    for file in files:
        if not file.reason and file.kind != "mask":
            patients[file.study, file.series].add(file.patient_id)
    return [
        file._replace(reason="conflicting_identity")
        if not file.reason and file.kind != "mask" and len(patients[file.study, file.series]) > 1
        else file
        for file in files
    ]
