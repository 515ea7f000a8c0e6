from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from examwise.phantom.boxes import Box, component_boxes


def test_an_empty_mask_has_no_box() -> None:
    assert component_boxes(np.zeros((3, 4), bool)) == []


def test_components_are_apart_and_corners_touch() -> None:
    mask = np.array([[1, 0, 0, 0, 0], [0, 1, 0, 0, 1], [0, 0, 0, 0, 1]], bool)
    assert component_boxes(mask) == [Box(0, 0, 2, 2), Box(4, 1, 1, 2)]


@settings(deadline=None, max_examples=50)
@given(hnp.arrays(bool, st.tuples(st.integers(1, 8), st.integers(1, 8))))
def test_boxes_cover_the_mask_tightly(mask: np.ndarray) -> None:
    covered = np.zeros_like(mask)
    for x, y, width, height in component_boxes(mask):
        part = mask[y : y + height, x : x + width]
        assert part.shape == (height, width)
        # Something touches each of the box's four edges.
        assert part[0].any()
        assert part[-1].any()
        assert part[:, 0].any()
        assert part[:, -1].any()
        covered[y : y + height, x : x + width] = True
    assert not mask[~covered].any()
