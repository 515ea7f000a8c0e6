"""A first look at every file: what it is, and to which series it belongs."""

from __future__ import annotations

import json
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from examwise import __version__
from examwise.core.executors.protocol import Executor
from examwise.core.identity import Identity
from examwise.core.progress import Progress
from examwise.imaging.dicom_header import read_header
from examwise.imaging.dicom_rules import ct_slices, slice_position_mm
from examwise.imaging.nifti import NIFTI_SUFFIXES, check_nifti, is_nifti_name
from examwise.imaging.reasons import ImageRefused
from examwise.ingest.header_index import HeaderIndex
from examwise.ingest.image_traits import ImageTraits, traits_of
from examwise.ingest.listing import LINKED, OUTSIDE, Listing
from examwise.ingest.same_content import copies
from examwise.ingest.source_presence import require_source

_FILES_A_BATCH = 128
_NO_IMAGE = {OUTSIDE: "outside_source", LINKED: "linked_file"}
_MAY_BE_READABLE = frozenset({"unreadable", "changed_while_read"})
# To be raised when the same rules find other things in the same files.
_VERSION = 1


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
        frame_positions_mm: The same of each frame, where the file holds several.
        n_places: Of a NIfTI file, its length along the third axis.
        numbering: What tells its patient's number from another source's, where it needs telling.
        choice: What its series was weighed against, where one of several becomes the exam.
        rank: Of its series among those that can; 0 is the best, others are tried if it is refused.
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
    frame_positions_mm: tuple[float, ...] = ()
    numbering: str = ""
    choice: str = ""
    rank: int = 0


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


def header_index(identity: Identity, source: Path, rules: ScanRules) -> HeaderIndex:
    """Return where the first look at a source is kept; another version's looks are not known."""
    fields = (*ScannedFile._fields, *ImageTraits._fields)
    described = repr((_VERSION, __version__, fields, rules))
    return HeaderIndex(identity, source, rules=described)


def scan_files(
    source: Path,
    listing: Listing,
    *,
    rules: ScanRules,
    patient_of: Callable[[str], str],
    executor: Executor,
    progress: Progress,
    index: HeaderIndex | None = None,
) -> list[ScannedFile]:
    """Look at every file of a listing; the result has the listing's order.

    Args:
        source: The source.
        listing: Its files.
        rules: What the layout wants.
        patient_of: The patient that a path names; empty where the header says whose it is.
        executor: Where to read files.
        progress: Where to report to.
        index: What is known of the files already, from :func:`header_index`; what is found now is
            added.

    Raises:
        InputError: If the source is gone, or a machine that reads files does not see it.
    """
    shared = _Shared(patient_of)
    scanned: list[ScannedFile | None] = [
        ScannedFile(path, "", _NO_IMAGE.get(size, "unreadable")) if size < 0 else None
        for path, size in zip(listing.paths, listing.sizes, strict=True)
    ]
    if index is not None:
        for place, found in index.known(listing):
            scanned[place] = shared.file(listing.paths[place], _restored(found))
    missing = array("q", (place for place, file in enumerate(scanned) if file is None))
    starts = range(0, len(missing), _FILES_A_BATCH)
    batches = (
        (start, [listing.paths[place] for place in missing[start : start + _FILES_A_BATCH]])
        for start in starts
    )
    try:
        with progress.track("Reading headers", len(starts)) as advance:
            for start, files in executor.map(partial(_scan_batch, source, rules), batches):
                places = missing[start : start + _FILES_A_BATCH]
                for place, file in zip(places, files, strict=True):
                    scanned[place] = shared.file(listing.paths[place], file)
                    # What could not be read now may be readable next time.
                    if index is not None and file.reason not in _MAY_BE_READABLE:
                        keep_scanned(index, listing, place, file)
                advance()
    finally:
        if index is not None:
            index.flush()
    files = [file for file in scanned if file is not None]
    # Where masks and labels number every volume, two alike are two patients by their word.
    if rules.reads_nifti and not rules.mask_folder:
        volumes = [place for place, file in enumerate(files) if file.kind == "nifti"]
        for place in copies(source, listing, volumes):
            files[place] = files[place]._replace(reason="same_content")
    return _without_conflicts(files)


class _Shared:
    """Lets equal values of many files share one object."""

    def __init__(self, patient_of: Callable[[str], str]) -> None:
        self._patient_of = patient_of
        self._values: dict[Any, Any] = {}

    def file(self, path: str, file: ScannedFile) -> ScannedFile:
        """Return a file with shared values, and with the patient that its path names."""
        share = self._values.setdefault
        named = self._patient_of(path) if file.kind == "dicom" else ""
        return file._replace(
            path=path,
            kind=share(file.kind, file.kind),
            reason=share(file.reason, file.reason),
            patient_id=share(named or file.patient_id, named or file.patient_id),
            study=share(file.study, file.study),
            series=share(file.series, file.series),
            accession_number=share(file.accession_number, file.accession_number),
            traits=share(file.traits, file.traits),
        )


def keep_scanned(index: HeaderIndex, listing: Listing, place: int, file: ScannedFile) -> None:
    """Keep what was found in a file of a listing."""
    index.keep(listing, place, json.dumps(file[1:], separators=(",", ":")).encode())


def _restored(found: bytes) -> ScannedFile:
    """Return what was kept of a file, without its path."""
    file = ScannedFile("", *map(_frozen, json.loads(found)))
    return file if file.traits is None else file._replace(traits=ImageTraits(*file.traits))


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _scan_batch(
    source: Path, rules: ScanRules, batch: tuple[int, Sequence[str]]
) -> tuple[int, list[ScannedFile]]:
    start, paths = batch
    files = [_scan_file(source, path, rules) for path in paths]
    require_source(source, [file.reason for file in files], n_files=len(paths))
    return start, files


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
        slices = list(ct_slices(header).values())
        reason = ""
    except ImageRefused as refusal:
        slices, reason = [header], refusal.reason
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
        traits_of(slices[0]) if wanted else None,
        slice_position_mm(slices[0]) if wanted else None,
        frame_positions_mm=tuple(map(slice_position_mm, slices))
        if wanted and len(slices) > 1
        else (),
    )


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
