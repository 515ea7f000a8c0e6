from __future__ import annotations

import math

import pytest

from examwise.core.errors import ExitStatus, InputError
from examwise.phantom.config import PhantomConfig


def test_defaults_are_those_of_the_contract() -> None:
    config = PhantomConfig()
    assert (config.n_exams, config.matrix, config.min_slices, config.max_slices) == (
        300,
        64,
        16,
        28,
    )
    assert (config.prevalence, config.exams_per_patient, config.seed) == (0.41, 1.15, 0)


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
            {"tilted_fraction": "half"},
            "phantom option tilted_fraction: expected a number from 0 to 1, got half",
        ),
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
    PhantomConfig(prevalence=1, tilted_fraction=1, isodense_fraction=1, visible_area_mm2=0)
