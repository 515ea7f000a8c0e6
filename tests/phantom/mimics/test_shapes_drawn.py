from __future__ import annotations

import math

import numpy as np
import pytest

from examwise.phantom.mimics.hardware import outline_dots
from examwise.phantom.mimics.lumps import Lump, cluster, speck
from examwise.phantom.mimics.scene import InsideScene
from examwise.phantom.mimics.tubes import Tube, segment_distance
from examwise.phantom.shapes import Ellipsoid, FreePoints
from examwise.phantom.waves import SmoothField

VOXEL_MM3 = 2.5**3


def _drawn_mm3(whole_head, part: Lump | Tube) -> float:
    hu = np.zeros_like(whole_head.inside)
    part.draw(InsideScene(whole_head.fields, hu, edge_mm=2.5))
    return float(hu.sum()) * VOXEL_MM3 / 100.0


def test_lumps_have_the_volume_of_ellipsoids(whole_head) -> None:
    lump = Lump(Ellipsoid((5.0, 3.0, 2.0), (12.0, 9.0, 7.0), 30.0), 100.0)
    assert _drawn_mm3(whole_head, lump) == pytest.approx(4 / 3 * math.pi * 12 * 9 * 7, rel=0.06)


def test_irregular_lumps_stay_within_their_reach(whole_head) -> None:
    random = np.random.default_rng(0)
    lump = Lump(
        Ellipsoid((0.0, 0.0, 20.0), (10.0, 10.0, 10.0)),
        100.0,
        wobble=SmoothField.sample(random, wavelength_mm=8.0, n_waves=4),
        wobble_mm=1.5,
        grain=SmoothField.sample(random, wavelength_mm=8.0, n_waves=4),
        grain_hu=50.0,
    )
    hu = np.zeros_like(whole_head.inside)
    lump.draw(InsideScene(whole_head.fields, hu, edge_mm=2.0))
    grid = whole_head.head_fields.grid
    radius = np.sqrt(grid.x**2 + grid.y**2 + (grid.z - 20) ** 2)
    assert hu[radius > 16].max() == 0
    assert 100 < hu.max() < 300
    assert hu.min() >= 0


def test_tubes_have_the_volume_of_cylinders(whole_head) -> None:
    tube = Tube(((-20.0, 0.0, 0.0), (20.0, 10.0, 5.0)), 6.0, 100.0)
    length = math.hypot(40, 10, 5)
    expected = math.pi * 36 * length + 4 / 3 * math.pi * 6**3
    assert _drawn_mm3(whole_head, tube) == pytest.approx(expected, rel=0.06)


def test_segment_distance_against_the_nearest_of_many_points() -> None:
    random = np.random.default_rng(3)
    start, end = (1.0, 2.0, 3.0), (9.0, -4.0, 6.0)
    points = random.uniform(-15, 15, size=(50, 3)).astype(np.float32)
    along = np.linspace(0, 1, 4001)[:, None]
    many = np.asarray(start) * (1 - along) + np.asarray(end) * along
    expected = np.linalg.norm(points[:, None] - many, axis=2).min(axis=1)
    found = segment_distance(FreePoints(*points.T), start, end)
    np.testing.assert_allclose(found, expected, atol=0.01)


def test_clusters_are_small_and_within_their_ranges() -> None:
    for seed in range(50):
        specks = cluster(
            np.random.default_rng(seed),
            (1.0, 2.0, 3.0),
            spread_mm=(1.0, 1.0, 1.0),
            most=4,
            radius_mm=(1.0, 2.0),
            hu=(80.0, 90.0),
        )
        assert 1 <= len(specks) <= 4
        assert all(80 <= speck.lump.hu <= 90 for speck in specks)
        assert all(1 <= speck.lump.shape.radii_mm[0] <= 2 for speck in specks)


def test_specks_may_be_tall() -> None:
    assert speck((0.0, 0.0, 0.0), 2.0, 100.0, height_mm=5.0).shape.radii_mm == (2.0, 2.0, 5.0)
    assert speck((0.0, 0.0, 0.0), 2.0, 100.0).shape.radii_mm == (2.0, 2.0, 2.0)


def test_dots_lie_on_the_ellipse() -> None:
    dots = outline_dots((10.0, 20.0), count=9, share=0.6)
    assert len(dots) == 9
    assert all((x / 10) ** 2 + (y / 20) ** 2 == pytest.approx(1) for x, y in dots)
