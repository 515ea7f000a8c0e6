"""What is known of an exam when a bleed's place is drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from examwise.phantom.brain.fields import BrainFields, brain_fields
from examwise.phantom.grid import PlaneGrid, Vector, plane_grid
from examwise.phantom.head.fields import head_fields
from examwise.phantom.hospitals import CaseMix
from examwise.phantom.patients import Patient
from examwise.phantom.waves import SmoothField

_SURVEY_MM = 5.0
_HALF_WIDTH_MM, _HALF_LENGTH_MM = 75.0, 95.0
_LOWEST_MM, _HIGHEST_MM = -62.0, 75.0
_STEPS = 40


class Survey:
    """A coarse look at a patient's brain, taken only when somebody asks."""

    def __init__(self, patient: Patient, scanned_mm: tuple[float, float]) -> None:
        """Say whose brain.

        Args:
            patient: The patient.
            scanned_mm: Lowest and highest z that slices show.
        """
        self._patient = patient
        self._scanned_mm = scanned_mm

    @cached_property
    def fields(self) -> BrainFields:
        """The brain's distances, every few millimetres, where slices show it."""
        low = max(self._scanned_mm[0], _LOWEST_MM)
        high = max(min(self._scanned_mm[1], _HIGHEST_MM), low)
        heights = np.arange(low, high + 1e-3, _SURVEY_MM)
        origins = np.array([(-_HALF_WIDTH_MM, -_HALF_LENGTH_MM, z) for z in heights])
        grid = plane_grid(
            origins,
            spacing_mm=_SURVEY_MM,
            rows=int(2 * _HALF_LENGTH_MM / _SURVEY_MM) + 1,
            columns=int(2 * _HALF_WIDTH_MM / _SURVEY_MM) + 1,
        )
        return brain_fields(self._patient.brain, head_fields(self._patient.head, grid))

    def points_mm(self, chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        """Return the coordinates of chosen points of the survey, shape (points, 3)."""
        grid = self.fields.head.grid
        return np.stack([grid.x[chosen], grid.y[chosen], grid.z[chosen]], axis=1).astype(float)


@dataclass(frozen=True)
class Scene:
    """What a bleed's place and size depend on.

    Attributes:
        patient: The patient.
        cases: The hospital's mix.
        scanned_mm: Lowest and highest z that slices show, in the head's frame.
        survey: A look at the brain.
        traumatic: Whether there was a blow to the head.
        side: Side of the exam's bleeds: 1 left, -1 right.
        severity: How large they are for this hospital, 1 typically.
        near_mm: Where a bleed of another kind is, if there is one.
    """

    patient: Patient
    cases: CaseMix
    scanned_mm: tuple[float, float]
    survey: Survey
    traumatic: bool
    side: int
    severity: float = 1.0
    near_mm: Vector | None = None

    @property
    def size(self) -> float:
        """Size of bleeds, 1 for typical ones."""
        return self.cases.size * self.severity

    @property
    def scale(self) -> float:
        """Size of the head, about 1."""
        return self.patient.head.radii_mm[0] / 67.0

    def shown(self, z: float) -> float:
        """Return the height nearest to one that slices show well."""
        low, high = self.scanned_mm
        margin = min(5.0, 0.25 * (high - low))
        return float(np.clip(z, low + margin, high - margin))

    def inside(self, start_mm: Vector, point_mm: Vector, *, depth_mm: float) -> Vector:
        """Return the last point on a way that is deep enough below the skull.

        Args:
            start_mm: Where the way begins, well inside.
            point_mm: Where it would like to end.
            depth_mm: How deep.
        """
        start, end = np.array(start_mm), np.array(point_mm)
        long = float(np.linalg.norm(end - start))
        if long == 0.0:
            return start_mm
        step = (end - start) / (_STEPS - 1)
        across = np.cross(step, np.eye(3)[int(np.argmin(np.abs(step)))])
        way = PlaneGrid(start[None, :], across / np.linalg.norm(across), step, 1, _STEPS)
        cavity = head_fields(self.patient.head, way).cavity[0, 0]
        outside = np.flatnonzero(cavity > -depth_mm)
        last = int(outside[0]) - 1 if outside.size else _STEPS - 1
        x, y, z = (start + max(last, 0) * step).tolist()
        return x, y, z


def sample_size(
    random: np.random.Generator, median: float, spread: float, limits: tuple[float, float]
) -> float:
    """Draw a size: log-normal, as bleeds are, from specks to very large ones."""
    return float(np.clip(median * math.exp(random.normal(0.0, spread)), *limits))


def sample_density(
    random: np.random.Generator, cases: CaseMix, *, fresh: tuple[float, float], faint: float
) -> float:
    """Draw the density of blood: fresh, or hardly denser than brain.

    Args:
        random: Source of randomness.
        cases: The hospital's mix.
        fresh: Lowest and highest density of fresh blood in HU.
        faint: Lowest density of old, thin or scarce blood in HU; the highest is that of fresh
            blood's lowest.
    """
    is_faint = random.uniform() < cases.isodense_fraction
    share = random.uniform()
    low, high = (faint, fresh[0]) if is_faint else (fresh[0], fresh[1])
    return float(low + share * (high - low))


def sample_outline(
    random: np.random.Generator, *, wavelengths_mm: tuple[float, ...], n_waves: int = 4
) -> SmoothField:
    """Draw a field of several scales."""
    waves: list[tuple[float, float, float, float]] = []
    for wavelength in wavelengths_mm:
        waves += SmoothField.sample(random, wavelength_mm=wavelength, n_waves=n_waves).waves
    return SmoothField(tuple(waves))
