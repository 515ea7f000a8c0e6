from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from examwise.phantom.grid import FloatArray
from examwise.phantom.scanner.artefacts import SliceErrors, slice_errors
from examwise.phantom.scanner.motion import Motion

FIELD_MM = 230.4
TWO_RODS = ((-50.0, 0.0, 15.0, 1000.0), (50.0, 0.0, 15.0, 1000.0))


def _errors(hu: FloatArray, hardening_hu: float = 0.0, streak_hu: float = 0.0) -> SliceErrors:
    return slice_errors(
        hu,
        pixel_mm=FIELD_MM / len(hu),
        hardening_hu=hardening_hu,
        streak_hu=streak_hu,
        motion=None,
        random=np.random.default_rng(0),
    )


def _near(image: FloatArray, x: float, y: float, reach: float = 6.0) -> float:
    place = (np.arange(len(image)) - (len(image) - 1) / 2) * FIELD_MM / len(image)
    inside = np.hypot(place - x, place[:, None] - y) < reach
    return float(image[inside].mean())


@pytest.mark.parametrize("matrix", [64, 128, 200, 512])
def test_it_is_dark_between_two_rods_of_bone_by_the_stated_amount(
    water: Callable[..., FloatArray], matrix: int
) -> None:
    error = _errors(water(matrix, TWO_RODS), hardening_hu=10.0).error_hu
    assert _near(error, 0, 0) == pytest.approx(-10.0, rel=0.2)
    assert abs(_near(error, 0, 60)) < 1.5
    assert abs(_near(error, 0, -60)) < 1.5


def test_errors_grow_with_hardening_and_water_has_none(water: Callable[..., FloatArray]) -> None:
    rods = water(128, TWO_RODS)
    once, twice = (_errors(rods, hardening_hu=value).error_hu for value in (5.0, 10.0))
    np.testing.assert_allclose(2 * once, twice, atol=1e-2)
    assert np.abs(_errors(water(128), hardening_hu=10.0).error_hu).max() == 0.0


def test_tissue_within_a_skull_is_brighter_at_the_rim(water: Callable[..., FloatArray]) -> None:
    skull = water(128, ((0.0, 0.0, 80.0, 1000.0), (0.0, 0.0, 72.0, 35.0)))
    error = _errors(skull, hardening_hu=10.0).error_hu
    rims = [_near(error, *at, reach=4) for at in ((62, 0), (-62, 0), (0, 62), (0, -62))]
    assert np.mean(rims) > _near(error, 0, 0) + 0.5
    assert abs(np.mean(rims)) < 5


def test_metal_streaks_reach_far_and_are_both_dark_and_bright(
    water: Callable[..., FloatArray],
) -> None:
    clip = water(256, ((-30.0, 20.0, 2.5, 9000.0), (30.0, 20.0, 2.5, 9000.0)))
    bone = water(256, ((-30.0, 20.0, 2.5, 2400.0), (30.0, 20.0, 2.5, 2400.0)))
    metal_error, bone_error = (_errors(hu, hardening_hu=10.0).error_hu for hu in (clip, bone))
    assert _near(metal_error, 0, 20, reach=4) < -30.0
    assert _near(metal_error, 0, 20, reach=4) < 10 * _near(bone_error, 0, 20, reach=4)
    place = (np.arange(256) - 127.5) * FIELD_MM / 256
    away = np.hypot(np.abs(place) - 30, place[:, None] - 20) > 15
    inside = np.hypot(place, place[:, None]) < 85
    assert metal_error[away & inside].max() > 5.0
    assert metal_error[away & inside].min() < -30.0


def test_noise_is_as_stated_in_water_and_larger_behind_bone(
    water: Callable[..., FloatArray],
) -> None:
    plain = _errors(water(128)).noise_factor
    assert _near(plain, 0, 0) == pytest.approx(1.0, abs=0.02)
    skull = water(128, ((0.0, 0.0, 85.0, 1000.0), (0.0, 0.0, 78.0, 35.0)))
    within = _errors(skull).noise_factor
    assert 1.1 < _near(within, 0, 0) < 1.8
    base = water(128, ((0.0, 0.0, 85.0, 1000.0), (0.0, 0.0, 78.0, 35.0), *TWO_RODS))
    assert _near(_errors(base).noise_factor, 0, 0) > 1.1 * _near(within, 0, 0)


def test_starved_rays_make_streaks_along_thick_bone(water: Callable[..., FloatArray]) -> None:
    thick = water(256, ((-45.0, 0.0, 25.0, 1200.0), (45.0, 0.0, 25.0, 1200.0)))
    errors = np.stack(
        [
            slice_errors(
                thick,
                pixel_mm=FIELD_MM / 256,
                hardening_hu=0.0,
                streak_hu=2.0,
                motion=None,
                random=np.random.default_rng(seed),
            ).error_hu
            for seed in range(12)
        ]
    )
    middle = errors[:, 110:146, 110:146]
    # Along the rods, which lie on a row, the noise changes slowly; across them fast.
    along = np.diff(middle, axis=2).std()
    across = np.diff(middle, axis=1).std()
    assert across > 1.3 * along
    assert middle.std() > 2 * errors[:, 20:50, 110:146].std()
    assert np.abs(_errors(water(256), streak_hu=2.0).error_hu).max() == 0.0


def test_coarse_and_fine_matrices_show_the_same_artefacts(
    water: Callable[..., FloatArray],
) -> None:
    fine, coarse = (
        slice_errors(
            water(matrix, TWO_RODS),
            pixel_mm=FIELD_MM / matrix,
            hardening_hu=10.0,
            streak_hu=1.0,
            motion=Motion(0, (2.0, 0.5), 0.3),
            random=np.random.default_rng(3),
        )
        for matrix in (512, 128)
    )
    averaged = fine.error_hu.reshape(128, 4, 128, 4).mean(axis=(1, 3))
    # Partial volume at the rods' edges is a matter of the matrix; between them it is not.
    np.testing.assert_allclose(averaged[60:68, 60:68], coarse.error_hu[60:68, 60:68], atol=1.0)
    apart = averaged - coarse.error_hu
    assert apart.std() < 0.15 * coarse.error_hu.std()
    noise = fine.noise_factor.reshape(128, 4, 128, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(
        noise[14:114, 14:114], coarse.noise_factor[14:114, 14:114], atol=0.05
    )
