"""Options of ingesting an archive."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, get_args

from examwise.core.errors import InputError
from examwise.core.task import Kernel, Task, default_task
from examwise.ingest.exam_label_rule import ExamLabelRule

LARGEST_MATRIX = 2048

ALLOW_UNMATCHED = "--ingest.allow_unmatched_labels true"
"""How the user says that labels and images need not match."""

_EVERY = "--ingest.series.select every"

LET_IN = {
    "another_series_of_the_study": _EVERY,
    "bone_kernel": "--ingest.series.kernel any",
    "contrast": _EVERY,
    "not_head": _EVERY,
    "projection": _EVERY,
    "soft_kernel": "--ingest.series.kernel any",
    "too_few_slices": "--ingest.series.min_slices with fewer, or " + _EVERY,
}
"""Reason why a series is no exam to the option that makes it one."""


@dataclass(frozen=True)
class SeriesSelectionConfig:
    """Which series of a study is the exam, where a layout has several.

    Attributes:
        min_slices: Fewest different positions of a series that can be a head.
        wanted_thickness_mm: Of several plain series the one nearest to it is taken.
        min_thick_mm: Slices at least as thick are thick; thin series are taken only where a study
            has no thick one.
        kernel: Which convolution kernel an exam's series must have: of soft tissue, of bone, or
            any.
        select: One series of each study, or every one that can be read, whatever its kernel,
            length, contrast medium or part of the body.
        average_thin_to_mm: Average slices thinner than ``min_thick_mm`` to about this thickness,
            in every layout; None leaves them thin.

    Raises:
        InputError: If a number is out of range, or there is no such kernel or choice.
    """

    min_slices: int = 10
    wanted_thickness_mm: float = 5.0
    min_thick_mm: float = 2.5
    kernel: Kernel = "soft"
    select: Literal["one", "every"] = "one"
    average_thin_to_mm: float | None = None

    def __post_init__(self) -> None:
        for name in ("min_slices", "wanted_thickness_mm", "min_thick_mm"):
            value = getattr(self, name)
            if not (_is_number(value) and value > 0):
                raise InputError(
                    where=f"option series.{name}", expected="a number above 0", got=value
                )
        if self.kernel not in get_args(Kernel):
            raise InputError(
                where="option series.kernel",
                expected=f"one of {', '.join(get_args(Kernel))}",
                got=self.kernel,
            )
        if self.select not in ("one", "every"):
            raise InputError(where="option series.select", expected="one or every", got=self.select)
        if self.select == "every" and self.kernel == "bone":
            raise InputError(
                where="option series.kernel",
                expected="soft or any, where every series is an exam",
                got=self.kernel,
                remedy="leave --ingest.series.select at one",
            )
        thick = self.average_thin_to_mm
        if thick is not None and not (_is_number(thick) and thick >= self.min_thick_mm):
            raise InputError(
                where="option series.average_thin_to_mm",
                expected=f"a number from series.min_thick_mm = {self.min_thick_mm:g} on",
                got=thick,
            )


@dataclass(frozen=True)
class IngestConfig:
    """Options of ingesting an archive.

    Attributes:
        matrix: Rows and columns of every stored slice; 512 keeps most CT as acquired.
        allow_unmatched_labels: Go on where labels have no image, or images no label.
        archive_name: Name of the archive in all tables; the layout's own if None.
        data_terms: Terms of use, carried on to models; the layout's own if None.
        exam_label: How many of several readers make a finding of an exam positive (cq500):
            majority, any, all or a number; then rules of single findings, such as
            ``majority,epidural=any``.
        series: Which series of a study is the exam, where the layout has several (cq500, folder).
        task: Which findings are looked for, and where.

    Raises:
        InputError: If a value is of another type or out of range, a text is empty, or there is no
            such rule.

    Example:
        >>> IngestConfig(matrix=256).matrix
        256
    """

    matrix: int = 512
    allow_unmatched_labels: bool = False
    archive_name: str | None = None
    data_terms: str | None = None
    exam_label: str = "majority"
    series: SeriesSelectionConfig = field(default_factory=SeriesSelectionConfig)
    task: Task = field(default_factory=default_task)

    def __post_init__(self) -> None:
        if not (type(self.matrix) is int and 8 <= self.matrix <= LARGEST_MATRIX):
            raise InputError(
                where="option matrix",
                expected=f"a whole number, 8 to {LARGEST_MATRIX}",
                got=self.matrix,
            )
        if not isinstance(self.allow_unmatched_labels, bool):
            raise InputError(
                where="option allow_unmatched_labels",
                expected="true or false",
                got=self.allow_unmatched_labels,
            )
        ExamLabelRule.parse(self.exam_label)
        for name in ("archive_name", "data_terms"):
            text = getattr(self, name)
            if text is not None and not (isinstance(text, str) and text.strip()):
                raise InputError(
                    where=f"option {name}",
                    expected="a text, or the option left out",
                    got="an empty text" if isinstance(text, str) else text,
                )


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return math.isfinite(value)
