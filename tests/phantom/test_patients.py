from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.phantom.patients import patient_numbers


@settings(deadline=None, max_examples=30)
@given(few=st.integers(1, 60), more=st.integers(0, 60), seed=st.integers(0, 1000))
def test_fewer_exams_are_the_beginning_of_more(few: int, more: int, seed: int) -> None:
    short = patient_numbers(few, exams_per_patient=1.5, seed=seed)
    long = patient_numbers(few + more, exams_per_patient=1.5, seed=seed)
    np.testing.assert_array_equal(short, long[:few])
    assert short[0] == 0
    assert set(np.diff(long).tolist()) <= {0, 1}


@pytest.mark.parametrize("mean", [1.0, 1.15, 3.0])
def test_mean_number_of_exams(mean: float) -> None:
    patients = patient_numbers(20_000, exams_per_patient=mean, seed=0)
    assert 20_000 / (patients[-1] + 1) == pytest.approx(mean, rel=0.02)
