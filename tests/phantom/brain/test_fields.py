from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from examwise.phantom.brain.fields import BrainFields, brain_fields
from examwise.phantom.brain.frame import FAR_MM
from examwise.phantom.brain.parameters import VENTRICLES, BrainParameters
from examwise.phantom.grid import FloatArray
from examwise.phantom.pushes import Push
from examwise.phantom.shapes import fraction_inside

Draw = Callable[..., tuple[BrainParameters, BrainFields]]
DISTANCES = (
    "surface",
    "folds",
    "cisterns",
    "falx",
    "tentorium",
    "above_tentorium",
    "sinuses",
    "stem",
    "core",
)


def volume_ml(fields: BrainFields, distance: FloatArray) -> float:
    spacing = fields.head.grid.row_step[1]
    inside = fraction_inside(distance, spacing) * fraction_inside(fields.head.cavity, spacing)
    return float(inside.sum(dtype=np.float64)) * spacing**3 / 1000.0


def ventricles_of(fields: BrainFields) -> FloatArray:
    return np.minimum.reduce(list(fields.ventricles.values()))


def fluid_of(fields: BrainFields) -> FloatArray:
    outer = (fields.folds, fields.cisterns, -fields.surface)
    return np.minimum.reduce([ventricles_of(fields), *outer])


def fluid_share(fields: BrainFields) -> float:
    return volume_ml(fields, fluid_of(fields)) / volume_ml(fields, fields.head.cavity)


def test_fields_have_the_grids_shape_and_precision(draw: Draw) -> None:
    _, fields = draw()
    assert tuple(fields.ventricles) == VENTRICLES
    shape = fields.head.grid.shape
    for name in DISTANCES:
        field = getattr(fields, name)
        assert (field.shape, field.dtype) == (shape, np.float32), name
        assert np.isfinite(field).all(), name
    for name, field in fields.ventricles.items():
        assert (field.shape, field.dtype) == (shape, np.float32), name
        assert field.max() == pytest.approx(FAR_MM), name


def test_same_draw_same_fields(draw: Draw) -> None:
    one, first = draw(seed=3)
    other, second = draw(seed=3)
    assert one == other
    for name in DISTANCES:
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert draw(seed=4)[0] != one


def test_a_part_of_the_grid_gives_a_part_of_the_fields(draw: Draw) -> None:
    brain, fields = draw()
    inside = (slice(10, 14), slice(5, 40), slice(8, 50))
    part = brain_fields(brain, fields.head.crop(inside))
    for name in DISTANCES:
        whole, own = getattr(fields, name)[inside], getattr(part, name)
        # A furrow's map is looked up by the nearest point: rounding may choose another.
        differing = np.abs(own - whole) > 1e-3
        assert differing.mean() < 0.002, name


def test_fluid_grows_with_age(draw: Draw) -> None:
    shares = {
        age: [fluid_share(draw(age=age, seed=seed)[1]) for seed in range(3)] for age in (22, 60, 85)
    }
    assert min(shares[22]) > 0.08
    assert max(shares[22]) < 0.12
    assert min(shares[85]) > 0.15
    assert max(shares[85]) < 0.28
    assert np.mean(shares[22]) < np.mean(shares[60]) < np.mean(shares[85])


@pytest.mark.parametrize("age", [20.0, 60.0, 90.0])
def test_ventricles_hold_as_much_as_real_ones(draw: Draw, age: float) -> None:
    volumes = [
        volume_ml(fields, ventricles_of(fields))
        for fields in (draw(age=age, seed=seed, spacing_mm=2.0)[1] for seed in range(2))
    ]
    assert min(volumes) > 6.0
    assert max(volumes) < 75.0


def test_ventricles_lie_on_their_sides(draw: Draw) -> None:
    _, fields = draw(age=80.0, spacing_mm=2.0)
    x = fields.points.x
    assert x[fields.ventricles["left"] < 0].min() > 0
    assert x[fields.ventricles["right"] < 0].max() < 0
    left, right = (volume_ml(fields, fields.ventricles[side]) for side in ("left", "right"))
    assert left == pytest.approx(right, rel=0.6)
    below = fields.above_tentorium < 0
    assert below[fields.ventricles["fourth"] < -1].mean() > 0.8
    assert not below[fields.ventricles["left"] < 0].any()


def test_midline_follows_a_push_and_the_falx_less(draw: Draw) -> None:
    push = Push((30.0, 0.0, 10.0), (-10.0, 0.0, 0.0), reach_mm=45.0)
    _, still = draw(spacing_mm=2.0)
    _, moved = draw(spacing_mm=2.0, pushes=(push,))
    x = still.head.grid.x

    def middle(fields: BrainFields, distance: FloatArray, window: tuple[float, float]) -> float:
        grid = fields.head.grid
        inside = fraction_inside(distance, 2.0)
        inside[(grid.z < window[0]) | (grid.z > window[1])] = 0
        return float((inside * x).sum() / inside.sum())

    third = [middle(f, f.ventricles["third"], (-12, 2)) for f in (still, moved)]
    falx = [middle(f, f.falx, (40, 60)) for f in (still, moved)]
    assert -10.0 < third[1] - third[0] < -5.0
    assert -4.0 < falx[1] - falx[0] < -0.5


def test_folds_near_a_push_are_narrower(draw: Draw) -> None:
    push = Push((45.0, 0.0, 30.0), (-8.0, 0.0, 0.0), reach_mm=30.0)
    _, still = draw(age=75.0)
    _, moved = draw(age=75.0, pushes=(push,))
    grid = still.head.grid
    near = (grid.x > 20) & (np.abs(grid.y) < 30) & (grid.z > 10) & (grid.z < 50)
    near &= still.head.cavity < -3.0
    far = (grid.x < -20) & (np.abs(grid.y) < 30) & (grid.z > 10) & (grid.z < 50)
    far &= still.head.cavity < -3.0
    for part, least, most in ((near, 0.0, 0.6), (far, 0.85, 1.15)):
        before, after = ((f.folds[part] < 0).mean() for f in (still, moved))
        assert least <= after / before < most


def test_folds_are_near_the_surface_and_above_the_tentorium(draw: Draw) -> None:
    _, fields = draw(age=85.0, spacing_mm=2.0)
    fluid = fields.folds < 0
    assert (fields.above_tentorium[fluid] > 0).all()
    away_from_midline = fluid & (fields.points.across > 20)
    depth = -fields.surface[away_from_midline]
    assert np.quantile(depth, 0.95) < 25.0
    assert depth.max() < 32.0


def test_distances_change_by_about_a_mm_per_mm(draw: Draw) -> None:
    _, fields = draw(age=85.0, spacing_mm=2.0)
    step = np.float32(2.0)
    for distance in (fields.falx, fields.ventricles["left"], fields.ventricles["third"]):
        slopes = np.stack(np.gradient(distance, step))
        steepness = np.linalg.norm(slopes, axis=0)
        band = (distance > 1.0) & (distance < 10.0)
        assert 0.6 < np.median(steepness[band]) < 1.4
