from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.phantom.config import PhantomConfig
from examwise.phantom.patients import patient_numbers, sample_patient


@settings(deadline=None, max_examples=30)
@given(few=st.integers(1, 60), more=st.integers(0, 60), seed=st.integers(0, 1000))
def test_fewer_exams_are_the_beginning_of_more(few: int, more: int, seed: int) -> None:
    config = PhantomConfig(n_exams=few, exams_per_patient=1.5, seed=seed)
    short = patient_numbers(config)
    long = patient_numbers(replace(config, n_exams=few + more))
    np.testing.assert_array_equal(short, long[:few])
    assert short[0] == 0
    assert set(np.diff(long).tolist()) <= {0, 1}


@pytest.mark.parametrize("mean", [1.0, 1.15, 3.0])
def test_mean_number_of_exams(mean: float) -> None:
    patients = patient_numbers(PhantomConfig(n_exams=20_000, exams_per_patient=mean))
    assert 20_000 / (patients[-1] + 1) == pytest.approx(mean, rel=0.02)


def test_the_hospital_says_how_often_patients_return() -> None:
    patients = patient_numbers(PhantomConfig(n_exams=2_000, hospital="b"))
    assert patients[-1] == 1_999


def test_a_patient_depends_on_seed_hospital_and_number() -> None:
    config = PhantomConfig()
    same = sample_patient(config, 4)
    assert same == sample_patient(replace(config, n_exams=7, matrix=16), 4)
    for other in (
        sample_patient(config, 5),
        sample_patient(replace(config, seed=1), 4),
        sample_patient(replace(config, hospital="b"), 4),
    ):
        assert other != same


def test_hospitals_differ_in_age() -> None:
    ages = {
        name: np.mean([sample_patient(PhantomConfig(hospital=name), k).age for k in range(150)])
        for name in "abc"
    }
    assert ages["a"] > ages["b"] + 5 > ages["c"] + 10
