from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from examwise.phantom.brain.fields import BrainFields
from examwise.phantom.grid import FloatArray, Window
from examwise.phantom.mimics.mimic import Mimic
from examwise.phantom.mimics.parameters import MimicParameters
from examwise.phantom.mimics.tissue import apply_mimics, apply_outside

EDGE_MM = 2.0
CALCIFIED = (
    "calcified pineal gland",
    "calcified choroid plexus",
    "calcified basal ganglia",
    "calcified dentate nuclei",
    "calcified falx",
    "calcified tentorium",
)


def _inside(whole, mimic: Mimic) -> FloatArray:
    """Densities within the cavity with a mimic, minus those without it."""
    hu = whole.inside.copy()
    apply_mimics(MimicParameters((mimic,)), whole.fields, hu, edge_mm=EDGE_MM)
    assert hu.dtype == np.float32
    assert np.isfinite(hu).all()
    return hu - whole.inside


def _outside(whole, mimic: Mimic) -> FloatArray:
    hu = whole.outside.copy()
    apply_outside(MimicParameters((mimic,)), whole.head, whole.head_fields, hu, edge_mm=EDGE_MM)
    assert hu.dtype == np.float32
    assert np.isfinite(hu).all()
    return hu - whole.outside


def _all(everything: dict[str, tuple[Mimic, ...]], word: str) -> list[Mimic]:
    found = [mimic for name, mimics in everything.items() if word in name for mimic in mimics]
    assert found, word
    return found


def test_without_mimics_nothing_changes(whole_head) -> None:
    none = MimicParameters(())
    inside, outside = whole_head.inside.copy(), whole_head.outside.copy()
    apply_mimics(none, whole_head.fields, inside, edge_mm=EDGE_MM)
    apply_outside(none, whole_head.head, whole_head.head_fields, outside, edge_mm=EDGE_MM)
    np.testing.assert_array_equal(inside, whole_head.inside)
    np.testing.assert_array_equal(outside, whole_head.outside)


def test_every_mimic_is_seen_somewhere(whole_head, everything) -> None:
    for name, mimics in everything.items():
        shown = 0.0
        for mimic in mimics:
            if mimic.inside:
                change = np.abs(_inside(whole_head, mimic))
                shown += change[whole_head.head_fields.cavity < 0].sum()
            if mimic.outside:
                change = np.abs(_outside(whole_head, mimic))
                shown += change[whole_head.head_fields.cavity > 0].sum()
        assert shown > 50, name


def test_every_sort_that_a_radiologist_knows_is_there(everything) -> None:
    assert set(CALCIFIED) < set(everything)
    for word in ("meningioma", "hygroma", "cyst", "cisterna", "metastasis", "fracture", "shunt"):
        assert any(word in name for name in everything), word


@pytest.mark.parametrize("name", CALCIFIED)
def test_calcifications_are_dense_and_within_the_cavity(name: str, whole_head, everything) -> None:
    for mimic in everything[name]:
        change = _inside(whole_head, mimic)
        assert (change > -30).all()
        within = whole_head.head_fields.cavity < 1.0
        assert np.abs(change[within]).sum() >= 0.8 * np.abs(change).sum()
        changed = np.abs(change) > 5
        if changed.any():
            densest = (whole_head.inside + change)[changed].max()
            assert densest < 500
            # Small: a tangle of specks, or a plate.
            assert changed.mean() < 0.002


def test_choroid_plexus_is_paired(whole_head, everything) -> None:
    grid = whole_head.head_fields.grid
    for mimic in everything["calcified choroid plexus"]:
        change = _inside(whole_head, mimic)
        sides = [np.abs(change[side * grid.x > 10]).sum() for side in (1, -1)]
        if len(mimic.inside) == 2:
            assert min(sides) > 0
        assert np.abs(change[np.abs(grid.x) < 10]).sum() == 0


def test_old_infarcts_are_fluid_and_fresh_ones_a_little_darker(whole_head, everything) -> None:
    brain = (whole_head.inside > 20) & (whole_head.inside < 42)
    for mimic in _all(everything, "infarct"):
        change = _inside(whole_head, mimic)
        reached = brain & (change < -2)
        assert reached.any(), mimic.name
        after = (whole_head.inside + change)[reached]
        if mimic.name.startswith("old"):
            assert np.quantile(after, 0.05) < 18
            assert after.min() > 0
        elif mimic.name.startswith("fresh"):
            assert after.min() > 15
            assert change.max() < 25


def test_infarcts_keep_to_their_side_of_the_tentorium(whole_head, everything) -> None:
    above = whole_head.fields.above_tentorium
    for mimic in _all(everything, "infarct"):
        change = np.abs(_inside(whole_head, mimic))
        beyond = above > 5 if "cerebellar" in mimic.name else above < -5
        assert change[beyond].sum() == 0


def test_dark_fluid_is_dark_and_dense_masses_are_dense(whole_head, everything) -> None:
    cavity = whole_head.head_fields.cavity < -2
    for word, low, high in (
        ("hygroma", 5, 15),
        ("old subdural", 11, 25),
        ("arachnoid cyst", 2, 10),
        ("wide cisterna", 3, 10),
    ):
        for mimic in _all(everything, word):
            hu = np.full_like(whole_head.inside, 100)
            apply_mimics(MimicParameters((mimic,)), whole_head.fields, hu, edge_mm=EDGE_MM)
            assert low < hu[cavity].min() < high, word
    for mimic in _all(everything, "meningioma"):
        hu = np.zeros_like(whole_head.inside)
        apply_mimics(MimicParameters((mimic,)), whole_head.fields, hu, edge_mm=EDGE_MM)
        assert 40 < hu.max() < 600


def test_swollen_scalp_lies_outside_the_skull(whole_head, everything) -> None:
    vault = whole_head.head_fields.vault
    for mimic in _all(everything, "scalp"):
        change = _outside(whole_head, mimic)
        assert not mimic.inside
        assert np.abs(change[vault < 0]).sum() == 0
        assert np.abs(change).max() > 50


def test_fractures_open_bone_and_nothing_else(whole_head, everything) -> None:
    for mimic in _all(everything, "fracture"):
        change = _outside(whole_head, mimic)
        assert change.max() <= 1e-3
        assert change.min() < -100
        assert (whole_head.outside[change < -5] > 45).all()


def test_missing_bone_is_missing(whole_head, everything) -> None:
    for mimic in _all(everything, "craniectomy"):
        change = _outside(whole_head, mimic)
        after = (whole_head.outside + change)[change < -300]
        assert after.size > 200
        assert np.median(after) < 200


def test_metal_of_clips_and_coils_is_metal(whole_head, everything) -> None:
    for word in ("clipped", "coiled"):
        for mimic in _all(everything, word):
            assert _inside(whole_head, mimic).max() > 1_000


def test_free_air_is_air_in_front(whole_head, everything) -> None:
    for mimic in _all(everything, "free air"):
        change = _inside(whole_head, mimic)
        within = whole_head.head_fields.cavity < -1
        assert (whole_head.inside + change)[within].min() < -300


def _cropped(fields: BrainFields, window: Window) -> BrainFields:
    parts = {
        name: value[window] for name, value in vars(fields).items() if isinstance(value, np.ndarray)
    }
    points = type(fields.points)(*vars(fields.points.crop(window)).values())
    ventricles = {name: part[window] for name, part in fields.ventricles.items()}
    return replace(
        fields, **parts, head=fields.head.crop(window), points=points, ventricles=ventricles
    )


def test_a_slice_looks_the_same_whatever_is_drawn_with_it(whole_head, everything) -> None:
    shape = whole_head.inside.shape
    planes = [(slice(z, z + 1), slice(0, shape[1]), slice(0, shape[2])) for z in range(shape[0])]
    crops = [(window, _cropped(whole_head.fields, window)) for window in planes]
    for name, mimics in everything.items():
        for mimic in mimics:
            within = whole_head.inside + _inside(whole_head, mimic)
            around = whole_head.outside + _outside(whole_head, mimic)
            found = MimicParameters((mimic,))
            for window, fields in crops:
                hu = whole_head.inside[window].copy()
                apply_mimics(found, fields, hu, edge_mm=EDGE_MM)
                # Beyond the cavity nothing of this is used.
                used = fields.head.cavity < EDGE_MM
                np.testing.assert_allclose(hu[used], within[window][used], atol=0.02, err_msg=name)
                hu = whole_head.outside[window].copy()
                apply_outside(found, whole_head.head, fields.head, hu, edge_mm=EDGE_MM)
                np.testing.assert_allclose(hu, around[window], atol=0.02, err_msg=name)


def test_earlier_contrast_shines_in_vessels_and_dura_alone(whole_head, everything) -> None:
    fields = whole_head.fields
    for mimic in _all(everything, "earlier contrast"):
        change = _inside(whole_head, mimic)
        assert change.min() > -1e-3 - 20
        sinus = fields.sinuses < -1.5
        assert (whole_head.inside + change)[sinus].min() > 50
        beside = (fields.sinuses > 3) & (fields.falx > 3) & (np.abs(fields.points.y) > 60)
        assert np.abs(change[beside]).max() == 0


def test_stained_brain_is_as_bright_as_blood(whole_head, everything) -> None:
    for mimic in _all(everything, "staining"):
        hu = np.full_like(whole_head.inside, 35)
        apply_mimics(MimicParameters((mimic,)), whole_head.fields, hu, edge_mm=EDGE_MM)
        assert 40 < hu.max() < 90
        assert hu.min() == 35
