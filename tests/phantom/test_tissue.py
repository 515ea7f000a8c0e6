from __future__ import annotations

import numpy as np
import pytest

from examwise.phantom.anatomy import sample_head
from examwise.phantom.fields import head_fields
from examwise.phantom.shapes import Points
from examwise.phantom.tissue import AIR_HU, FAT_HU, FLUID_HU, tissue_hu


def _line(x: np.ndarray, y: float, z: float) -> Points:
    x = x.astype(np.float32)
    return Points(x, np.full_like(x, y), np.full_like(x, z))


@pytest.mark.parametrize("patient", range(10))
def test_layers_from_outside_to_inside(patient: int) -> None:
    head = sample_head(0, patient)
    fields = head_fields(head, _line(np.arange(-120, 0, 0.25), 0.0, 30.0))
    hu = tissue_hu(head, fields, edge_mm=0.3)
    outer = head.skull_mm + head.scalp_mm
    assert (hu[fields.vault > outer + 0.5] == AIR_HU).all()
    fat = (fields.vault > head.skull_mm + 0.5) & (fields.vault < outer - 3)
    np.testing.assert_allclose(hu[fat], FAT_HU, atol=1)
    bone = (fields.vault > 0.5) & (fields.vault < head.skull_mm - 0.5)
    assert hu[bone].min() > 500
    brain = fields.vault < -25
    assert hu[brain].min() >= FLUID_HU - 1
    assert np.median(hu[brain]) == pytest.approx(30, abs=10)


def test_the_ventricles_hold_fluid() -> None:
    for patient in range(10):
        head = sample_head(0, patient)
        x, y, z = head.ventricles["left"][0].center_mm
        fields = head_fields(head, _line(np.array([x]), y, z))
        hu = tissue_hu(head, fields, edge_mm=0.5)
        assert hu[0] == pytest.approx(FLUID_HU, abs=2)


def test_the_floor_of_the_skull_is_bone_and_below_is_no_brain() -> None:
    head = sample_head(0, 0)
    z = np.arange(-90, 0, 0.5, dtype=np.float32)
    points = Points(np.zeros_like(z), np.full_like(z, -60.0), z)
    fields = head_fields(head, points)
    hu = tissue_hu(head, fields, edge_mm=0.5)
    floor = (fields.skull > 0.5) & (fields.skull < head.skull_mm - 0.5) & (fields.vault < -1)
    assert floor.any()
    assert hu[floor].min() > 400
    assert (fields.skull[z < -40] > 0).all()
