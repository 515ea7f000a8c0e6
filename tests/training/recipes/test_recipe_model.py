"""The published recipe's model, as the recipe's options make it; its weights are random here."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from examwise.models.config import ModelConfig
from examwise.models.exam_classifier import POOLED, ExamClassifier
from examwise.training.loss_config import LossConfig
from examwise.training.losses import make_loss
from examwise.training.optimizer_config import OptimizerConfig
from examwise.training.optimizers import make_optimizer
from examwise.training.recipes.recipe import load_recipe, shipped_recipes


def within(options, prefix):
    return {
        name.removeprefix(prefix): value
        for name, value in options.items()
        if name.startswith(prefix)
    }


@pytest.fixture(scope="module", params=shipped_recipes())
def options(request):
    return load_recipe(request.param).options("weak")


@pytest.fixture(scope="module")
def classifier(options):
    return ExamClassifier(ModelConfig(**within(options, "model.")), exam_rule=POOLED).train()


def test_the_first_half_of_the_resnet_is_frozen_but_for_its_first_norm(classifier):
    trained = {
        name.split(".")[0]
        for name, parameter in classifier.encoder.named_parameters()
        if parameter.requires_grad
    }
    parts = {name.split(".")[0] for name, _ in classifier.encoder.named_parameters()}
    assert parts - trained == {"conv1", "layer1", "layer2"}


def test_from_embedding_to_classifier_everything_is_linear(classifier):
    assert classifier.encoder.n_features == 512
    linear, after = classifier.embedding
    assert (linear.in_features, linear.out_features) == (512, 128)
    assert isinstance(after, nn.Identity)
    assert classifier.classifier.out_features == 1


def test_a_step_of_the_recipe_trains(classifier, options):
    training = within(options, "training.")
    loss = make_loss(LossConfig(**within(training, "loss.")))
    optimizer = make_optimizer(
        classifier,
        OptimizerConfig(**within(training, "optimizer.")),
        learning_rate=training["learning_rate"],
        weight_decay=training["weight_decay"],
    )
    assert isinstance(optimizer, torch.optim.SGD)
    pixels_hu = torch.randint(0, 80, (4, 32, 32), dtype=torch.int16)
    frozen = classifier.encoder.conv1.weight.detach().clone()
    before = classifier.classifier.weight.detach().clone()
    keys = torch.arange(4)
    output = classifier(pixels_hu, torch.tensor([4]), slice_keys=keys)
    found = loss(output.exam_logits, torch.ones(1, 1), positive_weight=None)
    found.mean.backward()
    optimizer.step()
    assert math.isfinite(float(found.mean.detach()))
    assert float(output.attention_weights.sum().detach()) == pytest.approx(1, abs=1e-5)
    assert not torch.equal(classifier.classifier.weight, before)
    assert torch.equal(classifier.encoder.conv1.weight, frozen)
