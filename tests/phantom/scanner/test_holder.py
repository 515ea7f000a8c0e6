from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from examwise.phantom.scanner.holder import (
    Band,
    HolderShape,
    Rod,
    Surroundings,
    place_beside,
    surroundings_hu,
)

TROUGH = HolderShape(
    radius_mm=90.0,
    arms_mm=40.0,
    wall_mm=5.0,
    wall_hu=300.0,
    core_hu=300.0,
    gap_mm=(0.0, 0.0),
    foam_mm=20.0,
    foam_hu=-940.0,
    skin_hu=-850.0,
    wave_mm=0.0,
    widening_mm=0.0,
)
AROUND = Surroundings(TROUGH, bottom_mm=(0.0, 100.0))
AXIS = np.arange(-124.5, 125.0, 1.0, dtype=np.float32)


def _at(around: Surroundings, x: float, y: float, z: float = 0.0) -> float:
    image = surroundings_hu(around, x_mm=AXIS, y_mm=AXIS, z_mm=z)
    return float(image[round(y + 124.5), round(x + 124.5)]) - 1000.0


def test_the_trough_is_where_it_was_put() -> None:
    assert _at(AROUND, 0.5, 102.5) == pytest.approx(300.0)  # the bottom's wall
    assert _at(AROUND, 0.5, 90.5) == pytest.approx(-940.0)  # foam above it
    assert _at(AROUND, 0.5, 80.5) == pytest.approx(-925.0, abs=20)  # half of it the foam's skin
    assert _at(AROUND, 0.5, 60.5) == -1000.0
    assert _at(AROUND, 0.5, 108.5) == -1000.0
    # The centre of the round part is at y = 10; sides reach 40 mm before it, to y = -30.
    assert _at(AROUND, 92.5, -20.5) == pytest.approx(300.0)
    assert _at(AROUND, -92.5, -20.5) == pytest.approx(300.0)
    assert _at(AROUND, 92.5, -36.5) == -1000.0


def test_sides_rise_and_fall_along_the_table() -> None:
    waving = replace(AROUND, shape=replace(TROUGH, wave_mm=20.0))
    heights = []
    for z in (0.0, 28 * np.pi / 2, -28 * np.pi / 2):
        image = surroundings_hu(waving, x_mm=AXIS, y_mm=AXIS, z_mm=float(z))
        heights.append(AXIS[np.flatnonzero(image[:, round(92.5 + 124.5)] > 700)[0]])
    assert heights[1] < heights[0] < heights[2]


def test_a_sandwich_wall_is_light_inside() -> None:
    tray = replace(AROUND, shape=replace(TROUGH, wall_mm=9.0, wall_hu=-150.0, core_hu=-880.0))
    assert _at(tray, 0.5, 104.5) == pytest.approx(-880.0)
    assert _at(tray, 0.5, 100.5) > -600.0


def test_bands_and_rods_lie_where_they_were_put() -> None:
    band = Band((0.0, 0.0), (80.0, 100.0), True, 20.0, 3.0, -300.0, 0.0, 5)
    tube = Rod((60.5, -60.5), 6.0, 4.0, 50.0, 0.1)
    around = replace(AROUND, bands=(band,), rods=(tube,))
    assert _at(around, 0.5, -100.5) == pytest.approx(-300.0, abs=40)
    assert _at(around, 0.5, 20.5) == -1000.0
    assert _at(around, 55.5, -60.5) == pytest.approx(50.0, abs=80)
    assert _at(around, 60.5, -60.5) == -1000.0
    # It leans to the front upwards.
    assert _at(around, 55.5, -70.5, z=100.0) == pytest.approx(50.0, abs=80)


def test_what_is_thinner_than_a_pixel_fills_a_share_of_it() -> None:
    coarse = np.arange(-120.0, 121.0, 8.0, dtype=np.float32)
    fine = np.arange(-123.75, 124.0, 0.5, dtype=np.float32)
    plain = replace(AROUND, shape=replace(TROUGH, foam_mm=0.0))
    sums = [
        surroundings_hu(plain, x_mm=axis, y_mm=axis, z_mm=0.0).sum() * (axis[1] - axis[0]) ** 2
        for axis in (coarse, fine)
    ]
    assert sums[0] == pytest.approx(sums[1], rel=0.1)


def test_a_head_hides_what_would_be_in_it() -> None:
    hu = np.array([[-1000.0, -100.0, 1000.0]], np.float32)
    place_beside(hu, np.full((1, 3), 500.0, np.float32))
    np.testing.assert_array_equal(hu, [[-500.0, -100.0, 1000.0]])
