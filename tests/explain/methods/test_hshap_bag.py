from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from examwise.core.errors import InputError
from examwise.explain import BAG_EXPLAINERS
from examwise.explain.explained_model import ExplainedModel
from examwise.explain.methods.hshap_bag import HShapBag
from examwise.models.config import ModelConfig
from examwise.models.exam_classifier import EXAM_RULES, ExamClassifier
from examwise.models.poolings import POOLINGS
from examwise.models.segments import even_positions

MODEL = ModelConfig(
    findings=("any", "subdural"), encoder="resnet10", width=4, embedding=16, attention_hidden=8
)


def explained(exam_rule, pooling):
    config = replace(MODEL, pooling=pooling)
    return ExplainedModel(ExamClassifier(config, exam_rule=exam_rule, seed=2), column=1)


def features_of(model, n):
    n_features = model.module.encoder.n_features
    return torch.randn(n, n_features, generator=torch.Generator().manual_seed(n))


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("exam_rule", EXAM_RULES)
def test_the_halves_of_every_models_exam_share_its_probability(exam_rule, pooling):
    model = explained(exam_rule, pooling)
    features = features_of(model, 6)
    found = HShapBag(min_size=3, threshold=-1.0).explain(model, features)
    place = even_positions(torch.tensor([6]))
    said = {
        (start, end): float(
            model.exam_probabilities(
                features[start:end],
                torch.tensor([end - start]),
                relative_position=place[start:end],
            )
        )
        for start, end in ((0, 3), (3, 6), (0, 6))
    }
    whole, lower, upper = said[0, 6], said[0, 3], said[3, 6]
    expected = np.repeat([(lower + whole - upper) / 2, (upper + whole - lower) / 2], 3)
    assert found == pytest.approx(expected, abs=1e-6)
    assert found.dtype == np.float64


def test_a_lone_slice_gets_its_exams_probability():
    model = explained("pooled", "attention")
    features = features_of(model, 1)
    found = BAG_EXPLAINERS.load("hshap_bag")().explain(model, features)
    said = model.exam_probabilities(features, torch.tensor([1]))
    assert found == pytest.approx(said.detach().numpy(), abs=1e-7)


@pytest.mark.parametrize("options", [{"min_size": 0}, {"threshold_mode": "soft"}])
def test_an_option_out_of_range_is_refused(options):
    with pytest.raises(InputError):
        HShapBag(**options)
