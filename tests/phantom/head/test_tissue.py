from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from examwise.phantom.grid import PlaneGrid, plane_grid
from examwise.phantom.head.fields import HeadFields, head_fields
from examwise.phantom.head.parameters import HeadParameters
from examwise.phantom.head.tissue import outside_hu

HeadOf = Callable[..., HeadParameters]
Hu = npt.NDArray[np.float32]


def rendered(
    head: HeadParameters, heights: list[float], *, spacing_mm: float = 1.0
) -> tuple[HeadFields, Hu]:
    count = round(216 / spacing_mm)
    first = -0.5 * (count - 1) * spacing_mm
    origins = np.array([[first, first, z] for z in heights])
    grid = plane_grid(origins, spacing_mm=spacing_mm, rows=count, columns=count)
    fields = head_fields(head, grid)
    return fields, outside_hu(head, fields, edge_mm=max(spacing_mm, 1.0))


def around(fields: HeadFields, x: float, y: float, z: float, reach: float) -> npt.NDArray[np.bool_]:
    grid = fields.frame
    return (
        (np.abs(grid.x - x) < reach) & (np.abs(grid.y - y) < reach) & (np.abs(grid.z - z) < reach)
    )


@pytest.mark.parametrize("seed", range(3))
def test_tissues_have_their_densities(head_of: HeadOf, seed: int) -> None:
    head = head_of(seed)
    fields, hu = rendered(head, [-72.0, -38.0, 20.0, 45.0])
    assert hu.dtype == np.float32
    assert hu.min() > -1_000.1
    assert hu.max() < 3_100.0
    assert (hu[fields.skin > 27.0] == -1_000.0).all()
    # Nothing but ears stands out of the skin, and there is no bone in them.
    assert hu[fields.skin > 1.5].max() < 200.0
    assert (hu[(fields.skin > 2.0) & (np.abs(fields.grid.x) < 55.0)] < -900.0).all()
    shell = (fields.grid.z > 15.0) & (fields.outer < 0) & (fields.vault > 0)
    table = shell & (np.abs(fields.bone + 1.0) < 0.4)
    assert 1_000 < np.median(hu[table]) < 1_550
    spongy = shell & (fields.bone < -head.bone.compact_mm - 1.4)
    if spongy.any():
        assert 380 < np.median(hu[spongy]) < 850
        assert hu[spongy].std() > 25.0
    scalp = (fields.grid.z > 15.0) & (np.abs(fields.grid.x) < 30.0)
    fat = scalp & (fields.outer > 1.0) & (fields.skin < -head.soft.skin_mm - 0.8)
    assert -110 < np.median(hu[fat]) < -40
    skin = scalp & (np.abs(fields.skin + 0.5 * head.soft.skin_mm) < 0.3)
    assert -20 < np.median(hu[skin]) < 70


@pytest.mark.parametrize("seed", range(3))
def test_eyes_lie_in_fat_and_air_in_the_sinuses(head_of: HeadOf, seed: int) -> None:
    fields, hu = rendered(head_of(seed), [-68.0, -48.0, -46.0, -38.0])
    for side in (-1, 1):
        eye = hu[around(fields, side * 31.0, -78.0, -38.0, 4.0)]
        assert 0 < np.median(eye) < 20
        fat = hu[around(fields, side * 27.0, -55.0, -38.0, 9.0)]
        assert (fat < -60).mean() > 0.2
        sinus = hu[around(fields, side * 28.0, -63.0, -68.0, 4.0)]
        assert np.median(sinus) < -800 or 0 < np.median(sinus) < 40
        ear = hu[around(fields, side * 58.0, 8.5, -48.5, 3.0)]
        assert ear.min() < -500


def test_petrous_bone_is_dense_and_mastoids_hold_air(head_of: HeadOf) -> None:
    head = head_of(1)
    head = replace(
        head, air=replace(head.air, mastoid=(1.0, 1.0), full_mastoid=(0.0, 0.0)), size=1.0
    )
    fields, hu = rendered(head, [-50.0, -46.0, -44.0])
    for side in (-1, 1):
        otic = hu[around(fields, side * 34.0, 9.0, -44.0, 3.0)]
        assert np.median(otic) > 1_300
        cells = hu[around(fields, side * 56.0, 25.0, -50.0, 7.0)]
        assert (cells < -300).mean() > 0.15
        assert (cells > 300).mean() > 0.1


def test_fluid_fills_sinuses_from_the_back(head_of: HeadOf) -> None:
    head = head_of(2)
    head = replace(head, air=replace(head.air, fluid=(0.0, 0.5, 0.0), maxillary=(1.0, 1.0)))
    fields, hu = rendered(head, [-70.0])
    front = around(fields, -29.0, -72.0, -70.0, 3.0)
    back = around(fields, -29.0, -53.0, -70.0, 2.0)
    assert np.median(hu[front]) < -800
    assert 0 < np.median(hu[back]) < 40
    assert np.median(hu[around(fields, 29.0, -55.0, -70.0, 2.0)]) < -800


def test_temporal_muscle_lies_outside_the_temple(head_of: HeadOf) -> None:
    head = head_of(1)
    fields, hu = rendered(head, [0.0])
    thick = 0.5 * head.soft.temporalis_mm * 0.7
    layer = (np.abs(fields.outer - thick) < 1.0) & (np.abs(fields.frame.y + 22.0) < 10.0)
    assert layer.any()
    assert 35 < np.median(hu[layer]) < 75


def test_symmetric_parameters_make_symmetric_densities(symmetric: HeadParameters) -> None:
    _, hu = rendered(symmetric, [-74.0, -60.0, -46.0, -36.0, -20.0, 10.0], spacing_mm=2.0)
    # Where walls of both sides meet, the later one wins.
    assert np.mean(np.abs(hu - hu[:, :, ::-1]) > 3.0) < 1e-3


def test_rendering_is_deterministic_and_leaves_its_input_alone(head_of: HeadOf) -> None:
    head = head_of(0)
    fields, first = rendered(head, [-50.0, 30.0], spacing_mm=3.0)
    before = fields.skin.copy(), fields.bone.copy()
    second = outside_hu(head, fields, edge_mm=3.0)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(fields.skin, before[0])
    np.testing.assert_array_equal(fields.bone, before[1])


@pytest.mark.parametrize("count", [1, 16, 53])
def test_any_matrix_and_any_pose_renders(head_of: HeadOf, count: int) -> None:
    grid = PlaneGrid(
        np.array([[-90.0, -80.0, -90.0], [-90.0, -80.0, 300.0]]),
        np.array([1.0, 180.0, 30.0]) / count,
        np.array([180.0, -1.0, 12.0]) / count,
        count,
        count,
    )
    fields = head_fields(head_of(0), grid)
    hu = outside_hu(head_of(0), fields, edge_mm=180.0 / count)
    assert hu.shape == (2, count, count)
    assert np.isfinite(hu).all()
    assert (hu[1] == -1_000.0).all()


def test_coarse_voxels_hold_about_the_mean_of_fine_ones(head_of: HeadOf) -> None:
    """Edges as wide as voxels stand for partial volume."""
    _, fine = rendered(head_of(1), [25.0], spacing_mm=1.0)
    _, coarse = rendered(head_of(1), [25.0], spacing_mm=3.0)
    mean = fine.reshape(1, 72, 3, 72, 3).mean(axis=(2, 4))
    difference = np.abs(coarse - mean)
    assert difference.mean() < 40.0
    assert np.corrcoef(coarse.ravel(), mean.ravel())[0, 1] > 0.97


def test_planes_are_the_same_alone_and_among_others(head_of: HeadOf) -> None:
    """Windows are only short cuts; with a tilt they reach farther than what they are for."""
    head = head_of(5)
    step = np.array([0.0, 4.0, 1.5])
    origins = np.array([[-100.0, -105.0, z] for z in range(-115, 20, 15)])

    def of(chosen: npt.NDArray[np.float64]) -> Hu:
        grid = PlaneGrid(chosen, step, np.array([4.0, 0.0, 0.0]), 52, 50)
        return outside_hu(head, head_fields(head, grid), edge_mm=4.0)

    together = of(origins)
    for index in range(len(origins)):
        np.testing.assert_allclose(of(origins[index : index + 1])[0], together[index], atol=0.1)
