from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from examwise.phantom.brain.fields import BrainFields
from examwise.phantom.brain.parameters import BrainParameters, sample_brain
from examwise.phantom.brain.tissue import FLUID_HU, brain_hu

Draw = Callable[..., tuple[BrainParameters, BrainFields]]


def densities(drawn: tuple[BrainParameters, BrainFields], *, contrast: bool = False):
    brain, fields = drawn
    return brain_hu(brain, fields, edge_mm=1.0, contrast=contrast)


def test_tissues_have_their_densities(draw: Draw) -> None:
    brain, fields = drawn = draw(age=75.0, seed=1, spacing_mm=2.0)
    hu = densities(drawn)
    assert hu.dtype == np.float32
    inside = fields.head.cavity < -3.0
    ventricle = np.minimum(fields.ventricles["left"], fields.ventricles["right"]) < -1.5
    assert np.median(hu[ventricle]) == pytest.approx(FLUID_HU, abs=1.0)
    assert hu[inside].min() > FLUID_HU - 1.0
    assert hu[inside].max() < 80.0
    assert 26.0 < hu[inside].mean() < 37.0
    sinus = inside & (fields.sinuses < -1.0)
    assert np.median(hu[sinus]) == pytest.approx(brain.blood_hu, abs=1.0)


def test_cortex_is_denser_than_white_matter(draw: Draw) -> None:
    differences = []
    for seed in range(6):
        brain, fields = drawn = draw(age=50.0, seed=seed)
        hu = densities(drawn)
        fluid = np.minimum.reduce(
            [*fields.ventricles.values(), fields.folds, fields.cisterns, -fields.surface]
        )
        cerebrum = (fields.above_tentorium > 8.0) & (fields.sinuses > 2.0) & (fields.falx > 2.0)
        cortex = cerebrum & (fluid > 0.6) & (fluid < 2.0) & (fields.head.cavity < -4.0)
        white = cerebrum & (fluid > 9.0) & (fields.points.z > 22.0)
        differences.append(float(hu[cortex].mean() - hu[white].mean()))
        assert brain.grey_hu > brain.white_hu + 4.0
    assert 4.0 < np.median(differences) < 13.0
    assert min(differences) > 2.5


def test_contrast_raises_vessels_and_little_else(draw: Draw) -> None:
    brain, fields = drawn = draw(spacing_mm=2.0)
    rise = densities(drawn, contrast=True) - densities(drawn)
    inside = fields.head.cavity < -1.0
    assert rise.min() >= 0.0
    sinus = inside & (fields.sinuses < -1.0)
    np.testing.assert_allclose(rise[sinus], brain.contrast_hu - brain.blood_hu, atol=0.01)
    assert (rise[inside] > 1.0).mean() < 0.06
    assert rise[inside & (fields.falx < -0.4) & (fields.sinuses > 1.0)].min() > 30.0


def test_drawing_is_symmetric(draw: Draw) -> None:
    left, right = [], []
    for seed in range(4):
        _, fields = drawn = draw(seed=seed)
        hu = densities(drawn)
        inside = fields.head.cavity < -5.0
        left.append(hu[inside & (fields.points.x > 4)].mean())
        right.append(hu[inside & (fields.points.x < -4)].mean())
    assert np.mean(left) == pytest.approx(np.mean(right), abs=0.5)


def test_patients_differ_in_density_and_blood() -> None:
    brains = [sample_brain(np.random.default_rng(seed), age=60.0, size=1.0) for seed in range(200)]
    means = np.array([0.5 * (brain.grey_hu + brain.white_hu) for brain in brains])
    assert 1.0 < means.std() < 2.2
    assert ((means > 28.0) & (means < 36.5)).mean() > 0.95
    contrast = np.array([brain.grey_hu - brain.white_hu for brain in brains])
    assert ((contrast >= 5.0) & (contrast <= 12.0)).mean() > 0.9
    blood = np.array([brain.blood_hu for brain in brains])
    assert blood.min() < 45.0
    assert blood.max() > 60.0
