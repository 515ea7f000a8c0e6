"""Scanned files to exams, with identity and labels: one work item an exam."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from examwise.core.errors import InputError
from examwise.core.identity import Identity
from examwise.ingest.archive_labels import (
    UNKNOWN,
    ArchiveLabels,
    Values,
    exam_values,
    merge_values,
)
from examwise.ingest.scan import ScannedFile


@dataclass(frozen=True)
class ExamItem:
    """One exam to be read and stored.

    Attributes:
        exam_id: Pseudonym of the series.
        patient_key: Pseudonym of the patient.
        kind: ``dicom`` or ``nifti``.
        paths: Its files within the source, sorted.
        path_digests: Their pseudonyms.
        slice_values: Labels of the slice that each file becomes; None where no file has any.
        exam_values: Labels of the whole exam.
        label_source: Where the labels come from.
        beside: Files of the same series that were refused already, within the source.
    """

    exam_id: str
    patient_key: str
    kind: str
    paths: tuple[str, ...] = field(repr=False)
    path_digests: tuple[str, ...]
    slice_values: tuple[Values, ...] | None
    exam_values: Values
    label_source: str
    beside: tuple[str, ...] = field(default=(), repr=False)


def make_exam_items(
    files: Sequence[ScannedFile], labels: ArchiveLabels, identity: Identity
) -> list[ExamItem]:
    """Group usable files to exams, one for each patient, study and series.

    Where PatientID is missing the patient's pseudonym is made from the study, so exams of one
    person may then have several. An exam's labels are those given for its folder or file; where
    its images have labels, all of them count, those set aside included, so that a positive image
    that cannot be read still makes its exam positive.

    Args:
        files: From :func:`~examwise.ingest.scan.scan_files`.
        labels: From the layout's label file.
        identity: The site's key.

    Raises:
        InputError: If labels of an exam contradict each other.
    """
    usable: dict[tuple[str, str], list[ScannedFile]] = defaultdict(list)
    for file in files:
        if not file.reason:
            usable[file.study, file.series].append(file)
    beside: dict[tuple[str, str], list[ScannedFile]] = defaultdict(list)
    for file in files:
        if file.reason and (file.study, file.series) in usable:
            beside[file.study, file.series].append(file)
    items = [
        _item(key, group, beside.get(key, []), labels, identity) for key, group in usable.items()
    ]
    return sorted(items, key=lambda item: item.exam_id)


def _item(
    key: tuple[str, str],
    group: Sequence[ScannedFile],
    beside: Sequence[ScannedFile],
    labels: ArchiveLabels,
    identity: Identity,
) -> ExamItem:
    study, series = key
    first = group[0]
    # The separator keeps a study apart from a patient whose PatientID reads the same.
    patient = first.patient_id or f"\x1fstudy\x1f{study}"
    by_file = tuple(labels.files.get(file.path, UNKNOWN) for file in group)
    values = _stated(group, labels)
    if first.kind == "dicom":
        by_image = [*by_file, *(labels.files[f.path] for f in beside if f.path in labels.files)]
        values = _agree(values, exam_values(by_image))
    slices_labelled = first.kind == "dicom" and any(known != UNKNOWN for known in by_file)
    return ExamItem(
        exam_id=identity.exam_id(study, series),
        patient_key=identity.patient_key(patient),
        kind=first.kind,
        paths=tuple(file.path for file in group),
        path_digests=tuple(identity.path_digest(file.path) for file in group),
        slice_values=by_file if slices_labelled else None,
        exam_values=values,
        label_source=labels.source,
        beside=tuple(file.path for file in beside),
    )


def _stated(group: Sequence[ScannedFile], labels: ArchiveLabels) -> Values:
    """Return what the label file says of the whole exam, by its file or any folder above."""
    values = UNKNOWN
    if group[0].kind == "nifti":
        values = labels.files.get(group[0].path, UNKNOWN)
    for folder in sorted({folder for file in group for folder in labels.above(file.path)}):
        values = _agree(values, labels.folders[folder])
    return values


def _agree(first: Values, second: Values) -> Values:
    merged = merge_values(first, second)
    if merged is None:
        raise InputError(
            where="label file",
            expected="labels of an exam that agree, whether given for folders, files or slices",
            got="an exam with both labels for one finding",
            remedy="correct the rows of its folder, of folders around it, or of its slices",
        )
    return merged
