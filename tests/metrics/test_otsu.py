from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.core.errors import InputError
from examwise.metrics.otsu import otsu_threshold

values = st.lists(st.integers(-40, 40), min_size=2, max_size=40)


def within_group_variance(numbers: np.ndarray, threshold: float) -> float:
    below, above = numbers[numbers < threshold], numbers[numbers >= threshold]
    return len(below) * below.var() + len(above) * above.var()


@settings(deadline=None, max_examples=50)
@given(values)
def test_no_other_threshold_leaves_less_variance_within_the_groups(numbers):
    found = otsu_threshold(numbers)
    array = np.asarray(numbers, float)
    others = np.unique(array)[1:]
    if not len(others):
        assert found is None
        return
    assert found in others
    least = min(within_group_variance(array, other) for other in others)
    assert within_group_variance(array, found) == pytest.approx(least, abs=1e-9)


@settings(deadline=None, max_examples=50)
@given(values, st.floats(0.01, 1000), st.integers(-1000, 1000))
def test_scale_and_offset_change_nothing(numbers, factor, offset):
    array = np.asarray(numbers, float)
    found, moved = otsu_threshold(array), otsu_threshold(array * factor + offset)
    if found is None:
        assert moved is None
    else:
        groups = array >= found, array * factor + offset >= moved
        variances = [within_group_variance(array, array[group].min()) for group in groups]
        assert variances[0] == pytest.approx(variances[1], rel=1e-6, abs=1e-6)


def test_one_value_far_off_does_not_hide_the_others():
    # 256 bins up to the largest value would put all others into one of them.
    numbers = [0.0] * 50 + [1.0] * 49 + [2.0]
    assert otsu_threshold(numbers) == 1.0


@pytest.mark.parametrize("numbers", [[], [3.0], [0.0, 0.0]])
def test_equal_values_have_no_threshold(numbers):
    assert otsu_threshold(numbers) is None


@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e200])
def test_the_scale_of_values_changes_nothing(scale):
    assert otsu_threshold(np.array([0, 0, 1, 7, 9]) * scale) == pytest.approx(7 * scale)


@pytest.mark.parametrize("strange", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused(strange):
    with pytest.raises(InputError, match="finite numbers"):
        otsu_threshold([0.0, 1.0, strange])
