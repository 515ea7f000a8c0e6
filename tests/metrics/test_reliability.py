import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from examwise.core.errors import InputError
from examwise.metrics.reliability import reliability_curve

ITEMS = st.lists(
    st.tuples(st.integers(0, 1), st.floats(0, 1).map(lambda value: round(value, 2) * 0.98 + 0.01)),
    min_size=1,
    max_size=40,
)


@settings(deadline=None, max_examples=50)
@given(ITEMS)
def test_bins_are_those_of_scikit_learn(items):
    labels, probabilities = np.array(items).T
    # No probability lies on a border, which the two count to different sides.
    curve = reliability_curve(labels, probabilities, n_bins=7)
    fraction, mean = calibration_curve(labels, probabilities, n_bins=7)
    assert np.allclose(curve.positive_fraction, fraction)
    assert np.allclose(curve.mean_probability, mean)
    assert curve.n_items.sum() == len(items)
    assert 0 <= curve.expected_calibration_error <= 1


def test_certainties_that_are_right_have_no_error():
    curve = reliability_curve([0, 1, 1], [0, 1, 1])
    assert curve.n_items.tolist() == [1, 2]
    assert curve.expected_calibration_error == 0


def test_nothing_has_no_curve_and_no_bins_are_refused():
    assert reliability_curve([], []) is None
    with pytest.raises(InputError, match="1 or more"):
        reliability_curve([0], [0.5], n_bins=0)
