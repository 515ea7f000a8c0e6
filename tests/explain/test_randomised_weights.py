from __future__ import annotations

import pytest
import torch

from examwise.core.errors import InputError
from examwise.explain.explained_model import ExplainedModel
from examwise.explain.randomised_weights import randomised
from examwise.models.config import ModelConfig
from examwise.models.exam_classifier import ExamClassifier


def made(seed: int, **options) -> ExplainedModel:
    config = ModelConfig(encoder="slim_resnet18", width=4, embedding=8, **options)
    return ExplainedModel(ExamClassifier(config, exam_rule="pooled", seed=seed), column=0)


def test_all_matrices_are_drawn_anew_frozen_ones_too():
    model = made(1, frozen=("all",))
    before = {name: value.clone() for name, value in model.module.state_dict().items()}
    state = torch.random.get_rng_state()
    other = randomised(model, seed=0)
    assert torch.equal(torch.random.get_rng_state(), state)
    for name, value in other.module.named_parameters():
        if value.dim() > 1:
            assert not torch.equal(value, before[name])
        assert not value.requires_grad
    for name, value in model.module.state_dict().items():
        assert torch.equal(value, before[name])
    assert not other.module.training


def test_a_function_of_the_seed_and_of_nothing_that_was_learned():
    found = [randomised(made(1), seed=0), randomised(made(2), seed=0), randomised(made(1), seed=1)]
    weights = [one.module.classifier.weight for one in found]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_weights_that_an_encoder_brings_itself_are_noticed(monkeypatch):
    model = made(1)
    fixed = model.module.encoder.state_dict()
    original = ExamClassifier.__init__

    def brings_weights(self, *args, **options):
        original(self, *args, **options)
        self.encoder.load_state_dict(fixed)

    monkeypatch.setattr(ExamClassifier, "__init__", brings_weights)
    with pytest.raises(InputError, match="weights that are drawn anew"):
        randomised(model, seed=0)
