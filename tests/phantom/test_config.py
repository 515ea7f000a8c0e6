from __future__ import annotations

import math

import pytest

from examwise.core.errors import ExitStatus, InputError
from examwise.core.schemas.findings import FINDINGS
from examwise.phantom.config import PhantomConfig
from examwise.phantom.hospitals import HOSPITALS


def test_defaults_are_those_of_the_contract() -> None:
    config = PhantomConfig()
    assert (config.n_exams, config.matrix, config.min_slices, config.max_slices) == (
        300,
        128,
        24,
        60,
    )
    assert (config.hospital, config.label_noise, config.seed) == ("a", 0.0, 0)
    assert config.at is HOSPITALS["a"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"n_exams": 0},
            "phantom option n_exams: expected a whole number from 1 to 1000000, got 0",
        ),
        (
            {"n_exams": 2.5},
            "phantom option n_exams: expected a whole number from 1 to 1000000, got 2.5",
        ),
        (
            {"n_exams": True},
            "phantom option n_exams: expected a whole number from 1 to 1000000, got True",
        ),
        ({"matrix": 8}, "phantom option matrix: expected a whole number from 16 to 1024, got 8"),
        (
            {"min_slices": 9, "max_slices": 8},
            "phantom option max_slices: expected at least min_slices = 9, got 8",
        ),
        ({"prevalence": 1.1}, "phantom option prevalence: expected a number from 0 to 1, got 1.1"),
        (
            {"prevalence": math.nan},
            "phantom option prevalence: expected a number from 0 to 1, got nan",
        ),
        (
            {"exams_per_patient": 0.9},
            "phantom option exams_per_patient: expected a number from 1 to 10, got 0.9",
        ),
        (
            {"label_noise": "half"},
            "phantom option label_noise: expected a number from 0 to 1, got half",
        ),
        (
            {"further_series": -0.1},
            "phantom option further_series: expected a number from 0 to 1, got -0.1",
        ),
        ({"hospital": "d"}, "phantom option hospital: expected one of a, b, c, got d"),
        (
            {"seed": -1},
            f"phantom option seed: expected a whole number from 0 to {2**63 - 1}, got -1",
        ),
    ],
)
def test_refuses_what_is_out_of_range_in_one_line(options: dict, message: str) -> None:
    with pytest.raises(InputError) as refusal:
        PhantomConfig(**options)
    assert str(refusal.value) == message
    assert refusal.value.exit_status == ExitStatus.WRONG_INPUT


def test_bounds_themselves_are_allowed() -> None:
    PhantomConfig(
        n_exams=1, matrix=16, min_slices=1, max_slices=1, prevalence=0, exams_per_patient=1
    )
    PhantomConfig(prevalence=1, label_noise=1, further_series=1, visible_area_mm2=0)


@pytest.mark.parametrize("name", HOSPITALS)
def test_a_hospital_is_a_distribution_over_patients_cases_and_scanners(name: str) -> None:
    hospital = HOSPITALS[name]
    assert sum(weight for weight, _ in hospital.scanners) == pytest.approx(1)
    assert sum(hospital.cases.number_of_kinds) == pytest.approx(1)
    assert set(hospital.cases.kind_weights) == set(FINDINGS[1:])
    assert min(hospital.cases.kind_weights.values()) > 0
    assert hospital.patients.exams_per_patient >= 1
