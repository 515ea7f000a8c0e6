"""Every kind of bleed lies where such bleeds lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from examwise.phantom.bleeds.along_skull import Crescent
from examwise.phantom.bleeds.blobs import Blobs
from examwise.phantom.bleeds.parameters import KINDS, BleedParameters, LightPart
from examwise.phantom.bleeds.shapes import apply_swelling, bleed_fraction, blood_part
from examwise.phantom.bleeds.sheets import FalxSheet, TentoriumSheet
from examwise.phantom.bleeds.site import Box
from examwise.phantom.brain.fields import BrainFields
from examwise.phantom.waves import SmoothField

Drawn = Mapping[str, list[BleedParameters]]
EDGE_MM = 1.0


def _inside(bleed: BleedParameters, fields: BrainFields) -> np.ndarray:
    return bleed_fraction(bleed, fields, edge_mm=EDGE_MM) > 0.5


@pytest.mark.parametrize("kind", KINDS)
def test_fractions_are_fractions_inside_the_cavity(
    kind: str, drawn: Drawn, fields: BrainFields
) -> None:
    seen = 0
    for bleed in drawn[kind]:
        fraction = bleed_fraction(bleed, fields, edge_mm=EDGE_MM)
        assert fraction.dtype == np.float32
        assert fraction.shape == fields.head.grid.shape
        assert fraction.min() >= 0
        assert fraction.max() <= 1
        assert not fraction[fields.head.cavity > EDGE_MM].any()
        seen += bool((fraction > 0.5).any())
    assert seen > 0.8 * len(drawn[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_windows_leave_nothing_out(
    kind: str, drawn: Drawn, fields: BrainFields, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bleed looks only into its box: looking everywhere finds no more of it."""
    in_boxes = [bleed_fraction(bleed, fields, edge_mm=EDGE_MM) for bleed in drawn[kind]]
    everywhere = tuple(slice(0, size) for size in fields.head.grid.shape)
    monkeypatch.setattr(Box, "window", lambda *_, **__: everywhere)
    for bleed, in_box in zip(drawn[kind], in_boxes, strict=True):
        fraction = bleed_fraction(bleed, fields, edge_mm=EDGE_MM)
        assert fraction[in_box == 0].sum() <= 0.002 * fraction.sum(), bleed.form


@pytest.mark.parametrize("kind", KINDS)
def test_growing_never_shrinks(kind: str, drawn: Drawn, fields: BrainFields) -> None:
    for bleed in drawn[kind]:
        volumes = []
        for _ in range(4):
            volumes.append(float(bleed_fraction(bleed, fields, edge_mm=EDGE_MM).sum()))
            bleed = bleed.grown(1.2)
        assert volumes == sorted(volumes)
        assert volumes[-1] > volumes[0]


def test_subdural_blood_is_outside_the_brain_and_inside_the_skull(
    drawn: Drawn, fields: BrainFields
) -> None:
    for bleed in drawn["subdural"]:
        if not isinstance(bleed.form, Crescent):
            continue
        blood = _inside(bleed, fields)
        depth = -fields.head.vault[blood]
        assert (depth >= -EDGE_MM).all()
        assert (depth <= 2.0 * bleed.form.thickness_mm + EDGE_MM).all()


@pytest.mark.parametrize("kind", ["epidural", "subdural"])
def test_blood_along_the_skull_stays_on_its_side(
    kind: str, drawn: Drawn, fields: BrainFields
) -> None:
    for bleed in drawn[kind]:
        blood = _inside(bleed, fields)
        assert (bleed.side * fields.head.grid.x[blood] > -0.5).all()


def test_sheets_follow_their_dura(drawn: Drawn, fields: BrainFields) -> None:
    seen = set()
    for bleed in drawn["subdural"]:
        form = bleed.form
        if not isinstance(form, FalxSheet | TentoriumSheet):
            continue
        blood = _inside(bleed, fields)
        dura = fields.falx if isinstance(form, FalxSheet) else fields.tentorium
        assert (dura[blood] < 2.0 * form.thickness_mm + EDGE_MM).all()
        if isinstance(form, TentoriumSheet):
            assert (fields.above_tentorium[blood] > -EDGE_MM).all()
        seen.add(type(form))
    assert seen == {FalxSheet, TentoriumSheet}


def test_ventricular_blood_is_in_ventricles_and_at_their_back(
    drawn: Drawn, fields: BrainFields
) -> None:
    ventricles = np.minimum.reduce(list(fields.ventricles.values()))
    for bleed in drawn["intraventricular"]:
        blood = _inside(bleed, fields)
        assert (ventricles[blood] < 2.0 + EDGE_MM).all()
        level = bleed.form.level_mm
        if level is not None and blood.any():
            assert (fields.head.grid.y[blood] > level - 3.0).all()


def test_subarachnoid_blood_is_in_folds_and_cisterns(drawn: Drawn, fields: BrainFields) -> None:
    fluid = np.minimum(np.minimum(fields.folds, fields.cisterns), -fields.surface)
    for bleed in drawn["subarachnoid"]:
        blood = _inside(bleed, fields)
        assert (fluid[blood] < 1.0 + EDGE_MM).all()


def test_blood_in_the_brain_is_in_no_ventricle_and_on_its_side(
    drawn: Drawn, fields: BrainFields
) -> None:
    ventricles = np.minimum.reduce(list(fields.ventricles.values()))
    for bleed in drawn["intraparenchymal"]:
        blood = _inside(bleed, fields)
        assert (ventricles[blood] > -EDGE_MM).all()
        if bleed.form.midline_side:
            assert (bleed.side * fields.head.grid.x[blood] > -EDGE_MM).all()


def test_an_old_part_is_darker_and_does_not_count(fields: BrainFields, drawn: Drawn) -> None:
    bleed = next(
        b for b in drawn["subdural"] if isinstance(b.form, Crescent) and b.form.thickness_mm > 4
    )
    bands = SmoothField.sample(np.random.default_rng(0), wavelength_mm=30, n_waves=4)
    level = bleed.form.patch.center_mm[1]
    old = replace(bleed, hu=70.0, light=LightPart(20.0, level, bands, old=True))
    serum = replace(old, light=replace(old.light, old=False))
    fresh = replace(old, light=None)
    parts = [blood_part(b, fields.head, fields, edge_mm=EDGE_MM) for b in (old, serum, fresh)]
    assert 0 < parts[0].visible.sum() < 0.9 * parts[2].visible.sum()
    np.testing.assert_array_equal(parts[1].visible, parts[2].visible)
    y = fields.head.grid.y[parts[0].window]
    assert parts[0].hu[y < level - 6].max() < 40
    assert parts[0].hu[y > level + 6].min() > 55
    assert not parts[0].visible[y < level - 6].any()


def test_swelling_darkens_tissue_around_the_blood_but_no_fluid(
    fields: BrainFields, drawn: Drawn
) -> None:
    bleed = max(
        (b for b in drawn["intraparenchymal"] if not b.form.holes),
        key=lambda b: b.form.volume_ml,
    )
    bleed = replace(bleed, swelling_hu=-10.0, swelling_mm=6.0)
    hu = np.full(fields.head.grid.shape, 35.0, np.float32)
    hu[::2] = 5.0
    apply_swelling(bleed, fields, hu)
    assert (hu[::2] == 5.0).all()
    assert hu[1::2].min() == pytest.approx(25.0)
    assert 0.0 < (hu[1::2] < 30).mean() < 0.2
    assert isinstance(bleed.form, Blobs)
    blood = _inside(bleed, fields)
    assert (hu[1::2] < 34).sum() > blood[1::2].sum()
