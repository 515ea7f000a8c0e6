from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from examwise.core.errors import InputError
from examwise.metrics.sign_flips import sign_flip_p


def p_value(differences, patients, *, n=4000, seed=0):
    stream = np.random.default_rng(seed)
    return sign_flip_p(differences, patients, n_permutations=n, generator=stream)


def exact(differences, patients) -> float:
    names, items = np.unique(patients, return_inverse=True)
    sums = np.bincount(items, differences)
    flips = np.array(list(product((-1, 1), repeat=len(names))))
    return float((np.abs(flips @ sums) >= abs(sums.sum()) - 1e-9).mean())


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(0, 5)), min_size=1, max_size=20))
def test_near_to_all_changes_of_sign(rows):
    differences, patients = zip(*rows, strict=True)
    expected = exact(np.asarray(differences, float), patients)
    assert p_value(differences, patients) == pytest.approx(expected, abs=0.035)


def test_uniform_where_nothing_differs_patients_with_several_slices_among_them():
    stream = np.random.default_rng(3)
    found = []
    for number in range(300):
        patients = np.repeat(np.arange(25), stream.integers(1, 5, 25))
        shared = stream.normal(size=25)[patients]
        differences = shared + 0.3 * stream.normal(size=len(patients))
        found.append(p_value(differences, patients, n=200, seed=number))
    assert kstest(found, "uniform").pvalue > 0.01


def test_degenerate_input():
    assert p_value([], []) is None
    assert p_value([0.0, 0.0], ["a", "b"]) == 1
    assert p_value([5.0, 4.0], ["a", "a"]) == 1  # one patient
    with pytest.raises(InputError, match="NaN"):
        p_value([np.nan], ["a"])
    with pytest.raises(InputError, match="shape"):
        p_value([1.0], ["a", "b"])
    with pytest.raises(InputError, match="at least 1"):
        p_value([1.0], ["a"], n=0)


def test_blocks_of_permutations_make_no_difference(monkeypatch):
    differences, patients = np.arange(40) - 12.0, np.arange(40) % 17
    whole = p_value(differences, patients, n=500)
    monkeypatch.setattr("examwise.metrics.sign_flips._AT_ONCE", 17)
    assert p_value(differences, patients, n=500) == pytest.approx(whole, abs=0.08)
