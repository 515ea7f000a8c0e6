from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from examwise.phantom.config import PhantomConfig
from examwise.phantom.study import sample_study


def test_a_study_depends_on_its_numbers_and_not_on_the_size_of_the_archive() -> None:
    config = PhantomConfig(prevalence=1)
    study = sample_study(config, 3, 2)
    assert study == sample_study(replace(config, n_exams=9), 3, 2)
    assert study != sample_study(config, 4, 2)
    assert study != sample_study(replace(config, seed=1), 3, 2)
    assert study.patient == sample_study(config, 4, 2).patient


@pytest.mark.parametrize("hospital", ["a", "b", "c"])
def test_bleeds_are_as_frequent_as_the_hospital_or_the_user_says(hospital: str) -> None:
    config = PhantomConfig(hospital=hospital)
    drawn = np.mean([bool(sample_study(config, k, k).bleeds) for k in range(400)])
    assert drawn == pytest.approx(config.at.cases.prevalence, abs=0.07)
    for prevalence in (0, 1):
        asked = replace(config, prevalence=prevalence)
        assert {bool(sample_study(asked, k, k).bleeds) for k in range(20)} == {prevalence == 1}


def test_a_bleed_or_its_absence_changes_nothing_else() -> None:
    with_bleeds, without = (
        sample_study(PhantomConfig(prevalence=prevalence), 5, 5) for prevalence in (1, 0)
    )
    assert replace(with_bleeds, bleeds=()) == without
