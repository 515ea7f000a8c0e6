"""What an archive's label file says, by file and by folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from examwise.core.schemas.findings import FINDINGS
from examwise.core.task import Task, default_task
from examwise.ingest.image_boxes import ImageBox

Values = tuple[int | None, ...]
"""1, 0 or None (unknown) for each finding of the task, in their order."""

KINDS = tuple(finding for finding in FINDINGS if finding != "any")
"""The five kinds of haemorrhage, each of them ``any`` too, in layouts that know no others."""

UNKNOWN: Values = (None,) * len(FINDINGS)
"""Nothing known of any finding, in these layouts."""


class Reading(NamedTuple):
    """What one of several readers said of an exam.

    Attributes:
        source: Where that stands, as the ``source`` of label events.
        reader: The reader's pseudonym.
        values: What the reader said.
    """

    source: str
    reader: str
    values: Values


class BoxedImage(NamedTuple):
    """An image of the source with boxes.

    Attributes:
        paths: The files of that image, within the source.
        n_boxes: Its boxes.
        rows: Their rows of the box file.
    """

    paths: tuple[str, ...]
    n_boxes: int
    rows: tuple[int, ...]


@dataclass(frozen=True)
class ArchiveAnnotations:
    """Where findings were seen.

    Attributes:
        source: Where boxes and masks come from, as their ``source`` in the store.
        boxes: SOPInstanceUID to the boxes on that image.
        masks: Path of a NIfTI scan within the source to that of its mask.
        image_masks: Path of a DICOM image within the source to that of its colour-coded mask
            within the folder of masks.
        boxed: The images of the source with boxes.
        series_counts: Path of the first file of a series within the source to what is counted,
            by the codes of :data:`~examwise.ingest.join_counts.JOIN_COUNTS`, if it is an exam.
    """

    source: str = ""
    boxes: Mapping[str, tuple[ImageBox, ...]] = field(default_factory=dict)
    masks: Mapping[str, str] = field(default_factory=dict)
    image_masks: Mapping[str, str] = field(default_factory=dict)
    boxed: tuple[BoxedImage, ...] = ()
    series_counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class ArchiveLabels:
    """Labels of an archive.

    Attributes:
        task: Whose findings the values are of.
        source: Where the labels come from, as the ``source`` of label events.
        files: Path within the source to values: of the slice that a DICOM file becomes, or of
            the exam that a NIfTI file becomes.
        folders: Folder within the source to values of every exam in it; "" is the source itself.
        exams: Exams by their pseudonyms, written as :func:`exam_place` does, to their values.
        label_file: The label file, as the user named it.
        rows: File or folder within the source, or exam, to the rows of the label file that give its
            values, 0 where none does; empty for layouts that never state an exam's labels twice.
        n_labels_without_file: Labelled images, slices or studies that the source does not have.
        n_files_without_label: Images, slices or studies of the source without a label, where all
            should have one.
        volumes: Path of a NIfTI file within the source to values of its slices, in their order
            along the file's third axis. What stands beyond its length speaks of the exam alone.
        volume_rows: Such a path to the row of the label file for each slice, counted from 1.
        lost_rows: Rows of the label file without an image or slice in the source.
        readings: Folder within the source to what each reader said, where several labelled each
            exam; ``folders`` then holds what they come to.
        slice_source: Where labels of slices come from, if not from ``source``.
        slices_speak_for_exams: Whether an exam's label follows from its slices' where it has
            none of its own, so that the two must not contradict each other.
        annotations: Boxes and masks.
        counts: What was joined and what was not, by the codes of
            :data:`~examwise.ingest.join_counts.JOIN_COUNTS`.
        examples: Such a code to a few examples, rows of the user's own files.
    """

    task: Task = field(default_factory=default_task)
    source: str = ""
    files: Mapping[str, Values] = field(default_factory=dict)
    folders: Mapping[str, Values] = field(default_factory=dict)
    exams: Mapping[str, Values] = field(default_factory=dict)
    label_file: str = ""
    rows: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    n_labels_without_file: int = 0
    n_files_without_label: int = 0
    volumes: Mapping[str, tuple[Values, ...]] = field(default_factory=dict)
    volume_rows: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    lost_rows: tuple[int, ...] = ()
    readings: Mapping[str, tuple[Reading, ...]] = field(default_factory=dict)
    slice_source: str = ""
    slices_speak_for_exams: bool = True
    annotations: ArchiveAnnotations = field(default_factory=ArchiveAnnotations)
    counts: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, list[str]] = field(default_factory=dict)

    def above(self, path: str) -> list[str]:
        """Return the labelled folders that a file lies in, the outermost first.

        Example:
            >>> ArchiveLabels(folders={"a": (1,), "a/b": (1,)}).above("a/b/1.dcm")
            ['a', 'a/b']
        """
        if not self.folders:
            return []
        ends = [0, *(end for end, mark in enumerate(path) if mark == "/")]
        return [path[:end] for end in ends if path[:end] in self.folders]

    def of(self, path: str) -> Values:
        """Return what the label file says of a file, a folder or an exam itself."""
        if path in self.volumes:
            return exam_values(self.volumes[path])
        found = self.files.get(path) or self.folders.get(path) or self.exams.get(path)
        return found or self.task.unknown


def exam_place(exam_id: str) -> str:
    """Return how an exam's pseudonym stands among paths: no path is written so."""
    return f"\x1f{exam_id}"


def denied_kind(values: Values, task: Task) -> str | None:
    """Return a finding that is stated although what sums it up is denied, if there is one.

    Example:
        >>> task = default_task()
        >>> denied_kind((0, None, 0, 0, 0, 1), task), denied_kind((None, 1, 0, 0, 0, 0), task)
        ('subdural', None)
    """
    if not task.kinds or values[0] != 0:
        return None
    kinds = zip(task.kinds, values[1:], strict=True)
    return next((kind for kind, value in kinds if value == 1), None)


def exam_values(slice_values: Iterable[Values]) -> Values:
    """Work out an exam's values from those of all its images.

    Positive if one image is; negative only if all images are known to be; else unknown.

    Args:
        slice_values: Of every image of the exam, unusable ones included; at least one.

    Example:
        >>> exam_values([(0, 0, 0, 0, 0, 0), (1, 1, None, 0, 0, 0)])
        (1, 1, None, 0, 0, 0)
    """
    return tuple(_maximum(column) for column in zip(*slice_values, strict=True))


def merge_values(first: Values, second: Values) -> Values | None:
    """Join two statements about the same exam; None where they contradict each other.

    Example:
        >>> merge_values((1, None), (None, 0)), merge_values((1, None), (0, 0))
        ((1, 0), None)
    """
    merged: list[int | None] = []
    for one, other in zip(first, second, strict=True):
        if one is not None and other is not None and one != other:
            return None
        merged.append(other if one is None else one)
    return tuple(merged)


def first_difference(first: Values, second: Values) -> int:
    """Return the index of the first finding on which two statements contradict each other.

    Example:
        >>> first_difference((1, None, 0), (1, 0, 1))
        2
    """
    pairs = zip(first, second, strict=True)
    return next(index for index, pair in enumerate(pairs) if {*pair} == {0, 1})


def _maximum(values: Sequence[int | None]) -> int | None:
    if 1 in values:
        return 1
    return 0 if None not in values else None
