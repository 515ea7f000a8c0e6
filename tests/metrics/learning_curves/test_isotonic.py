from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.isotonic import IsotonicRegression

from examwise.metrics.learning_curves.isotonic import rising_means


@given(
    arrays(np.float64, (3, 6), elements=st.floats(0, 1)),
    arrays(np.float64, 6, elements=st.floats(0.1, 100)),
)
@settings(deadline=None, max_examples=50)
def test_as_isotonic_regression_of_each_row(values, weights) -> None:
    ours = rising_means(values, weights)
    for row, values_of in zip(ours, values, strict=True):
        theirs = IsotonicRegression().fit(np.arange(6), values_of, weights)
        assert row == pytest.approx(theirs.predict(np.arange(6)), abs=1e-9)


def test_missing_values_take_a_neighbour() -> None:
    nan = np.nan
    rows = [[nan, 1.0, nan, 3.0, nan], [nan] * 5, [2.0, nan, 1.0, nan, 3.0]]
    ours = rising_means(rows, np.ones(5))
    assert ours[0] == pytest.approx([1, 1, 3, 3, 3])
    assert np.isnan(ours[1]).all()
    assert ours[2] == pytest.approx([1.5, 1.5, 1.5, 3, 3])
