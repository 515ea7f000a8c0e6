from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from examwise.phantom.grid import plane_grid
from examwise.phantom.head.bone import bone_hu, suture_fraction
from examwise.phantom.head.parameters import HeadParameters
from examwise.phantom.shapes import FreePoints

GRID = plane_grid(np.array([[20.0, -60.0, 40.0]]), spacing_mm=1.0, rows=1, columns=8)
ALL = np.arange(8)


def test_tables_are_compact_and_what_lies_between_them_is_spongy(
    head_of: Callable[..., HeadParameters],
) -> None:
    tissue = replace(head_of(0).bone, suture_open=0.0, grain_hu=0.0, compact_mm=1.5)
    distance = np.array([-0.2, -0.7, -1.4, -1.5, -2.1, -2.7, -4.0, -9.0], np.float32)
    hu = bone_hu(tissue, GRID, distance, ALL, np.zeros(8, np.float32))
    np.testing.assert_allclose(hu[:4], tissue.compact_hu, rtol=1e-5)
    np.testing.assert_allclose(hu[5:], tissue.spongy_hu, rtol=1e-5)
    assert tissue.spongy_hu < hu[4] < tissue.compact_hu


def test_sutures_are_thin_lines_where_they_belong() -> None:
    x = np.linspace(-60, 60, 1_201, dtype=np.float32)
    at_top = suture_fraction(FreePoints(x, 0 * x + 20, 0 * x + 75), 0 * x)
    assert at_top.max() == 1.0
    sagittal = x[(at_top > 0.5) & (np.abs(x) < 20)]
    assert np.abs(sagittal).max() < 1.0
    y = np.linspace(-80, 0, 801, dtype=np.float32)
    along = suture_fraction(FreePoints(0 * y + 40, y, 0 * y + 40), 0 * y)
    coronal = y[along > 0.5]
    assert coronal.size
    assert -30 < coronal.mean() < -22
    assert np.ptp(coronal) < 2.0
    low = suture_fraction(FreePoints(0 * y + 40, y, 0 * y - 20), 0 * y)
    assert not low.any()


def test_open_sutures_are_darker(head_of: Callable[..., HeadParameters]) -> None:
    tissue = replace(head_of(0).bone, grain_hu=0.0, wiggle_mm=0.0, suture_open=1.0)
    grid = plane_grid(np.array([[0.0, 20.0, 75.0]]), spacing_mm=6.0, rows=1, columns=2)
    on, off = bone_hu(
        tissue, grid, np.full(2, -0.5, np.float32), np.arange(2), np.zeros(2, np.float32)
    ).tolist()
    assert on < off - 400.0
