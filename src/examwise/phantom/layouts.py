"""Layouts of archives by name: how files and labels are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from examwise.core.registry import Registry
from examwise.phantom.exam import RenderedExam
from examwise.phantom.identifiers import ExamIdentifiers

LabelRow = Sequence[str | int]
"""A row of a layout's label file; what its fields are is the layout's own matter."""


class Layout(Protocol):
    """Writes rendered exams the way one kind of archive does."""

    def exam_objects(
        self, exam: RenderedExam, identifiers: ExamIdentifiers
    ) -> Iterator[tuple[str, bytes]]:
        """Yield the key and the bytes of every file of an exam."""
        ...

    def label_rows(self, exam: RenderedExam, identifiers: ExamIdentifiers) -> list[LabelRow]:
        """Return the exam's rows of the label file."""
        ...

    def label_objects(self, rows: Iterable[LabelRow]) -> Iterator[tuple[str, bytes]]:
        """Yield the key and the bytes of every label file, given all exams' rows."""
        ...


LAYOUTS = Registry("layout", {"rsna": "examwise.phantom.rsna_layout:RsnaLayout"})
"""Layout names; each entry is a :class:`Layout`, made without arguments."""
