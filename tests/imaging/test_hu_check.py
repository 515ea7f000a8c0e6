from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from examwise.imaging.hu_check import BIN_WIDTH_HU, FIRST_EDGE_HU, N_BINS, hu_facts

PIXELS = hnp.arrays(np.int16, st.tuples(st.integers(1, 5), st.integers(1, 7), st.integers(1, 7)))


@settings(deadline=None, max_examples=30)
@given(PIXELS)
def test_facts_are_those_of_numpy(pixels):
    facts = hu_facts(pixels)
    assert facts.lowest_hu == pixels.min()
    assert facts.highest_hu == pixels.max()
    assert facts.air == np.mean(pixels < -500)
    edges = FIRST_EDGE_HU + BIN_WIDTH_HU * np.arange(N_BINS + 1)
    inside = np.clip(pixels, edges[0], edges[-1] - 1)
    np.testing.assert_array_equal(facts.counts, np.histogram(inside, edges)[0])


def test_the_middle_is_the_middle():
    pixels = np.full((9, 9, 9), -1000, np.int16)
    pixels[3:6, 3:6, 3:6] = 40
    assert hu_facts(pixels).middle_hu == 40
