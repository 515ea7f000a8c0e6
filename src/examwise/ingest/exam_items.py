"""Scanned files to exams, with identity and labels: one work item an exam."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Sequence
from dataclasses import dataclass, field, replace

from examwise.core.errors import InputError
from examwise.core.identity import Identity
from examwise.ingest.archive_labels import (
    ArchiveLabels,
    Reading,
    Values,
    denied_kind,
    exam_place,
    exam_values,
    first_difference,
    merge_values,
)
from examwise.ingest.image_boxes import ImageBox
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
        slice_values: Labels of the slice that each file becomes, or that lies at each place along
            a NIfTI file's third axis; None where there are none.
        exam_values: Labels of the whole exam.
        label_source: Where the labels of the exam come from.
        slice_source: Where the labels of its slices come from.
        beside: Files of the same series that were refused already, within the source.
        readings: What each reader said, where several labelled the exam.
        boxes: Boxes on each file; empty where no file has any.
        image_masks: The colour-coded mask of each file, within the folder of masks, or nothing;
            empty where no file has one.
        mask: Its mask, within the source; empty if it has none.
        mask_digest: The mask's pseudonym.
        annotation_source: Where boxes and mask come from.
        study_id: Pseudonym of the study.
        is_chosen: Whether it is one of several that could be, by a rule: then its pixels may
            still say that it is none.
        alternatives: The next best series of the study, in their order, to be tried if this one
            is none; they have none themselves.
    """

    exam_id: str
    patient_key: str
    kind: str
    paths: tuple[str, ...] = field(repr=False)
    path_digests: tuple[str, ...]
    slice_values: tuple[Values, ...] | None
    exam_values: Values
    label_source: str
    slice_source: str
    beside: tuple[str, ...] = field(default=(), repr=False)
    readings: tuple[Reading, ...] = ()
    boxes: tuple[tuple[ImageBox, ...], ...] = ()
    image_masks: tuple[str, ...] = field(default=(), repr=False)
    mask: str = field(default="", repr=False)
    mask_digest: str = ""
    annotation_source: str = ""
    study_id: str = ""
    is_chosen: bool = False
    alternatives: tuple[ExamItem, ...] = ()

    @property
    def candidates(self) -> tuple[ExamItem, ...]:
        """The exam and its alternatives, in the order in which they are tried."""
        return self, *self.alternatives

    def among(self, exam_ids: Container[str]) -> ExamItem | None:
        """Return the candidate whose pseudonym is among some; None if there is none."""
        return next((item for item in self.candidates if item.exam_id in exam_ids), None)


def make_exam_items(
    files: Sequence[ScannedFile], labels: ArchiveLabels, identity: Identity
) -> list[ExamItem]:
    """Group usable files to exams, one for each patient, study and series, or one of a study's.

    Where PatientID is missing the patient's pseudonym is made from the study, so exams of one
    person may then have several. An exam's labels are those given for its folder or file; where
    its images have labels, all of them count, those set aside included, so that a positive image
    that cannot be read still makes its exam positive.

    Args:
        files: From :func:`~examwise.ingest.scan.scan_files`.
        labels: From the layout's label file.
        identity: The site's key.

    Raises:
        InputError: If labels of an exam contradict each other, ``any`` and its kinds included.
    """
    usable: dict[tuple[str, str], list[ScannedFile]] = defaultdict(list)
    for file in files:
        if file.kind != "mask" and (file.rank or not file.reason):
            usable[file.study, file.series].append(file)
    beside: dict[tuple[str, str], list[ScannedFile]] = defaultdict(list)
    for file in files:
        if file.reason and not file.rank and (file.study, file.series) in usable:
            beside[file.study, file.series].append(file)
    ranked: dict[tuple[str, str], list[tuple[int, ExamItem]]] = defaultdict(list)
    for key, group in usable.items():
        item = _item(key, group, beside.get(key, []), labels, identity)
        choice = ("choice", group[0].choice) if group[0].choice else key
        ranked[choice].append((group[0].rank, item))
    items = []
    for found in ranked.values():
        first, *others = (item for _, item in sorted(found, key=lambda pair: pair[0]))
        items.append(replace(first, alternatives=tuple(others)))
    return sorted(items, key=lambda item: item.exam_id)


def patient_key_of(file: ScannedFile, identity: Identity) -> str:
    """Return the pseudonym of the patient whose file it is."""
    # The separator keeps a study apart from a patient whose PatientID reads the same.
    patient = file.patient_id or f"\x1fstudy\x1f{file.study}"
    if file.numbering:
        patient = f"\x1fnumbering\x1f{file.numbering}\x1f{patient}"
    return identity.patient_key(patient)


def _item(
    key: tuple[str, str],
    group: Sequence[ScannedFile],
    beside: Sequence[ScannedFile],
    labels: ArchiveLabels,
    identity: Identity,
) -> ExamItem:
    study, series = key
    first = group[0]
    annotations = labels.annotations
    boxes = tuple(annotations.boxes.get(file.sop_instance_uid, ()) for file in group)
    image_masks = tuple(annotations.image_masks.get(file.path, "") for file in group)
    mask = annotations.masks.get(first.path, "")
    exam_id = identity.exam_id(study, series)
    return ExamItem(
        exam_id=exam_id,
        patient_key=patient_key_of(first, identity),
        kind=first.kind,
        paths=tuple(file.path for file in group),
        path_digests=tuple(identity.path_digest(file.path) for file in group),
        slice_values=_slice_values(group, labels),
        exam_values=_exam_values(_statements(exam_id, group, beside, labels), labels),
        label_source=labels.source,
        slice_source=labels.slice_source or labels.source,
        beside=tuple(file.path for file in beside),
        readings=_readings(first.path, labels),
        boxes=boxes if any(boxes) else (),
        image_masks=image_masks if any(image_masks) else (),
        mask=mask,
        mask_digest=identity.path_digest(mask) if mask else "",
        annotation_source=annotations.source,
        study_id=identity.study_id(study),
        is_chosen=bool(first.choice),
    )


def _readings(path: str, labels: ArchiveLabels) -> tuple[Reading, ...]:
    return next(
        (labels.readings[folder] for folder in labels.above(path) if folder in labels.readings), ()
    )


def _slice_values(group: Sequence[ScannedFile], labels: ArchiveLabels) -> tuple[Values, ...] | None:
    if group[0].kind == "nifti":
        return labels.volumes.get(group[0].path)
    by_file = tuple(labels.files.get(file.path, labels.task.unknown) for file in group)
    return by_file if any(known != labels.task.unknown for known in by_file) else None


def _statements(
    exam_id: str,
    group: Sequence[ScannedFile],
    beside: Sequence[ScannedFile],
    labels: ArchiveLabels,
) -> list[list[str]]:
    """Return what speaks of the exam: its own row, each folder above it, its files together."""
    folders = sorted({folder for file in group for folder in labels.above(file.path)})
    if (place := exam_place(exam_id)) in labels.exams:
        folders = [place, *folders]
    if not labels.slices_speak_for_exams:
        return [[folder] for folder in folders]
    refused = (file.path for file in beside if file.path in labels.files)
    return [*([folder] for folder in folders), [*(file.path for file in group), *refused]]


def _exam_values(statements: Sequence[Sequence[str]], labels: ArchiveLabels) -> Values:
    values: Values = labels.task.unknown
    heard: list[str] = []
    for paths in statements:
        stated = exam_values(labels.of(path) for path in paths)
        merged = merge_values(values, stated)
        if merged is None:
            index = first_difference(values, stated)
            finding = labels.task.findings[index]
            raise _contradiction(
                labels,
                _first_row(labels, heard, finding, values[index]),
                (_first_row(labels, paths, finding, stated[index]), finding),
            )
        heard += paths
        if kind := denied_kind(merged, labels.task):
            raise _contradiction(
                labels,
                _first_row(labels, heard, labels.task.findings[0], 0),
                (_first_row(labels, heard, kind, 1), kind),
            )
        values = merged
    return values


def _first_row(labels: ArchiveLabels, paths: Sequence[str], finding: str, value: int | None) -> int:
    index = labels.task.findings.index(finding)
    return next(labels.rows[path][index] for path in paths if labels.of(path)[index] == value)


def _contradiction(labels: ArchiveLabels, other_row: int, place: tuple[int, str]) -> InputError:
    row, column = place
    return InputError(
        where=f"{labels.label_file}, row {row}, column {column}",
        expected="labels of an exam that agree, whether given for folders, files or slices",
        got=f"an exam that row {other_row} says the opposite of",
        remedy="correct one of the two rows",
    )
