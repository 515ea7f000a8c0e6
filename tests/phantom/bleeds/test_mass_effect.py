from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from examwise.phantom.bleeds.along_skull import Crescent
from examwise.phantom.bleeds.mass_effect import (
    LARGEST_SHIFT_MM,
    press_folds,
    pushes_of,
    room_left,
)
from examwise.phantom.bleeds.parameters import KINDS, BleedParameters
from examwise.phantom.bleeds.shapes import bleed_fraction
from examwise.phantom.brain.fields import BrainFields
from examwise.phantom.pushes import unpushed

Drawn = Mapping[str, list[BleedParameters]]


def _large(bleed: BleedParameters, factor: float = 2.5) -> BleedParameters:
    return bleed.grown(factor)


@pytest.mark.parametrize("kind", KINDS)
def test_shifts_are_bounded(kind: str, drawn: Drawn, fields: BrainFields) -> None:
    grid = fields.head.grid
    for bleeds in (drawn[kind], [_large(bleed) for bleed in drawn[kind][:4]]):
        moved = unpushed(grid, pushes_of(bleeds))
        squares = (moved.x - grid.x) ** 2 + (moved.y - grid.y) ** 2 + (moved.z - grid.z) ** 2
        assert float(np.sqrt(squares).max()) <= LARGEST_SHIFT_MM + 1e-3


def test_only_masses_push(drawn: Drawn) -> None:
    assert pushes_of(()) == ()
    for kind in ("intraventricular", "subarachnoid"):
        assert pushes_of(_large(bleed) for bleed in drawn[kind]) == ()


@pytest.mark.parametrize("kind", ["epidural", "subdural", "intraparenchymal"])
def test_the_midline_moves_away_from_the_mass(kind: str, drawn: Drawn, fields: BrainFields) -> None:
    grid = fields.head.grid
    moved_any = 0
    for bleed in drawn[kind]:
        pushes = pushes_of([_large(bleed)])
        if not bleed.side or not pushes:
            continue
        moved = unpushed(grid, pushes)
        midline = np.abs(grid.x) < 1.0
        # Where tissue came from lies towards the mass.
        came_from = bleed.side * (moved.x - grid.x)[midline]
        assert came_from.min() >= -1e-3
        moved_any += bool(came_from.max() > 0.5)
    assert moved_any


def test_blood_along_the_skull_takes_its_room_from_the_brain(
    drawn: Drawn, fields: BrainFields
) -> None:
    bleed = max(
        (b for b in drawn["subdural"] if isinstance(b.form, Crescent)),
        key=lambda b: b.form.thickness_mm,
    )
    left = room_left([bleed], fields.head)
    assert (left.cavity >= fields.head.cavity).all()
    lost = left.cavity - fields.head.cavity
    blood = bleed_fraction(bleed, fields, edge_mm=1.0)
    assert lost[blood > 0.9].max() > 2.0
    brain = (blood == 0) & (fields.head.cavity < 0)
    assert left.cavity[brain].max() < 1.0
    assert room_left(drawn["subarachnoid"], fields.head) is fields.head


def test_folds_are_pressed_shut_near_a_mass_only(drawn: Drawn, fields: BrainFields) -> None:
    bleed = _large(
        max(
            (b for b in drawn["intraparenchymal"] if b.form.holes is None),
            key=lambda b: b.form.volume_ml,
        ),
        1.2,
    )
    hu = np.where(fields.folds < 0, np.float32(6), np.float32(35))
    before = hu.copy()
    press_folds(bleed, fields, hu, edge_mm=1.0)
    assert hu.max() == 35
    assert (hu >= before).all()
    x, y, z = bleed.form.parts[0].center_mm
    grid = fields.head.grid
    far = (grid.x - x) ** 2 + (grid.y - y) ** 2 + (grid.z - z) ** 2 > 90**2
    assert far.any()
    np.testing.assert_array_equal(hu[far], before[far])
    assert (hu > before).any()
    small = drawn["subarachnoid"][0]
    again = before.copy()
    press_folds(small, fields, again, edge_mm=1.0)
    np.testing.assert_array_equal(again, before)
