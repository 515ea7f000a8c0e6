from __future__ import annotations

import pytest
import torch
from scipy import stats

from examwise.models.seeded_dropout import SeededDropout, uniform

KEYS = torch.randint(-(2**62), 2**62, (2000,), generator=torch.Generator().manual_seed(0))


def test_numbers_are_uniform_and_independent():
    numbers = uniform(KEYS.unsqueeze(1), torch.arange(50)).double()
    assert float(numbers.min()) >= 0
    assert float(numbers.max()) < 1
    assert stats.kstest(numbers.flatten().numpy(), "uniform").pvalue > 1e-3
    correlation = torch.corrcoef(numbers.T).fill_diagonal_(0).abs().max()
    assert float(correlation) < 0.12  # five standard deviations of 2,000 pairs


def test_neighbouring_keys_have_nothing_in_common():
    numbers = uniform(torch.arange(1000).unsqueeze(1), torch.arange(20)).double()
    assert float(torch.corrcoef(torch.stack([numbers[:-1, 0], numbers[1:, 0]]))[0, 1].abs()) < 0.15


@pytest.mark.parametrize("p", [0.0, 0.25, 0.5])
def test_so_many_are_dropped_and_the_mean_stays(p):
    drop = SeededDropout(p).train()
    dropped = drop(torch.ones(2000, 50), KEYS)
    assert float((dropped == 0).double().mean()) == pytest.approx(p, abs=0.01)
    assert float(dropped.double().mean()) == pytest.approx(1, abs=0.02)


def test_a_slice_loses_the_same_wherever_it_stands():
    drop = SeededDropout(0.5).train()
    values = torch.randn(2000, 8, generator=torch.Generator().manual_seed(1))
    order = torch.randperm(2000, generator=torch.Generator().manual_seed(2))
    assert torch.equal(drop(values, KEYS)[order], drop(values[order], KEYS[order]))


def test_layers_of_other_places_drop_others():
    one, other = (SeededDropout(0.5, place=place).train() for place in (0, 1))
    values = torch.ones(2000, 50)
    alike = ((one(values, KEYS) == 0) == (other(values, KEYS) == 0)).double().mean()
    assert float(alike) == pytest.approx(0.5, abs=0.01)


def test_nothing_is_dropped_outside_of_training_or_without_keys():
    values = torch.randn(4, 3)
    assert SeededDropout(0.5).eval()(values, KEYS[:4]) is values
    assert SeededDropout(0.5).train()(values, None) is values


def test_the_gradient_goes_through_what_is_kept():
    drop = SeededDropout(0.5).train()
    values = torch.ones(50, 8, requires_grad=True)
    dropped = drop(values, KEYS[:50])
    dropped.sum().backward()
    assert torch.equal(values.grad, torch.where(dropped == 0, 0.0, 2.0))
