from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.ndimage import label

from examwise.phantom.grid import PlaneGrid, plane_grid
from examwise.phantom.head.fields import HeadFields, floor_mm, head_fields
from examwise.phantom.head.parameters import HeadParameters

Fields = Callable[..., HeadFields]
SEEDS = range(4)


def slope(field: np.ndarray, spacing_mm: float) -> np.ndarray:
    return np.sqrt(sum(part * part for part in np.gradient(field, spacing_mm)))


@pytest.mark.parametrize("seed", SEEDS)
def test_distance_has_unit_slope_near_the_inner_table(fields_of: Fields, seed: int) -> None:
    fields = fields_of(seed)
    of_vault = slope(fields.vault, 2.5)
    near = (np.abs(fields.vault) < 5.0) & (fields.grid.z > -40.0)
    assert of_vault[near].mean() == pytest.approx(1.0, abs=0.05)
    assert of_vault[near].std() < 0.08
    of_cavity = slope(fields.cavity, 2.5)
    near = (fields.cavity > -8.0) & (fields.cavity < -1.0)
    assert np.median(of_cavity[near]) == pytest.approx(1.0, abs=0.05)
    assert np.mean(np.abs(of_cavity[near] - 1.0) < 0.25) > 0.85


@pytest.mark.parametrize("seed", SEEDS)
def test_cavity_lies_within_the_vault_but_for_the_canal_and_the_sinus_groove(
    fields_of: Fields, seed: int
) -> None:
    fields = fields_of(seed)
    above = fields.grid.z > -55.0
    assert fields.vault[above & (fields.cavity < 0)].max() < 3.0


@pytest.mark.parametrize("seed", SEEDS)
def test_vault_is_closed_by_bone_of_plausible_thickness(fields_of: Fields, seed: int) -> None:
    fields = fields_of(seed)
    shell = (fields.vault > 0.5) & (fields.outer < -0.5) & (fields.grid.z > 4.0)
    # The groove of the sagittal sinus may thin the inner table in the midline.
    shell &= (np.abs(fields.grid.x) > 8.0) | (fields.vault > 2.5)
    assert (fields.bone[shell] < 0).all()
    thickness = (fields.vault - fields.outer)[(np.abs(fields.vault) < 2.0) & (fields.grid.z > 0)]
    low, median, high = np.percentile(thickness, [1, 50, 99])
    assert low > 2.5
    assert 4.0 < median < 9.5
    assert high < 14.0


@pytest.mark.parametrize("seed", SEEDS)
def test_no_way_out_of_the_cavity_but_the_foramen_magnum(fields_of: Fields, seed: int) -> None:
    fields = fields_of(seed)
    upper = fields.grid.z[:, 0, 0] > -50.0
    # Plates of two millimetres are bone, whatever voxels they are sampled in.
    free = fields.bone[upper] > 0.8
    parts, _ = label(free)
    middle = np.unravel_index(np.argmin(fields.cavity[upper]), free.shape)
    inside = parts == parts[middle]
    assert not inside[:, 0].any()
    assert not inside[:, :, 0].any()
    assert fields.cavity[upper][inside].max() < 3.0


@pytest.mark.parametrize("seed", SEEDS)
def test_foramen_magnum_is_open_and_leads_into_the_canal(fields_of: Fields, seed: int) -> None:
    fields = fields_of(seed)
    parts, _ = label(fields.cavity < 0)
    middle = np.unravel_index(np.argmin(fields.cavity), parts.shape)
    of_brain = parts == parts[middle]
    lowest = fields.grid.z[of_brain].min()
    assert lowest < -80.0
    plane = int(np.argmin(np.abs(fields.grid.z[:, 0, 0] + 70.0)))
    across = np.count_nonzero(of_brain[plane]) * 2.5**2
    assert 200.0 < across < 1_100.0


def test_volume_is_a_skulls_and_grows_with_size(
    head_of: Callable[..., HeadParameters], grid_of: Callable[[float, float, float], PlaneGrid]
) -> None:
    grid = grid_of(4.0, -62.0, 100.0)

    def volume_ml(head: HeadParameters) -> float:
        return float((head_fields(head, grid).cavity < 0).sum()) * 4.0**3 / 1_000.0

    volumes = np.array([volume_ml(head_of(seed)) for seed in range(16)])
    assert 1_300 < volumes.mean() < 1_600
    assert volumes.min() > 1_100
    assert volumes.max() < 1_800
    small, large = volume_ml(head_of(0, 0.93)), volume_ml(head_of(0, 1.05))
    assert large / small == pytest.approx((1.05 / 0.93) ** 3, rel=0.04)


def test_symmetric_parameters_make_a_symmetric_head(
    symmetric: HeadParameters, grid_of: Callable[[float, float, float], PlaneGrid]
) -> None:
    fields = head_fields(symmetric, grid_of(4.0, -80.0, 90.0))
    for name in ("vault", "cavity", "outer", "bone", "skin"):
        field = getattr(fields, name)
        np.testing.assert_allclose(field, field[:, :, ::-1], atol=0.1, err_msg=name)


@pytest.mark.parametrize("seed", SEEDS)
def test_stated_floor_is_where_the_cavity_ends(fields_of: Fields, seed: int) -> None:
    """Of places well within the vault; patients' floors differ a little from the average one."""
    fields = fields_of(seed)
    grid = fields.grid
    floor = floor_mm(grid.x[0], grid.y[0])
    above = grid.z > floor + 10.0
    assert (fields.cavity[above & (fields.vault < -6.0)] < 0).all()
    canal = (np.abs(grid.x) < 22.0) & (np.abs(grid.y - 28.0) < 26.0)
    below = (grid.z < floor - 10.0) & ~canal
    assert (fields.cavity[below] > 0).mean() > 0.995


def test_front_middle_and_posterior_fossa_are_steps_down() -> None:
    places = np.array([[30.0, -62.0], [35.0, -18.0], [20.0, 45.0]], np.float32)
    front, middle, back = floor_mm(places[:, 0], places[:, 1]).tolist()
    assert -26 < front < -12
    assert -54 < middle < -42
    assert -66 < back < -54
    crest = floor_mm(np.full(40, 36.0, np.float32), np.linspace(-5, 34, 40, dtype=np.float32))
    assert -36 < crest.max() < -28


@pytest.mark.parametrize("seed", SEEDS)
def test_skin_covers_the_skull(fields_of: Fields, seed: int) -> None:
    fields = fields_of(seed)
    assert fields.skin[fields.bone < 0].max() < -1.0
    scalp = (fields.outer - fields.skin)[(np.abs(fields.outer) < 2.0) & (fields.grid.z > 50.0)]
    assert scalp.min() > 3.0
    assert scalp.max() < 13.0


def test_parts_of_fields_are_views_of_the_same_places(fields_of: Fields) -> None:
    fields = fields_of(0)
    part = fields.crop((slice(3, 5), slice(10, 40), slice(20, 60)))
    assert part.vault.base is not None
    np.testing.assert_array_equal(part.skin, fields.skin[3:5, 10:40, 20:60])
    np.testing.assert_allclose(part.grid.x, fields.grid.x[3:5, 10:40, 20:60])
    assert part.frame.shape == part.grid.shape


def test_distances_do_not_depend_on_what_else_is_sampled(
    head_of: Callable[..., HeadParameters],
) -> None:
    """Windows are only short cuts: a plane alone has the distances that it has among others."""
    head = head_of(1)
    origins = np.array([[-100.0, -100.0, z] for z in (-70.0, -45.0, -20.0, 10.0)])
    together = head_fields(head, plane_grid(origins, spacing_mm=5, rows=40, columns=40))
    for index, origin in enumerate(origins):
        alone = head_fields(head, plane_grid(origin[None], spacing_mm=5, rows=40, columns=40))
        for name in ("vault", "cavity", "bone", "skin"):
            np.testing.assert_allclose(
                getattr(alone, name)[0], getattr(together, name)[index], atol=2e-3, err_msg=name
            )
