from __future__ import annotations

import numpy as np
import pytest
import torch

from examwise.core.errors import InputError
from examwise.explain import IMAGE_EXPLAINERS
from examwise.explain.explained_model import ExplainedModel
from examwise.explain.hshap.image import image_hshap
from examwise.explain.methods.hshap import HShap
from examwise.models.config import ModelConfig
from examwise.models.exam_classifier import POOLED, ExamClassifier

MODEL = ModelConfig(findings=("any", "subdural"), encoder="resnet10", width=4, embedding=16)
BACKGROUND = torch.full((32, 32), 30.0)


@pytest.fixture(scope="module")
def model():
    return ExplainedModel(ExamClassifier(MODEL, exam_rule=POOLED, seed=3), column=1)


@pytest.fixture(scope="module")
def pixels():
    stream = torch.Generator().manual_seed(0)
    return 30 + 40 * torch.randn(2, 32, 32, generator=stream)


def test_maps_are_those_of_the_models_probabilities(model, pixels):
    found = IMAGE_EXPLAINERS.load("hshap")(min_size_px=16).explain(model, pixels, BACKGROUND)
    expected = image_hshap(model.slice_probabilities, pixels, BACKGROUND, min_size=16)
    assert found.maps == pytest.approx(expected.maps.nan_to_num().numpy())
    assert found.maps.dtype == np.float32
    assert found.n_evaluations.dtype == np.int64
    assert 16 <= found.n_evaluations[0] <= 72
    assert (found.maps != 0).any()


def test_the_smallest_quadrant_is_a_share_of_the_shorter_side(model, pixels):
    of_share = HShap(min_size_fraction=0.5, threshold=50, threshold_mode="relative")
    of_pixels = HShap(min_size_px=16, threshold=50, threshold_mode="relative")
    one, other = (way.explain(model, pixels, BACKGROUND) for way in (of_share, of_pixels))
    assert (one.maps == other.maps).all()
    # 16 of the root, the empty one shared, and 14 of the two upper quadrants of each level.
    assert one.n_evaluations.tolist() == [16 + 28, 15 + 28]


def test_a_cycle_is_finer_and_takes_longer(model, pixels):
    options = {"min_size_px": 32}
    plain = HShap(**options).explain(model, pixels, BACKGROUND)
    cycle = HShap(**options, cycle=True, n_radii=2, n_angles=3).explain(model, pixels, BACKGROUND)
    assert len(np.unique(cycle.maps[0])) > len(np.unique(plain.maps[0]))
    assert (cycle.n_evaluations > plain.n_evaluations).all()


def test_maps_of_nothing_are_0(model, pixels):
    found = HShap(min_size_px=16, threshold=5.0).explain(model, pixels, BACKGROUND)
    assert (found.maps == 0).all()


@pytest.mark.parametrize(
    "options",
    [
        {"min_size_fraction": 0.0},
        {"min_size_fraction": 1.5},
        {"min_size_px": 0},
        {"n_radii": 0},
        {"n_angles": 0},
        {"batch_images": 0},
        {"threshold_mode": "soft"},
    ],
)
def test_an_option_out_of_range_is_refused(options):
    with pytest.raises(InputError):
        HShap(**options)
