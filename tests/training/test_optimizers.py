from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from examwise.core.errors import InputError
from examwise.training.optimizer_config import OptimizerConfig
from examwise.training.optimizers import make_optimizer


def module():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.GroupNorm(2, 4), nn.Linear(4, 1))


def group_of(optimizer, parameter):
    found = [
        group
        for group in optimizer.param_groups
        if any(each is parameter for each in group["params"])
    ]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("name", ["adamw", "adam", "sgd"])
@pytest.mark.parametrize("decay_all", [False, True])
def test_every_trained_parameter_stands_in_one_group_with_its_decay(name, decay_all):
    trained = module()
    trained[0].weight.requires_grad_(False)
    optimizer = make_optimizer(
        trained,
        OptimizerConfig(name, decay_all=decay_all),
        learning_rate=0.1,
        weight_decay=0.01,
    )
    parameters = [each for each in trained.parameters() if each.requires_grad]
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(parameters)
    for parameter in parameters:
        group = group_of(optimizer, parameter)
        decayed = decay_all or parameter.dim() > 1
        assert group["weight_decay"] == (0.01 if decayed else 0.0)
        assert group["lr"] == 0.1


def test_sgd_with_momentum_and_decay_follows_its_formula():
    trained = nn.Linear(2, 1, bias=True)
    w, b = (each.detach().double().numpy().copy() for each in trained.parameters())
    optimizer = make_optimizer(
        trained,
        OptimizerConfig("sgd", momentum=0.9, decay_all=True),
        learning_rate=0.1,
        weight_decay=0.01,
    )
    x = np.array([1.0, -2.0])
    speed = [np.zeros_like(w), np.zeros_like(b)]
    for _ in range(4):
        optimizer.zero_grad()
        trained(torch.tensor(x, dtype=torch.float32)).sum().backward()
        optimizer.step()
        speed = [
            0.9 * speed[0] + x[None] + 0.01 * w,
            0.9 * speed[1] + 1.0 + 0.01 * b,
        ]
        w, b = w - 0.1 * speed[0], b - 0.1 * speed[1]
    assert np.allclose(trained.weight.detach().numpy(), w, atol=1e-6)
    assert np.allclose(trained.bias.detach().numpy(), b, atol=1e-6)


def test_adam_adds_decay_to_the_gradient_and_adamw_does_not():
    first_steps = {}
    for name in ("adam", "adamw"):
        trained = nn.Linear(1, 1, bias=False)
        nn.init.constant_(trained.weight, 2.0)
        optimizer = make_optimizer(
            trained, OptimizerConfig(name), learning_rate=0.1, weight_decay=0.5
        )
        (0 * trained.weight).sum().backward()
        optimizer.step()
        first_steps[name] = 2.0 - float(trained.weight.detach())
    # With no gradient but decay's, Adam's first step is the learning rate; AdamW's is the decay.
    assert first_steps["adam"] == pytest.approx(0.1, rel=1e-4)
    assert first_steps["adamw"] == pytest.approx(0.1 * 0.5 * 2.0, rel=1e-4)


def test_a_wholly_frozen_model_is_refused():
    with pytest.raises(InputError, match="parameters to train"):
        make_optimizer(
            module().requires_grad_(False), OptimizerConfig(), learning_rate=0.1, weight_decay=0
        )


@pytest.mark.parametrize(("option", "value"), [("name", "lion"), ("momentum", 1.0)])
def test_optimizer_options_out_of_range_are_refused_by_name(option, value):
    with pytest.raises(InputError, match=f"training option optimizer.{option}"):
        OptimizerConfig(**{option: value})
