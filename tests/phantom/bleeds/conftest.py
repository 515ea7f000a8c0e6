from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from examwise.phantom.bleeds.epidural import sample_epidural
from examwise.phantom.bleeds.intraparenchymal import sample_intraparenchymal
from examwise.phantom.bleeds.intraventricular import sample_intraventricular
from examwise.phantom.bleeds.parameters import BleedParameters
from examwise.phantom.bleeds.scene import Scene, Survey
from examwise.phantom.bleeds.subarachnoid import sample_subarachnoid
from examwise.phantom.bleeds.subdural import sample_subdural
from examwise.phantom.brain.fields import BrainFields, brain_fields
from examwise.phantom.config import PhantomConfig
from examwise.phantom.grid import PlaneGrid, plane_grid
from examwise.phantom.head.fields import head_fields
from examwise.phantom.patients import Patient, sample_patient

SCANNED_MM = (-65.0, 78.0)


@pytest.fixture(scope="session")
def patient() -> Patient:
    return sample_patient(PhantomConfig(), 3)


@pytest.fixture(scope="session")
def grid() -> PlaneGrid:
    """The whole brain, 3 mm apart."""
    origins = np.array([(-75.0, -93.0, z) for z in np.arange(-66.0, 82.0, 3.0)])
    return plane_grid(origins, spacing_mm=3.0, rows=63, columns=51)


@pytest.fixture(scope="session")
def fields(patient: Patient, grid: PlaneGrid) -> BrainFields:
    return brain_fields(patient.brain, head_fields(patient.head, grid))


@pytest.fixture(scope="session")
def scene(patient: Patient) -> Scene:
    return Scene(
        patient=patient,
        cases=PhantomConfig().at.cases,
        scanned_mm=SCANNED_MM,
        survey=Survey(patient, SCANNED_MM),
        traumatic=False,
        side=1,
    )


@pytest.fixture(scope="session")
def drawn(scene: Scene) -> Mapping[str, list[BleedParameters]]:
    """Bleeds of every kind, half of them after a blow, on either side."""
    samplers: dict[str, Callable[[np.random.Generator, Scene], list[BleedParameters]]] = {
        "epidural": sample_epidural,
        "intraparenchymal": sample_intraparenchymal,
        "intraventricular": sample_intraventricular,
        "subarachnoid": sample_subarachnoid,
        "subdural": sample_subdural,
    }
    found: dict[str, list[BleedParameters]] = {}
    for kind, sampler in samplers.items():
        found[kind] = []
        for number in range(16):
            here = Scene(
                scene.patient,
                scene.cases,
                scene.scanned_mm,
                scene.survey,
                traumatic=number % 2 == 1,
                side=1 if number % 4 < 2 else -1,
            )
            found[kind] += sampler(np.random.default_rng(number), here)
    return found
