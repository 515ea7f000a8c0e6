from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.models.segments import (
    even_positions,
    pad_segments,
    padding_mask,
    segment_logsumexp,
    segment_max,
    segment_mean,
    segment_softmax,
    segment_sum,
    unpad_segments,
)

SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=6)

LOOPS = {
    segment_sum: lambda bag: bag.sum(0),
    segment_mean: lambda bag: bag.mean(0),
    segment_max: lambda bag: bag.max(0).values,
    segment_logsumexp: lambda bag: bag.logsumexp(0),
}


@pytest.mark.parametrize("function", LOOPS, ids=lambda function: function.__name__)
@settings(deadline=None, max_examples=30)
@given(sizes=SIZES, seed=st.integers(0, 10**6))
def test_values_and_gradients_agree_with_a_loop_over_bags(function, sizes, seed):
    stream = torch.Generator().manual_seed(seed)
    values = torch.randn(sum(sizes), 3, generator=stream, dtype=torch.float64).requires_grad_()
    upstream = torch.randn(len(sizes), 3, generator=stream, dtype=torch.float64)
    packed = function(values, torch.tensor(sizes))
    looped = torch.stack([LOOPS[function](bag) for bag in values.split(sizes)])
    assert torch.allclose(packed, looped)
    (one,) = torch.autograd.grad(packed, values, upstream, retain_graph=True)
    (other,) = torch.autograd.grad(looped, values, upstream)
    assert torch.allclose(one, other)


@settings(deadline=None, max_examples=30)
@given(sizes=SIZES, scale=st.sampled_from([1.0, 1e3, 1e30]), seed=st.integers(0, 10**6))
def test_softmax_agrees_with_torch_however_large_the_logits(sizes, scale, seed):
    logits = scale * torch.randn(sum(sizes), generator=torch.Generator().manual_seed(seed))
    weights = segment_softmax(logits, torch.tensor(sizes))
    looped = torch.cat([torch.softmax(bag, 0) for bag in logits.split(sizes)])
    assert weights.dtype == torch.float32
    assert torch.allclose(weights, looped, atol=1e-6)
    assert torch.allclose(segment_sum(weights, torch.tensor(sizes)), torch.ones(len(sizes)))


def test_softmax_gradient_agrees_with_torch():
    logits = torch.randn(9, generator=torch.Generator().manual_seed(0)).requires_grad_()
    upstream = torch.arange(9.0)
    sizes = [2, 3, 4]
    packed = segment_softmax(logits, torch.tensor(sizes))
    looped = torch.cat([torch.softmax(bag, 0) for bag in logits.split(sizes)])
    (one,) = torch.autograd.grad(packed, logits, upstream)
    (other,) = torch.autograd.grad(looped, logits, upstream)
    assert torch.allclose(one, other, atol=1e-6)


def test_half_precision_logits_are_normalised_in_single_precision():
    weights = segment_softmax(torch.zeros(300, dtype=torch.bfloat16), torch.tensor([300]))
    assert weights.dtype == torch.float32
    assert float(weights.sum()) == pytest.approx(1, abs=1e-5)


@settings(deadline=None, max_examples=30)
@given(sizes=SIZES)
def test_padding_keeps_every_row_in_its_place_and_fills_the_rest(sizes):
    values = torch.arange(2.0 * sum(sizes)).reshape(-1, 2)
    padded = pad_segments(values, torch.tensor(sizes), fill=-1.0)
    assert padded.shape == (len(sizes), max(sizes), 2)
    for row, bag in zip(padded, values.split(sizes), strict=True):
        assert torch.equal(row[: len(bag)], bag)
        assert bool((row[len(bag) :] == -1).all())
    assert torch.equal(padding_mask(torch.tensor(sizes)), padded[:, :, 0] >= 0)
    assert torch.equal(unpad_segments(padded, torch.tensor(sizes)), values)


def test_padding_hands_gradients_to_rows_alone():
    values = torch.randn(3, 2, dtype=torch.float64).requires_grad_()
    sizes = torch.tensor([1, 2])
    padded = pad_segments(values, sizes, fill=5.0)
    assert torch.equal(torch.autograd.grad(padded.sum(), values)[0], torch.ones_like(values))


@settings(deadline=None, max_examples=20)
@given(sizes=SIZES)
def test_even_positions_span_each_bag(sizes):
    for bag in even_positions(torch.tensor(sizes)).split(sizes):
        wanted = torch.linspace(0, 1, len(bag)) if len(bag) > 1 else torch.tensor([0.5])
        assert torch.allclose(bag, wanted)
