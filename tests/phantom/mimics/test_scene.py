from __future__ import annotations

import numpy as np
import pytest

from examwise.phantom.mimics.scene import InsideScene


def test_a_patch_is_a_view_of_what_may_lie_in_the_box(whole_head) -> None:
    hu = whole_head.inside.copy()
    scene = InsideScene(whole_head.fields, hu, edge_mm=2.0)
    patch = scene.patch((10.0, -20.0, 5.0), (6.0, 3.0, 4.0))
    assert patch is not None
    grid = whole_head.head_fields.grid
    in_box = (np.abs(grid.x - 10) <= 7) & (np.abs(grid.y + 20) <= 4) & (np.abs(grid.z - 5) <= 5)
    covered = np.zeros(grid.shape, bool)
    covered[patch.window] = True
    assert covered[in_box].all()
    assert covered.sum() < 2 * in_box.sum() + 50
    patch.hu[...] = 77.0
    assert (hu[covered] == 77).all()
    np.testing.assert_array_equal(hu[~covered], whole_head.inside[~covered])


def test_nothing_is_looked_at_far_away(whole_head) -> None:
    scene = InsideScene(whole_head.fields, whole_head.inside.copy(), edge_mm=2.0)
    assert scene.patch((0.0, 0.0, 300.0), (5.0, 5.0, 5.0)) is None
    assert scene.patch((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)) is not None


def test_a_brain_patch_lies_where_the_average_brain_has_its_place(whole_head) -> None:
    scene = InsideScene(whole_head.fields, whole_head.inside.copy(), edge_mm=2.0)
    patch = scene.brain_patch((12.0, -20.0, 5.0), (3.0, 4.0, 2.0))
    assert patch is not None
    places = whole_head.fields.points
    in_box = (
        (np.abs(places.x - 12) <= 4) & (np.abs(places.y + 20) <= 5) & (np.abs(places.z - 5) <= 3)
    )
    covered = np.zeros(in_box.shape, bool)
    covered[patch.window] = True
    assert covered[in_box].all()
    np.testing.assert_array_equal(patch.points.y, places.y[patch.window])
    assert scene.brain_patch((0.0, 0.0, 300.0), (5.0, 5.0, 5.0)) is None


def test_densities_of_another_shape_are_refused(whole_head) -> None:
    with pytest.raises(ValueError, match="densities of shape"):
        InsideScene(whole_head.fields, np.zeros((2, 2, 2), np.float32), edge_mm=2.0)
