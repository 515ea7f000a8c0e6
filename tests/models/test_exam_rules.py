from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.core.errors import InputError
from examwise.models.exam_rules import SLICE_RULES, exam_logits

SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=6)


def noisy_or(bag):
    negative = math.prod(1 - 1 / (1 + math.exp(-logit)) for logit in bag)
    return math.log((1 - negative) / negative)


LOOPS = {
    "maximum_over_slices": max,
    "top_k_mean": lambda bag: sum(sorted(bag)[-3:]) / min(3, len(bag)),
    "noisy_or": noisy_or,
}
assert set(LOOPS) == set(SLICE_RULES)


def drawn(sizes, seed, *, dtype=torch.float64, scale=1.0):
    stream = torch.Generator().manual_seed(seed)
    return scale * torch.randn(sum(sizes), 2, generator=stream, dtype=dtype)


@settings(deadline=None, max_examples=30)
@given(sizes=SIZES, seed=st.integers(0, 10**6), scale=st.sampled_from([1.0, 4.0]))
def test_rules_agree_with_a_loop_in_plain_python(sizes, seed, scale):
    logits = drawn(sizes, seed, scale=scale)
    for rule in SLICE_RULES:
        found = exam_logits(rule, logits, torch.tensor(sizes))
        expected = [
            [LOOPS[rule](column) for column in bag.T.tolist()] for bag in logits.split(sizes)
        ]
        assert torch.allclose(found, torch.tensor(expected, dtype=torch.float64), atol=1e-6)


@pytest.mark.parametrize("rule", SLICE_RULES)
@pytest.mark.parametrize("seed", range(3))
def test_gradients_agree_with_finite_differences(rule, seed):
    logits = drawn([1, 5, 2], seed, scale=3.0).requires_grad_()
    sizes = torch.tensor([1, 5, 2])
    assert torch.autograd.gradcheck(lambda values: exam_logits(rule, values, sizes), logits)


@pytest.mark.parametrize("rule", SLICE_RULES)
def test_an_exam_of_one_slice_has_its_logits(rule):
    logits = torch.tensor([[-40.0, -14.0], [-16.0, -1.0], [0.0, 3.0], [30.0, 1e20]])
    assert torch.allclose(exam_logits(rule, logits, torch.ones(4, dtype=torch.int64)), logits)


@pytest.mark.parametrize("rule", SLICE_RULES)
@pytest.mark.parametrize("scale", [50.0, 1e4, 1e30])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_huge_logits_leave_values_and_gradients_finite(rule, scale, sign):
    logits = (sign * scale * torch.rand(6, 1)).requires_grad_()
    found = exam_logits(rule, logits, torch.tensor([4, 2]))
    found.sum().backward()
    assert bool(found.isfinite().all())
    assert bool(logits.grad.isfinite().all())
    assert float(logits.grad.sum()) > 0.99


def test_noisy_or_is_steady_where_it_changes_its_formula():
    # Two slices of the same small probability: about twice the odds of one.
    logits = torch.linspace(-18, -12, 601)
    pairs = torch.stack([logits, logits], dim=1).reshape(-1, 1)
    found = exam_logits("noisy_or", pairs, torch.full((601,), 2)).squeeze(1)
    assert torch.allclose(found, logits + math.log(2), atol=1e-5)
    assert bool((found.diff() > 0).all())


def test_half_precision_is_widened():
    logits = torch.zeros(300, 1, dtype=torch.bfloat16)
    for rule in SLICE_RULES:
        assert exam_logits(rule, logits, torch.tensor([300])).dtype == torch.float32


def test_an_unknown_rule_is_refused():
    with pytest.raises(InputError, match="expected one of maximum_over_slices"):
        exam_logits("median", torch.zeros(1, 1), torch.tensor([1]))
