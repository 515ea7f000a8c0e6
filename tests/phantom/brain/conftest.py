"""Brains of a chosen age in a head of the archive, sampled throughout."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from examwise.phantom.brain.fields import BrainFields, brain_fields
from examwise.phantom.brain.parameters import BrainParameters, sample_brain
from examwise.phantom.config import PhantomConfig
from examwise.phantom.grid import PlaneGrid, plane_grid
from examwise.phantom.head.fields import head_fields
from examwise.phantom.patients import sample_patient
from examwise.phantom.pushes import Push

Drawn = tuple[BrainParameters, BrainFields]
Draw = Callable[..., Drawn]


def whole_grid(spacing_mm: float) -> PlaneGrid:
    heights = np.arange(-80.0, 86.0, spacing_mm)
    count = int(180.0 / spacing_mm)
    start = -0.5 * (count - 1) * spacing_mm
    origins = np.stack([np.full_like(heights, start), np.full_like(heights, start), heights], 1)
    return plane_grid(origins, spacing_mm=spacing_mm, rows=count, columns=count)


@pytest.fixture(scope="session")
def draw() -> Draw:
    def drawn(
        *,
        age: float = 60.0,
        seed: int = 0,
        spacing_mm: float = 3.0,
        pushes: Sequence[Push] = (),
    ) -> Drawn:
        head = sample_patient(PhantomConfig(), 0).head
        brain = sample_brain(np.random.default_rng(seed), age=age, size=1.0)
        fields = brain_fields(brain, head_fields(head, whole_grid(spacing_mm)), pushes)
        return brain, fields

    return drawn
