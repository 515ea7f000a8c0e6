from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from examwise.phantom.hospitals import HOSPITALS
from examwise.phantom.mimics.mimic import Circumstances, Mimic
from examwise.phantom.mimics.registry import SAMPLERS


def _some(name: str, seed: int, age: float) -> tuple[Mimic, ...]:
    ill = replace(HOSPITALS["b"].cases, infarct_fraction=0.9, postoperative_fraction=0.9)
    of_patient, of_exam = (np.random.default_rng([seed, word]) for word in (1, 2))
    return SAMPLERS[name](of_patient, of_exam, Circumstances(age, ill))


@pytest.mark.parametrize("name", SAMPLERS)
def test_samplers_are_functions_of_their_sources(name: str) -> None:
    for seed in range(40):
        assert _some(name, seed, 85.0) == _some(name, seed, 85.0)


@pytest.mark.parametrize("name", SAMPLERS)
def test_findings_have_parts_and_numbers_that_are_plain(name: str) -> None:
    found = [mimic for seed in range(400) for mimic in _some(name, seed, 85.0)]
    assert found
    for mimic in found:
        assert mimic.inside or mimic.outside
        assert mimic.name == mimic.name.lower()
        # NumPy's scalars would make float64 of what is computed with them.
        assert "np.float64" not in repr(mimic)
        hash(mimic)


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("age", [18.0, 95.0])
def test_samplers_bear_any_age(name: str, age: float) -> None:
    for seed in range(20):
        _some(name, seed, age)
