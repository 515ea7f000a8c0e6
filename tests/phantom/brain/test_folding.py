from __future__ import annotations

import numpy as np
import pytest

from examwise.phantom.brain.folding import FoldAtlas, FoldMap, MappedSulcus, fold_map

SPACING_MM = 15.0


def a_map(seed: int, *sulci: MappedSulcus) -> FoldMap:
    return fold_map(
        np.random.default_rng(seed),
        sulci,
        half_width_mm=100.0,
        spacing_mm=SPACING_MM,
        depth_mm=(5.0, 15.0),
    )


def test_furrows_are_spaced_evenly() -> None:
    found = a_map(0, MappedSulcus(np.array([[0.0, -0.3], [0.0, 0.3]]), 12.0, 0.0))
    assert found.distance_mm.dtype == found.depth_mm.dtype == np.float32
    assert found.distance_mm.min() >= 0.0
    # Distances to evenly spaced lines are spread evenly from none to half the spacing.
    assert found.distance_mm.max() == pytest.approx(0.5 * SPACING_MM, rel=0.01)
    assert found.distance_mm.mean() == pytest.approx(0.25 * SPACING_MM, rel=0.1)
    assert 5.0 - 1.0 < found.depth_mm.min() < found.depth_mm.max() < 15.0 + 1.0


def test_a_named_sulcus_is_a_deep_furrow_where_it_runs() -> None:
    path = np.stack([np.linspace(-0.4, 0.4, 9), np.full(9, 0.2)], axis=1)
    found = a_map(1, MappedSulcus(path, 25.0, 2.0))
    size = len(found.distance_mm)
    rows, columns = ((path[1:-1] + 1.0) * 0.5 * size).astype(int).T
    assert np.median(found.distance_mm[rows, columns]) < 0.0
    assert found.depth_mm[rows, columns].min() > 20.0


def test_the_atlas_looks_up_either_side() -> None:
    maps = [
        FoldMap(np.full((8, 8), value, np.float32), np.full((8, 8), 10.0 * value, np.float32))
        for value in (1.0, 2.0)
    ]
    maps[0].distance_mm[6, 1] = 5.0
    atlas = FoldAtlas(*maps, reach=4.0)
    row, column = np.array([2.5, 2.5], np.float32), np.array([-2.5, -2.5], np.float32)
    distance, depth = atlas.look_up(row, column, np.array([False, True]))
    assert distance.tolist() == [5.0, 2.0]
    assert depth.tolist() == [10.0, 20.0]
