import numpy as np
import pytest
import scipy.stats

from examwise.core.errors import InputError
from examwise.metrics.clustered_mean import Mean, clustered_mean


def test_with_one_item_each_it_is_the_usual_standard_error():
    values = np.random.default_rng(0).normal(size=50)
    found = clustered_mean(values, np.arange(50))
    reach = scipy.stats.norm.ppf(0.975) * scipy.stats.sem(values)
    assert found.value == pytest.approx(values.mean())
    assert (found.lower, found.upper) == pytest.approx((values.mean() - reach, found.value + reach))


def test_items_repeated_in_a_patient_tell_nothing_more():
    values = np.random.default_rng(1).random(30)
    once = clustered_mean(values, np.arange(30))
    thrice = clustered_mean(np.repeat(values, 3), np.repeat(np.arange(30), 3))
    assert (thrice.value, thrice.lower, thrice.upper) == pytest.approx(
        (once.value, once.lower, once.upper)
    )


def test_intervals_cover_the_mean_of_clustered_values():
    draw = np.random.default_rng(2)
    n_covered = 0
    for _ in range(400):
        n_items = draw.integers(1, 5, 100)
        patients = np.repeat(np.arange(100), n_items)
        values = draw.normal(size=100)[patients] + draw.normal(size=len(patients))
        found = clustered_mean(values, patients)
        n_covered += found.lower <= 0 <= found.upper
    assert 0.92 <= n_covered / 400 <= 0.975


@pytest.mark.parametrize(
    ("values", "patients", "expected"),
    [
        ([], [], Mean(None, None, None)),
        ([0.2, 0.4], [0, 0], Mean(pytest.approx(0.3), None, None)),
        ([1.0, 1.0], [0, 1], Mean(1.0, None, None)),
        ([0.0, 0.0], [0, 1], Mean(0.0, None, None)),
    ],
)
def test_without_a_spread_over_patients_there_are_no_limits(values, patients, expected):
    found = clustered_mean(values, patients)
    assert (found.value, found.lower, found.upper) == (expected.value, None, None)


def test_nan_and_unequal_lengths_are_refused():
    with pytest.raises(InputError, match="NaN"):
        clustered_mean([float("nan")], [0])
    with pytest.raises(InputError, match="shape"):
        clustered_mean([0.1, 0.2], [0])


def test_infinite_values_are_refused():
    with pytest.raises(InputError, match="finite numbers"):
        clustered_mean([np.inf, 1.0], [0, 1])
