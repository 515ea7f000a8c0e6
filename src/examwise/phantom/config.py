"""What a synthetic archive is made of; imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from examwise.core.errors import InputError

MOST_EXAMS = 1_000_000
MOST_SLICES = 1_000
SMALLEST_MATRIX = 16
LARGEST_MATRIX = 1_024


@dataclass(frozen=True)
class PhantomConfig:
    """Size, make-up and difficulty of a synthetic head-CT archive.

    With the same seed and otherwise equal options, a larger archive begins with the exams of a
    smaller one.

    Attributes:
        n_exams: Number of exams, one series each.
        matrix: Rows and columns of a slice.
        min_slices: Fewest slices in an exam.
        max_slices: Most slices in an exam.
        prevalence: Fraction of exams with a bleed; about 0.41 in the RSNA 2019 archive.
        exams_per_patient: Mean number of exams of a patient, at least 1.
        tilted_fraction: Fraction of exams scanned with a tilted gantry.
        isodense_fraction: Fraction of bleeds hardly denser than brain.
        visible_area_mm2: Area in a slice from which on a bleed counts as present there, made
            of voxels that are more than half blood and denser for it.
        seed: Everything random is a function of it.

    Raises:
        InputError: If an option is out of its range.

    Example:
        >>> PhantomConfig(n_exams=2).matrix
        64
        >>> PhantomConfig(prevalence=2)
        Traceback (most recent call last):
        examwise.core.errors.InputError: phantom option prevalence: expected a number from 0 to 1, \
got 2
    """

    n_exams: int = 300
    matrix: int = 64
    min_slices: int = 16
    max_slices: int = 28
    prevalence: float = 0.41
    exams_per_patient: float = 1.15
    tilted_fraction: float = 0.5
    isodense_fraction: float = 0.2
    visible_area_mm2: float = 20.0
    seed: int = 0

    def __post_init__(self) -> None:
        self._require("n_exams", 1, MOST_EXAMS)
        self._require("matrix", SMALLEST_MATRIX, LARGEST_MATRIX)
        self._require("min_slices", 1, MOST_SLICES)
        self._require("max_slices", 1, MOST_SLICES)
        if self.min_slices > self.max_slices:
            raise _out_of_range(
                "max_slices", f"at least min_slices = {self.min_slices}", self.max_slices
            )
        for name in ("prevalence", "tilted_fraction", "isodense_fraction"):
            self._require(name, 0, 1)
        self._require("exams_per_patient", 1, 10)
        self._require("visible_area_mm2", 0, 1_000)
        self._require("seed", 0, 2**63 - 1)

    def _require(self, name: str, low: int, high: int) -> None:
        value: Any = getattr(self, name)
        whole = _IS_WHOLE[name]
        allowed = (int,) if whole else (int, float)
        # A bool is an int to Python, but no number to a user; NaN fails the comparison.
        if isinstance(value, bool) or not isinstance(value, allowed) or not low <= value <= high:
            kind = "a whole number" if whole else "a number"
            raise _out_of_range(name, f"{kind} from {low} to {high}", value)


_IS_WHOLE = {field.name: field.type == "int" for field in fields(PhantomConfig)}


def _out_of_range(name: str, expected: str, got: object) -> InputError:
    return InputError(where=f"phantom option {name}", expected=expected, got=got)
