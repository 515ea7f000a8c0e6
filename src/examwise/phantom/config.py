"""What a synthetic archive is made of; imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from examwise.core.errors import InputError
from examwise.phantom.hospitals import HOSPITALS, Hospital

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
        n_exams: Number of exams.
        hospital: One of :data:`~examwise.phantom.hospitals.HOSPITALS`: patients, cases, scanners.
        matrix: Rows and columns of a slice.
        min_slices: Fewest slices in an exam.
        max_slices: Most slices in an exam.
        prevalence: Fraction of exams with a bleed; the hospital's if None.
        exams_per_patient: Mean number of exams of a patient, at least 1; the hospital's if None.
        visible_area_mm2: Area in a slice from which on a bleed counts as present there, made
            of voxels that are more than half blood and denser for it.
        label_noise: Chance that a label file is wrong about a finding where it is hard to see.
        further_series: Fraction of exams that come with other series of the same study, in
            layouts that have such (bone, thin, post-contrast).
        seed: Everything random is a function of it.

    Raises:
        InputError: If an option is out of its range.

    Example:
        >>> PhantomConfig(n_exams=2).matrix
        128
        >>> PhantomConfig(prevalence=2)
        Traceback (most recent call last):
        examwise.core.errors.InputError: phantom option prevalence: expected a number from 0 to 1, \
got 2
    """

    n_exams: int = 300
    hospital: str = "a"
    matrix: int = 128
    min_slices: int = 24
    max_slices: int = 60
    prevalence: float | None = None
    exams_per_patient: float | None = None
    visible_area_mm2: float = 20.0
    label_noise: float = 0.0
    further_series: float = 0.3
    seed: int = 0

    def __post_init__(self) -> None:
        if self.hospital not in HOSPITALS:
            raise _out_of_range("hospital", f"one of {', '.join(HOSPITALS)}", self.hospital)
        self._require("n_exams", 1, MOST_EXAMS, whole=True)
        self._require("matrix", SMALLEST_MATRIX, LARGEST_MATRIX, whole=True)
        self._require("min_slices", 1, MOST_SLICES, whole=True)
        self._require("max_slices", 1, MOST_SLICES, whole=True)
        if self.min_slices > self.max_slices:
            raise _out_of_range(
                "max_slices", f"at least min_slices = {self.min_slices}", self.max_slices
            )
        for name in ("prevalence", "label_noise", "further_series"):
            self._require(name, 0, 1)
        self._require("exams_per_patient", 1, 10)
        self._require("visible_area_mm2", 0, 1_000)
        self._require("seed", 0, 2**63 - 1, whole=True)

    @property
    def at(self) -> Hospital:
        """The hospital itself."""
        return HOSPITALS[self.hospital]

    def _require(self, name: str, low: int, high: int, *, whole: bool = False) -> None:
        value: Any = getattr(self, name)
        if value is None and name in _HOSPITALS_OWN:
            return
        allowed = (int,) if whole else (int, float)
        # A bool is an int to Python, but no number to a user; NaN fails the comparison.
        if isinstance(value, bool) or not isinstance(value, allowed) or not low <= value <= high:
            kind = "a whole number" if whole else "a number"
            raise _out_of_range(name, f"{kind} from {low} to {high}", value)


_HOSPITALS_OWN = ("prevalence", "exams_per_patient")


def _out_of_range(name: str, expected: str, got: object) -> InputError:
    return InputError(where=f"phantom option {name}", expected=expected, got=got)
