"""Options of ingesting an archive."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, get_args

from examwise.core.errors import InputError

ExamLabelRule = Literal["majority", "any", "all"]
"""How several readers of an exam become one label."""

LARGEST_MATRIX = 2048

ALLOW_UNMATCHED = "--ingest.allow_unmatched_labels true"
"""How the user says that labels and images need not match."""


@dataclass(frozen=True)
class SeriesSelectionConfig:
    """Which series of a study is the exam, where a layout has several.

    Attributes:
        min_slices: Fewest different positions of a series that can be a head.
        wanted_thickness_mm: Of several plain series the one nearest to it is taken.
        min_thick_mm: Slices at least as thick are thick; thin series are taken only where a study
            has no thick one.

    Raises:
        InputError: If a number is out of range.
    """

    min_slices: int = 10
    wanted_thickness_mm: float = 5.0
    min_thick_mm: float = 2.5

    def __post_init__(self) -> None:
        for name in ("min_slices", "wanted_thickness_mm", "min_thick_mm"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise InputError(
                    where=f"option series.{name}", expected="a number above 0", got=value
                )


@dataclass(frozen=True)
class IngestConfig:
    """Options of ingesting an archive.

    Attributes:
        matrix: Rows and columns of every stored slice; 512 keeps most CT as acquired.
        allow_unmatched_labels: Go on where labels have no image, or images no label.
        archive_name: Name of the archive in all tables; the layout's own if None.
        data_terms: Terms of use, carried on to models; the layout's own if None.
        exam_label: Where several readers labelled each exam (cq500): positive by most of them,
            by any, or by all.
        series: Which series of a study is the exam, where the layout has several (cq500).

    Raises:
        InputError: If ``matrix`` is out of range, a text is empty, or there is no such rule.

    Example:
        >>> IngestConfig(matrix=256).matrix
        256
    """

    matrix: int = 512
    allow_unmatched_labels: bool = False
    archive_name: str | None = None
    data_terms: str | None = None
    exam_label: ExamLabelRule = "majority"
    series: SeriesSelectionConfig = field(default_factory=SeriesSelectionConfig)

    def __post_init__(self) -> None:
        if not 8 <= self.matrix <= LARGEST_MATRIX:
            raise InputError(
                where="option matrix", expected=f"8 to {LARGEST_MATRIX}", got=self.matrix
            )
        if self.exam_label not in get_args(ExamLabelRule):
            raise InputError(
                where="option exam_label",
                expected=f"one of {', '.join(get_args(ExamLabelRule))}",
                got=self.exam_label,
            )
        for name in ("archive_name", "data_terms"):
            if getattr(self, name) == "":
                raise InputError(
                    where=f"option {name}",
                    expected="a text, or the option left out",
                    got="an empty text",
                )
