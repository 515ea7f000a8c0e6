from __future__ import annotations

import numpy as np
import pytest

from examwise.phantom.config import PhantomConfig
from examwise.phantom.densities import slice_densities
from examwise.phantom.study import sample_study

CONFIG = PhantomConfig(matrix=40, prevalence=1, min_slices=24, max_slices=26)


@pytest.mark.parametrize("exam", range(4))
def test_a_slice_is_the_same_alone_and_among_others(exam: int) -> None:
    study = sample_study(CONFIG, exam, exam)
    together = slice_densities(study, study.scan, range(10, 14), matrix=40)
    for index in range(10, 14):
        alone = slice_densities(study, study.scan, range(index, index + 1), matrix=40)
        np.testing.assert_allclose(alone.hu[0], together.hu[index - 10], atol=0.1)
        for kind, fraction in together.blood.items():
            np.testing.assert_allclose(alone.blood[kind][0], fraction[index - 10], atol=1e-3)


@pytest.mark.parametrize("exam", range(4))
def test_fractions_are_fractions_and_densities_those_of_a_head(exam: int) -> None:
    study = sample_study(CONFIG, exam, exam)
    found = slice_densities(study, study.scan, range(study.scan.n_slices), matrix=40)
    assert found.hu.dtype == np.float32
    assert found.hu.shape == (study.scan.n_slices, 40, 40)
    assert np.isfinite(found.hu).all()
    assert found.hu.min() >= -1000.5
    assert set(found.blood) == {bleed.kind for bleed in study.bleeds}
    for fraction in found.blood.values():
        assert fraction.min() >= 0
        assert fraction.max() <= 1.0001
    blood = np.maximum.reduce(list(found.blood.values()))
    assert not found.rise_hu[blood == 0].any()


def test_the_brain_has_the_density_of_brain() -> None:
    for exam in range(6):
        study = sample_study(CONFIG, exam, exam)
        middle = study.scan.n_slices // 2
        hu = slice_densities(study, study.scan, range(middle, middle + 1), matrix=40).hu[0]
        brain = hu[(hu > 15) & (hu < 60)]
        assert brain.size > 150
        assert 24 < np.median(brain) < 45
