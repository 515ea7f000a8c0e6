from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.models.poolings import NORMALIZERS
from examwise.models.segments import segment_sum

pytestmark = pytest.mark.usefixtures("deterministic")

SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=5)
SEEDS = st.integers(0, 10**6)


def softmax(logits):
    exponential = np.exp(logits - logits.max())
    return exponential / exponential.sum()


def simplex_projection(logits):
    """Of all thresholds that leave j of the largest logits, the one that is right for its j."""
    descending = np.sort(logits)[::-1]
    for j in range(len(logits), 0, -1):
        threshold = (descending[:j].sum() - 1) / j
        if descending[j - 1] > threshold:
            return np.maximum(logits - threshold, 0)
    raise AssertionError


def entmax15_by_bisection(logits):
    halves = logits / 2
    low, high = halves.max() - 1, halves.max()
    for _ in range(200):
        middle = (low + high) / 2
        if (np.maximum(halves - middle, 0) ** 2).sum() > 1:
            low = middle
        else:
            high = middle
    return np.maximum(halves - low, 0) ** 2


REFERENCES = {
    "softmax": softmax,
    "sparsemax": simplex_projection,
    "entmax15": entmax15_by_bisection,
}
assert set(REFERENCES) == set(NORMALIZERS)


def drawn_logits(sizes, seed, *, scale=1.0, dtype=torch.float64):
    stream = torch.Generator().manual_seed(seed)
    return scale * torch.randn(sum(sizes), generator=stream, dtype=dtype)


@pytest.fixture(params=NORMALIZERS)
def name(request):
    return request.param


@pytest.fixture(params=[False, True], ids=["", "deterministic"])
def deterministic(request):
    """Where all algorithms must be deterministic, thresholds are searched for in another way."""
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(request.param)
    yield
    torch.use_deterministic_algorithms(before)


@settings(deadline=None, max_examples=40)
@given(sizes=SIZES, seed=SEEDS, scale=st.sampled_from([0.01, 1.0, 10.0]))
def test_each_bag_is_normalised_as_by_an_independent_computation(sizes, seed, scale):
    logits = drawn_logits(sizes, seed, scale=scale)
    for name, reference in REFERENCES.items():
        expected = np.concatenate([reference(bag.numpy()) for bag in logits.split(sizes)])
        double = NORMALIZERS.load(name)(logits, torch.tensor(sizes))
        np.testing.assert_allclose(double.numpy(), expected, atol=1e-8)
        single = NORMALIZERS.load(name)(logits.float(), torch.tensor(sizes))
        np.testing.assert_allclose(single.numpy(), expected, atol=2e-5)


@settings(deadline=None, max_examples=40)
@given(
    sizes=SIZES,
    seed=SEEDS,
    scale=st.sampled_from([0.0, 1e-4, 1.0, 1e4, 1e30, 1e38]),
    dtype=st.sampled_from([torch.float32, torch.bfloat16]),
)
def test_weights_sum_to_one_and_are_finite_however_large_the_logits(sizes, seed, scale, dtype):
    logits = drawn_logits(sizes, seed, dtype=dtype).clamp(-3, 3) * scale
    logits.requires_grad_()
    for name in NORMALIZERS:
        weights = NORMALIZERS.load(name)(logits, torch.tensor(sizes))
        assert weights.dtype == torch.float32
        assert bool((weights >= 0).all())
        sums = segment_sum(weights.detach(), torch.tensor(sizes))
        assert torch.allclose(sums, torch.ones(len(sizes)), atol=1e-6)
        (gradient,) = torch.autograd.grad(weights.square().sum(), logits)
        assert bool(gradient.isfinite().all())


def test_six_hundred_near_equal_slices_still_sum_to_one(name):
    logits = 1e-3 * torch.randn(600, generator=torch.Generator().manual_seed(0))
    for sizes in ([600], [1, 599], [300, 300]):
        weights = NORMALIZERS.load(name)(logits, torch.tensor(sizes))
        sums = segment_sum(weights, torch.tensor(sizes))
        assert torch.allclose(sums, torch.ones(len(sizes)), atol=1e-6)


def test_a_lone_row_has_all_the_weight(name):
    weights = NORMALIZERS.load(name)(torch.tensor([-1e30, 3.0, 1e30]), torch.tensor([1, 1, 1]))
    assert weights.tolist() == [1.0, 1.0, 1.0]


def test_a_longer_bag_beside_it_changes_nothing(name):
    logits = drawn_logits([5, 200], 3, scale=0.1, dtype=torch.float32)
    alone = NORMALIZERS.load(name)(logits[:5], torch.tensor([5]))
    beside = NORMALIZERS.load(name)(logits, torch.tensor([5, 200]))[:5]
    assert torch.allclose(alone, beside, atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_gradients_agree_with_finite_differences(name, seed):
    logits = drawn_logits([1, 6, 4], seed).requires_grad_()
    sizes = torch.tensor([1, 6, 4])
    assert torch.autograd.gradcheck(lambda values: NORMALIZERS.load(name)(values, sizes), logits)


@pytest.mark.parametrize("sparse", ["sparsemax", "entmax15"])
def test_sparse_weights_are_exactly_zero_far_below_the_largest(sparse):
    logits = torch.tensor([0.0, 5.0, 4.9, -1e30, 2.0])
    weights = NORMALIZERS.load(sparse)(logits, torch.tensor([4, 1]))
    assert (weights == 0).tolist() == [True, False, False, True, False]


def test_logits_that_are_no_numbers_spoil_their_own_bag_and_no_other(name):
    logits = torch.tensor([0.0, float("nan"), 1.0, 1.0, float("inf"), 2.0])
    weights = NORMALIZERS.load(name)(logits, torch.tensor([2, 2, 2]))
    assert bool(weights[:2].isnan().all())
    assert weights[2:4].tolist() == [0.5, 0.5]
    assert bool(weights[4:].isnan().any())
