from __future__ import annotations

import numpy as np

from examwise.phantom.grid import plane_grid
from examwise.phantom.mimics.territories import TERRITORIES, sample_territory


def _grid():
    heights = np.arange(-80.0, 81.0, 4.0)
    origins = np.stack([np.full_like(heights, -80.0), np.full_like(heights, -96.0), heights], 1)
    return plane_grid(origins, spacing_mm=4.0, rows=49, columns=41)


def test_wedges_lie_in_their_boxes_and_on_their_sides() -> None:
    grid = _grid()
    seen = set()
    for seed in range(60):
        side = 1 if seed % 2 else -1
        artery, wedge = sample_territory(np.random.default_rng(seed), side)
        seen.add(artery)
        inside = wedge.distance_mm(grid) < 0
        inside &= np.hypot(grid.x, grid.y) < 85
        assert inside.any()
        center, reach = wedge.box
        for axis, middle, half in zip((grid.x, grid.y, grid.z), center, reach, strict=True):
            assert (np.abs(axis[inside] - middle) <= half).all()
        assert np.sign(np.median(grid.x[inside])) == side
        assert wedge.below_tentorium == (artery == "cerebellar")
    assert seen == set(TERRITORIES)


def test_the_other_side_is_the_mirror_image() -> None:
    grid = _grid()
    for seed in range(8):
        left, right = (sample_territory(np.random.default_rng(seed), side)[1] for side in (1, -1))
        mirrored = right.distance_mm(grid)[:, :, ::-1]
        np.testing.assert_allclose(left.distance_mm(grid), mirrored, atol=1e-3)
        assert left.center_mm[0] == -right.center_mm[0] or np.isclose(
            left.center_mm[0], -right.center_mm[0]
        )
