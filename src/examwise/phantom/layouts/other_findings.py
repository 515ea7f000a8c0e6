"""Findings beside the five kinds of bleeds: what masses do to the brain, old blood, fractures."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from examwise.phantom.exam import RenderedExam
from examwise.phantom.grid import plane_grid
from examwise.phantom.layouts.mistakable import Extent
from examwise.phantom.mimics.skull_gaps import FractureLine
from examwise.phantom.pushes import unpushed
from examwise.phantom.study import Study

_MIDLINE_SHIFT_MM = 2.0
_MASS_EFFECT_MM = 2.5
_SEPTUM_Z_MM = (5.0, 12.0, 20.0)
_SEPTUM_Y_MM = (-25.0, 15.0)
_GRID_MM = 10.0
_REACH_MM = 60.0
_OLD_COLLECTION = "old subdural collection"
_FRACTURE = "fracture"
_HIDDEN_FRACTURE = 0.03


def has_midline_shift(study: Study) -> bool:
    """Return whether the septum between the lateral ventricles is moved sideways, by 2 mm."""
    planes = np.array([[0.0, _SEPTUM_Y_MM[0], z] for z in _SEPTUM_Z_MM])
    rows = int((_SEPTUM_Y_MM[1] - _SEPTUM_Y_MM[0]) / _GRID_MM) + 1
    septum = plane_grid(planes, spacing_mm=_GRID_MM, rows=rows, columns=1)
    before = unpushed(septum, study.pushes)
    return bool(np.abs(septum.x - before.x).max() >= _MIDLINE_SHIFT_MM)


def has_mass_effect(study: Study) -> bool:
    """Return whether any part of the brain is moved by a mass, by 2.5 mm."""
    heights = np.arange(-_REACH_MM, _REACH_MM + 1, _GRID_MM)
    planes = np.stack([np.full_like(heights, -_REACH_MM)] * 2 + [heights], axis=1)
    across = int(2 * _REACH_MM / _GRID_MM) + 1
    brain = plane_grid(planes, spacing_mm=_GRID_MM, rows=across, columns=across)
    before = unpushed(brain, study.pushes)
    squared = (brain.x - before.x) ** 2 + (brain.y - before.y) ** 2 + (brain.z - before.z) ** 2
    return bool(squared.max() >= _MASS_EFFECT_MM**2)


def has_old_blood(study: Study) -> bool:
    """Return whether there is old subdural blood, beside fresh one or alone."""
    return _OLD_COLLECTION in study.mimics.names or any(b.has_old_part for b in study.bleeds)


def has_vault_fracture(study: Study) -> bool:
    """Return whether the vault is broken, as its image shows."""
    return _FRACTURE in study.mimics.names


def has_hidden_fracture(random: np.random.Generator) -> bool:
    """Draw whether another bone is broken; no image shows that."""
    return bool(random.uniform() < _HIDDEN_FRACTURE)


def fractured_slices(exam: RenderedExam) -> npt.NDArray[np.bool_]:
    """Return which slices show the vault's fracture; bool, shape (slices,)."""
    found = np.zeros(exam.series.scan.n_slices, bool)
    for mimic in exam.study.mimics.found:
        if mimic.name != _FRACTURE:
            continue
        for part in mimic.outside:
            if isinstance(part, FractureLine):
                found |= _extent(part).shown_in(exam.series.scan)
    return found


def _extent(crack: FractureLine) -> Extent:
    # It runs along the first of its place's directions; what counts is how far up and down.
    steep = abs(float(crack.place.axes[0, 2]))
    return Extent(crack.place.point_mm(), crack.half_length_mm * steep + crack.bend_mm)
