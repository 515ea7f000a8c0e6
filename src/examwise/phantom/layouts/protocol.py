"""What a layout does: writes exams, and tables of labels once all exams are written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from examwise.phantom.exam import RenderedExam
from examwise.phantom.identifiers import ExamIdentifiers

Row = Sequence[str | int | float]
"""A row of a label table; what its fields are is the layout's own matter."""

Objects = Iterator[tuple[str, bytes]]
"""Keys and bytes of files."""


@dataclass(frozen=True)
class LabelledExam:
    """An exam, the identifiers it is written under, and its labels.

    Attributes:
        exam: The exam.
        identifiers: Its identifiers, from the layout.
        labels: Whether each kind is labelled as present, bool, shape (slices, 5): the truth, or
            what label noise made of it.
        seed: Of everything random about the writing of this exam.
    """

    exam: RenderedExam
    identifiers: ExamIdentifiers
    labels: npt.NDArray[np.bool_]
    seed: int


class Layout(Protocol):
    """Writes rendered exams the way one kind of archive does; made without arguments.

    Attributes:
        further_series: Whether other series of a study are written as well.
        one_exam_a_patient: Whether no two exams may be of one patient.
    """

    further_series: bool
    one_exam_a_patient: bool

    def identifiers(self, seed: int, exam: RenderedExam) -> ExamIdentifiers:
        """Return an exam's identifiers; a function of the seed, and its numbers and series."""
        ...

    def exam_objects(self, item: LabelledExam) -> Objects:
        """Yield the key and the bytes of every file of an exam."""
        ...

    def label_rows(self, item: LabelledExam) -> dict[str, list[Row]]:
        """Return the exam's rows of each label table, by the table's name."""
        ...

    def label_objects(self, tables: Mapping[str, list[Row]]) -> Objects:
        """Yield the key and the bytes of every label file, given all exams' rows in order."""
        ...
