from __future__ import annotations

import pickle

import numpy as np
import pytest

from examwise.phantom.brain.parameters import sample_brain
from examwise.phantom.brain.ventricles import LateralVentricle


def test_the_old_have_more_fluid() -> None:
    young, old = (
        [sample_brain(np.random.default_rng(seed), age=age, size=1.0) for seed in range(40)]
        for age in (20.0, 85.0)
    )
    for name in ("fold_mm", "gap_mm", "fissure_mm", "sylvian_mm", "cistern_width", "pale_hu"):
        means = [np.mean([getattr(brain, name) for brain in group]) for group in (young, old)]
        assert means[0] < means[1], name


def test_parameters_travel_to_other_processes() -> None:
    brain = sample_brain(np.random.default_rng(0), age=60.0, size=1.0)
    assert pickle.loads(pickle.dumps(brain)) == brain


def test_size_scales_the_brain() -> None:
    small, large = (
        sample_brain(np.random.default_rng(0), age=60.0, size=size) for size in (0.9, 1.1)
    )
    assert np.array(large.frame.scale) / np.array(small.frame.scale) == pytest.approx(1.1 / 0.9)


def test_a_few_have_a_cavum() -> None:
    septa = []
    for seed in range(300):
        left = sample_brain(np.random.default_rng(seed), age=40.0, size=1.0).ventricles["left"]
        assert isinstance(left, LateralVentricle)
        septa.append(left.septum_mm)
    assert 0.02 < np.mean(np.array(septa) > 1.0) < 0.12
