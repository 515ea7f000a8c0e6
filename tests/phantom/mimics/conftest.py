from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from examwise.phantom.brain.fields import BrainFields, brain_fields
from examwise.phantom.brain.tissue import brain_hu
from examwise.phantom.config import PhantomConfig
from examwise.phantom.grid import FloatArray, plane_grid
from examwise.phantom.head.fields import HeadFields, head_fields
from examwise.phantom.head.parameters import HeadParameters
from examwise.phantom.head.tissue import outside_hu
from examwise.phantom.hospitals import HOSPITALS
from examwise.phantom.mimics.mimic import Circumstances, Mimic
from examwise.phantom.mimics.registry import SAMPLERS
from examwise.phantom.patients import sample_patient

EDGE_MM = 2.0
_SPACING_MM = 2.5


@dataclass(frozen=True)
class WholeHead:
    """A head without disease on a coarse grid that holds all of it."""

    head: HeadParameters
    fields: BrainFields
    inside: FloatArray
    outside: FloatArray

    @property
    def head_fields(self) -> HeadFields:
        return self.fields.head


@pytest.fixture(scope="session")
def whole_head() -> WholeHead:
    patient = sample_patient(PhantomConfig(seed=1), 2)
    heights = np.arange(-100.0, 101.0, _SPACING_MM)
    origins = np.stack([np.full_like(heights, -115.0), np.full_like(heights, -125.0), heights], 1)
    grid = plane_grid(origins, spacing_mm=_SPACING_MM, rows=101, columns=93)
    around = head_fields(patient.head, grid)
    fields = brain_fields(patient.brain, around)
    inside = brain_hu(patient.brain, fields, edge_mm=EDGE_MM)
    outside = outside_hu(patient.head, around, edge_mm=EDGE_MM)
    for array in (inside, outside):
        array.flags.writeable = False
    return WholeHead(patient.head, fields, inside, outside)


def _everything() -> dict[str, tuple[Mimic, ...]]:
    """Some of each finding that any sampler knows, as if every patient were old and ill."""
    ill = replace(
        HOSPITALS["a"].cases,
        infarct_fraction=0.99,
        postoperative_fraction=1.0,
        trauma_fraction=1.0,
    )
    who = Circumstances(age=85.0, cases=ill)
    found: dict[str, list[Mimic]] = {}
    for sampler in SAMPLERS.values():
        for seed in range(300):
            of_patient, of_exam = (np.random.default_rng([seed, word]) for word in (1, 2))
            for mimic in sampler(of_patient, of_exam, who):
                found.setdefault(mimic.name, []).append(mimic)
    return {name: tuple(mimics[:3]) for name, mimics in found.items()}


@pytest.fixture(scope="session")
def everything() -> dict[str, tuple[Mimic, ...]]:
    return _everything()
