from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.phantom.scanner.models import FAST_TRAUMA, OLD_SEQUENTIAL
from examwise.phantom.scanner.stacks import even_stack, fitted_stack, sample_coverage, sample_stack


def test_an_even_stack_by_hand() -> None:
    stack = even_stack((-70.0, 90.0), 5.0, 5.0, fewest=24, most=60)
    assert len(stack.offsets_mm) == 33
    assert stack.offsets_mm[0] == -80.0
    assert stack.offsets_mm[-1] == 80.0
    assert stack.middle_mm == 10.0
    assert set(stack.thickness_mm) == {5.0}


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 200), st.floats(1.0, 8.0), st.floats(100.0, 200.0))
def test_coverage_stays_whatever_the_number_of_slices(
    wanted: int, spacing: float, coverage: float
) -> None:
    free = even_stack((-60.0, coverage - 60.0), spacing, spacing, fewest=1, most=1000)
    stack = even_stack((-60.0, coverage - 60.0), spacing, spacing, fewest=wanted, most=wanted)
    assert len(stack.offsets_mm) == len(stack.thickness_mm) == wanted
    assert stack.middle_mm == pytest.approx(free.middle_mm)
    if wanted > 1:
        assert (stack.from_mm, stack.to_mm) == pytest.approx((free.from_mm, free.to_mm))
        steps = np.diff(stack.offsets_mm)
        assert steps.min() > 0
        assert np.ptp(steps) < 1e-3
    assert min(stack.thickness_mm) >= round(spacing, 2)
    assert max(stack.thickness_mm) <= max(10.0, round(spacing, 2))


def test_two_spacings_as_on_a_real_series() -> None:
    """14 slices at 4 mm, a step of 1.08 mm, 14 at 7 mm."""
    lower = np.arange(14) * 4.0
    heights = np.concatenate([lower, lower[-1] + 1.08 + np.arange(14) * 7.0])
    thickness = np.repeat([4.0, 7.0], 14)
    stack = fitted_stack(heights, thickness, fewest=24, most=60)
    steps = np.diff(stack.offsets_mm)
    np.testing.assert_allclose(steps[:13], 4.0)
    assert steps[13] == pytest.approx(1.08)
    np.testing.assert_allclose(steps[14:], 7.0)
    assert stack.thickness_mm == (4.0,) * 14 + (7.0,) * 14


def test_some_scanners_draw_two_spacings_and_uneven_ones() -> None:
    always = replace(OLD_SEQUENTIAL, two_spacings_fraction=1.0)
    for seed in range(10):
        stack = sample_stack(
            np.random.default_rng(seed), always, (-80.0, 95.0), fewest=2, most=99, thin=False
        )
        steps = np.diff(stack.offsets_mm)
        below, above = steps[0], steps[-1]
        assert above >= 1.3 * below
        odd = steps[(np.abs(steps - below) > 0.01) & (np.abs(steps - above) > 0.01)]
        assert len(odd) <= 1
        assert stack.thickness_mm[0] < stack.thickness_mm[-1]
    uneven = replace(FAST_TRAUMA, two_spacings_fraction=0.0, uneven_fraction=1.0)
    ratios = set()
    for seed in range(20):
        stack = sample_stack(
            np.random.default_rng(seed), uneven, (-80.0, 95.0), fewest=2, most=999, thin=False
        )
        ratios.add(round(float(np.diff(stack.offsets_mm)[0]) / stack.thickness_mm[0], 2))
    assert {0.8, 1.2} <= ratios
    assert 1.0 not in ratios


def test_coverage_varies_as_in_practice() -> None:
    random = np.random.default_rng(0)
    low, high = np.array([sample_coverage(random) for _ in range(500)]).T
    assert -90 < np.median(low) < -74
    assert 84 < np.median(high) < 94
    assert 0.04 < (low > -60).mean() < 0.14  # starts at the orbits
    assert 0.04 < (low < -99).mean() < 0.14  # starts at the jaw
    assert 0.02 < (high < 81).mean() < 0.18  # cuts the vertex
