from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.phantom.bleeds.parameters import KINDS
from examwise.phantom.layouts.visibility import difficulty, visibility


def test_one_square_centimetre_25_hu_above_the_brain_is_one(build) -> None:
    scan = build.scan(2, pixel_spacing_mm=2.0)
    series = build.rendered(scan, bleeding={("subdural", 1): [(slice(0, 5), slice(0, 5))]})
    series.pixels_hu[1, :5, :5] = 60
    expected = np.zeros((2, 5))
    expected[1, KINDS.index("subdural")] = 1.0
    np.testing.assert_allclose(visibility(series), expected)


def test_what_is_darker_than_brain_is_invisible(build) -> None:
    series = build.rendered(build.scan(1), bleeding={("subdural", 0): [(slice(0, 5), slice(0, 5))]})
    series.pixels_hu[:] = 10
    assert visibility(series).max() == 0


def test_a_kind_is_not_seen_where_it_does_not_count(build) -> None:
    series = build.rendered(build.scan(1), bleeding={("subdural", 0): [(slice(0, 5), slice(0, 5))]})
    series.positive[:] = False
    assert visibility(series).max() == 0


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(0, 1e4), min_size=2, max_size=9))
def test_difficulty_falls_from_one_to_zero(seen: list[float]) -> None:
    ordered = np.sort(np.array(seen))
    hard = difficulty(ordered)
    assert ((hard > 0) & (hard <= 1)).all()
    assert (np.diff(hard) <= 0).all()
    assert difficulty(np.zeros(1))[0] == pytest.approx(1)
