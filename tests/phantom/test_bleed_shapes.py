from __future__ import annotations

import numpy as np
import pytest

from examwise.core.randomness import generator
from examwise.phantom.anatomy import sample_head
from examwise.phantom.bleed_shapes import bleed_fraction, swelling_fraction
from examwise.phantom.bleeds import KINDS, BleedParameters
from examwise.phantom.fields import head_fields
from examwise.phantom.shapes import Points, SmoothField

STEP_MM = 3.0


def _grid() -> Points:
    x, y, z = np.meshgrid(
        np.arange(-90, 91, STEP_MM), np.arange(-105, 106, STEP_MM), np.arange(-60, 91, STEP_MM)
    )
    return Points(*(axis.astype(np.float32) for axis in (x, y, z)))


HEAD = sample_head(0, 0)
FIELDS = head_fields(HEAD, _grid())


def _bleed(kind: str, *, side: int = 1, **changes: object) -> BleedParameters:
    centers = {
        "intraparenchymal": (side * 30.0, 0.0, 25.0),
        "intraventricular": (0.0, -30.0, 12.0),
    }
    options = {
        "kind": kind,
        "side": side,
        "center_mm": centers.get(kind, (side * 67.0, 5.0, 25.0)),
        "radii_mm": (10.0, 30.0, 20.0),
        "turn_degree": 0.0,
        "hu": 70.0,
        "edge_mm": 1.0,
        "wobble": SmoothField.sample(generator(0, "wobble"), wavelength_mm=30, n_waves=3),
        "wobble_mm": 0.0,
        "swelling_hu": 0.0,
    }
    return BleedParameters(**{**options, **changes})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("side", [1, -1])
def test_blood_is_inside_the_skull_on_its_side(kind: str, side: int) -> None:
    fraction = bleed_fraction(_bleed(kind, side=side), FIELDS, edge_mm=1.0)
    assert fraction.dtype == np.float32
    assert fraction.min() >= 0
    assert fraction.max() > 0.9
    assert (FIELDS.skull[fraction > 0.5] < 0).all()
    assert side * float((fraction * FIELDS.points.x).sum()) > 0


def test_an_epidural_bleed_is_thickest_in_its_middle() -> None:
    fraction = bleed_fraction(_bleed("epidural"), FIELDS, edge_mm=1.0)
    depth = np.where(fraction > 0.5, -FIELDS.vault, 0)
    middle = np.hypot(FIELDS.points.y - 5, FIELDS.points.z - 25) < 6
    assert depth[middle].max() == pytest.approx(10, abs=2.5)
    assert depth[~middle].max() <= depth[middle].max()


def test_a_subdural_bleed_keeps_to_one_hemisphere() -> None:
    wide = _bleed("subdural", radii_mm=(10.0, 200.0, 60.0))
    fraction = bleed_fraction(wide, FIELDS, edge_mm=1.0)
    assert (FIELDS.points.x[fraction > 0.5] > 0).all()


def test_ventricular_blood_lies_behind_its_level_in_the_ventricles() -> None:
    fraction = bleed_fraction(_bleed("intraventricular"), FIELDS, edge_mm=1.0)
    filled = fraction > 0.5
    ventricle = np.minimum(FIELDS.ventricles["left"], FIELDS.ventricles["middle"])
    assert (ventricle[filled] <= 2).all()
    assert (FIELDS.points.y[filled] >= -31).all()


def test_subarachnoid_blood_lies_in_folds_or_on_the_surface() -> None:
    fraction = bleed_fraction(_bleed("subarachnoid"), FIELDS, edge_mm=1.0)
    filled = fraction > 0.5
    assert ((FIELDS.fold[filled] <= 2) | (FIELDS.skull[filled] >= -3.5)).all()


def test_a_blob_has_the_volume_of_its_ellipsoid() -> None:
    blob = _bleed("intraparenchymal", radii_mm=(12.0, 15.0, 10.0), edge_mm=0.0)
    volume = float(bleed_fraction(blob, FIELDS, edge_mm=STEP_MM).sum()) * STEP_MM**3
    assert volume == pytest.approx(4 / 3 * np.pi * 12 * 15 * 10, rel=0.04)


def test_swelling_surrounds_the_blob() -> None:
    blob = _bleed("intraparenchymal", radii_mm=(12.0, 15.0, 10.0))
    rim = swelling_fraction(blob, FIELDS)
    blood = bleed_fraction(blob, FIELDS, edge_mm=1.0)
    assert (rim[blood > 0.9] == 1).all()
    assert (rim > 0.5).sum() > 1.5 * (blood > 0.5).sum()
