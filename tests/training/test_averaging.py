from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from examwise.core.errors import InputError
from examwise.training.averaging import WeightAverage


def walk(n_steps):
    """A module and its parameters after each of some random steps."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    for _ in range(n_steps):
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.add_(torch.randn(parameter.shape))
            module[1].running_mean.add_(1)
        yield module


def test_the_average_is_the_weighted_mean_of_the_parameters_after_each_step():
    average, seen = WeightAverage(0.8), []
    for module in walk(7):
        average.update(module)
        seen.append(module[0].weight.detach().double().numpy().copy())
    share = 0.8 ** np.arange(6, -1, -1)
    expected = np.tensordot(share / share.sum(), np.stack(seen), 1)
    average.copy_to(module)
    assert np.allclose(module[0].weight.detach().numpy(), expected, atol=1e-6)


def test_once_the_beginning_is_forgotten_it_is_the_average_of_pytorch():
    average, reference = WeightAverage(0.5), None
    for module in walk(60):
        average.update(module)
        if reference is None:
            reference = AveragedModel(module, multi_avg_fn=get_ema_multi_avg_fn(0.5))
        reference.update_parameters(module)
    average.copy_to(module)
    assert torch.allclose(module[0].weight, reference.module[0].weight, atol=1e-5)


def test_only_trained_parameters_are_averaged():
    average = WeightAverage(0.5)
    for module in walk(3):
        module[0].bias.requires_grad_(False)
        average.update(module)
    bias, running = module[0].bias.clone(), module[1].running_mean.clone()
    average.copy_to(module)
    assert torch.equal(module[0].bias, bias)
    assert torch.equal(module[1].running_mean, running)
    assert set(average.state_dict()["mean"]) == {"0.weight", "1.weight", "1.bias"}


def test_swapping_gives_back_the_very_parameters_even_after_an_error():
    average = WeightAverage(0.9)
    for module in walk(3):
        average.update(module)
    before = {name: value.clone() for name, value in module.state_dict().items()}

    def fail_inside():
        with average.swapped_into(module):
            assert not torch.equal(module[0].weight, before["0.weight"])
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fail_inside()
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_a_resumed_average_goes_on_to_the_same_bits():
    whole, resumed = WeightAverage(0.9), None
    for step, module in enumerate(walk(8)):
        whole.update(module)
        if step == 4:
            file = io.BytesIO()
            torch.save(whole.state_dict(), file)
            file.seek(0)
            resumed = WeightAverage(0.9)
            resumed.load_state_dict(torch.load(file, weights_only=True))
        elif resumed is not None:
            resumed.update(module)
    first, second = whole.state_dict(), resumed.state_dict()
    assert first["n_updates"] == second["n_updates"] == 8
    assert all(torch.equal(value, second["mean"][name]) for name, value in first["mean"].items())


def test_a_kept_state_does_not_change_with_later_updates():
    average, kept = WeightAverage(0.9), None
    for module in walk(3):
        average.update(module)
        if kept is None:
            kept = average.state_dict()
            first = kept["mean"]["0.weight"].clone()
    assert torch.equal(kept["mean"]["0.weight"], first)


def test_before_the_first_step_the_parameters_are_the_modules_own():
    module = next(walk(1))
    before = module[0].weight.clone()
    WeightAverage(0.9).copy_to(module)
    assert torch.equal(module[0].weight, before)


@pytest.mark.parametrize("decay", [0.0, 1.0, -0.1, float("nan")])
def test_a_decay_out_of_range_is_refused(decay):
    with pytest.raises(InputError, match="training option average"):
        WeightAverage(decay)
