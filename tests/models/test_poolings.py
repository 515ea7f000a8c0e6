from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.func import functional_call
from torch.nn import functional as F

from examwise.core.errors import InputError
from examwise.models.config import ModelConfig
from examwise.models.poolings import NORMALIZERS, POOLINGS
from examwise.models.poolings.build import build_pooling
from examwise.models.segments import even_positions, segment_softmax, segment_sum

EMBEDDING = 6
WITH_LOGITS = {"attention", "gated_attention", "smooth_attention", "transformer"}
WITH_POSITION = {"smooth_attention", "transformer"}
EVERY = [(name, normalizer) for name in POOLINGS for normalizer in NORMALIZERS]
SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=5)
SEEDS = st.integers(0, 10**6)


def pooling_of(name, normalizer="softmax", *, dropout=0.0, dtype=torch.float32, **options):
    """Make a pooling whose logits differ enough for sparse normalizers to give zeros."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        pooling = build_pooling(
            name,
            embedding=EMBEDDING,
            hidden=5,
            normalizer=normalizer,
            dropout=dropout,
            options=options,
        ).to(dtype)
    with torch.no_grad():
        for parameter in pooling.parameters():
            parameter.mul_(2.0)
    return pooling


def drawn_bags(sizes, seed, *, dtype=torch.float32, grid=7):
    """Draw embeddings, some slices twice, and positions, some of them equal."""
    stream = torch.Generator().manual_seed(seed)
    embeddings = torch.randn(sum(sizes), EMBEDDING, generator=stream, dtype=dtype)
    if len(embeddings) > 1:
        embeddings[1] = embeddings[0]
    position = torch.randint(0, grid, (sum(sizes),), generator=stream) / (grid - 1)
    keys = torch.randint(0, 2**60, (sum(sizes),), generator=stream)
    return embeddings, torch.tensor(sizes), position.to(dtype), keys


def order_within_bags(sizes, seed):
    stream = torch.Generator().manual_seed(seed)
    starts = torch.tensor(sizes).cumsum(0) - torch.tensor(sizes)
    return torch.cat(
        [
            start + torch.randperm(size, generator=stream)
            for start, size in zip(starts, sizes, strict=True)
        ]
    )


def pool(pooling, embeddings, sizes, position, keys=None):
    return pooling(embeddings, sizes, relative_position=position, slice_keys=keys)


# Dense references, a bag at a time.


def linear(layer, values):
    out = values @ layer.weight.T
    return out if layer.bias is None else out + layer.bias


def scores(score, bag):
    units = torch.tanh(linear(score.hidden, bag))
    if score.gate is not None:
        units = units / (1 + torch.exp(-linear(score.gate, bag)))
    return linear(score.logit, units)[:, 0]


def smoothed(pooling, logits, position):
    n = len(logits)
    if n == 1:
        return logits
    unit = (position.max() - position.min()) / (n - 1)
    unit = unit if unit > 0 else torch.ones(())
    weights = torch.zeros(n, n, dtype=logits.dtype)
    for i in range(n):
        for j in range(n):
            if i != j:
                distance = float((position[i] - position[j]) / unit) / pooling.reach
                weights[i, j] = math.exp(-(distance**2) / 2)
    smooth = logits
    for _ in range(pooling.iterations):
        nearby = []
        for i in range(n):
            total = weights[i].sum()
            nearby.append((weights[i] * smooth).sum() / total if total > 0 else smooth[i])
        smooth = pooling.smoothing * torch.stack(nearby) + (1 - pooling.smoothing) * logits
    return smooth


def seen(pooling, bag, position):
    waves = torch.tensor(
        [
            [math.sin(math.pi * 2**k * p) for k in range(6)]
            + [math.cos(math.pi * 2**k * p) for k in range(6)]
            for p in position.tolist()
        ],
        dtype=bag.dtype,
    )
    values = bag + linear(pooling.position, waves)
    for layer in pooling.layers:
        normed = F.layer_norm(
            values, (EMBEDDING,), layer.attention_norm.weight, layer.attention_norm.bias
        )
        queries, keys, found = linear(layer.queries_keys_values, normed).chunk(3, dim=1)
        heads = []
        for q, k, v in zip(
            *(part.chunk(layer.heads, dim=1) for part in (queries, keys, found)), strict=True
        ):
            heads.append(torch.softmax(q @ k.T / math.sqrt(q.shape[1]), dim=1) @ v)
        values = values + linear(layer.attended, torch.cat(heads, dim=1))
        normed = F.layer_norm(values, (EMBEDDING,), layer.units_norm.weight, layer.units_norm.bias)
        values = values + linear(layer.units[2], F.gelu(linear(layer.units[0], normed)))
    return values


def dense(name, pooling, normalizer, bag, position):
    """Return a bag's pooled embedding and weights."""
    if name in WITH_LOGITS:
        values = seen(pooling, bag, position) if name == "transformer" else bag
        logits = scores(pooling.score, values)
        if name == "smooth_attention":
            logits = smoothed(pooling, logits, position)
        weights = NORMALIZERS.load(normalizer)(logits, torch.tensor([len(bag)]))
        return (weights[:, None] * values).sum(0), weights
    if name == "mean":
        return bag.mean(0), torch.full((len(bag),), 1 / len(bag), dtype=bag.dtype)
    if name == "log_sum_exp":
        weights = torch.softmax(bag / pooling.temperature, dim=0).mean(1)
        pooled = (bag / pooling.temperature).exp().mean(0).log() * pooling.temperature
        return pooled, weights
    k = 1 if name == "max" else min(pooling.k, len(bag))
    columns, shares = [], torch.zeros_like(bag)
    for column in range(EMBEDDING):
        values = bag[:, column].tolist()
        highest = sorted(values, reverse=True)[:k]
        columns.append(sum(highest) / k)
        for value in highest:
            equal = [i for i, other in enumerate(values) if other == value]
            for i in equal:
                shares[i, column] += 1 / (k * len(equal))
    return torch.tensor(columns, dtype=bag.dtype), shares.mean(1)


@pytest.mark.parametrize(("name", "normalizer"), EVERY)
@settings(deadline=None, max_examples=10)
@given(sizes=SIZES, seed=SEEDS)
def test_packed_pooling_equals_a_dense_loop_over_bags(name, normalizer, sizes, seed):
    pooling = pooling_of(name, normalizer, dtype=torch.float64)
    embeddings, bag_sizes, position, _ = drawn_bags(sizes, seed, dtype=torch.float64)
    pooled = pool(pooling, embeddings, bag_sizes, position)
    for b, (bag, where, weights) in enumerate(
        zip(
            embeddings.split(sizes),
            position.split(sizes),
            pooled.attention_weights.split(sizes),
            strict=True,
        )
    ):
        expected, expected_weights = dense(name, pooling, normalizer, bag, where)
        assert torch.allclose(pooled.embeddings[b], expected, atol=1e-8)
        assert torch.allclose(weights, expected_weights, atol=1e-8)


@pytest.mark.parametrize(("name", "normalizer"), EVERY)
@settings(deadline=None, max_examples=8)
@given(sizes=SIZES, seed=SEEDS, training=st.booleans())
def test_order_within_bags_does_not_matter(name, normalizer, sizes, seed, training):
    pooling = pooling_of(name, normalizer, dropout=0.3).train(training)
    embeddings, bag_sizes, position, keys = drawn_bags(sizes, seed)
    order = order_within_bags(sizes, seed)
    one = pool(pooling, embeddings, bag_sizes, position, keys)
    other = pool(pooling, embeddings[order], bag_sizes, position[order], keys[order])
    assert torch.allclose(one.embeddings, other.embeddings, atol=2e-5)
    assert torch.allclose(one.attention_logits[order], other.attention_logits, atol=2e-5)
    assert torch.allclose(one.attention_weights[order], other.attention_weights, atol=2e-5)


@pytest.mark.parametrize(("name", "normalizer"), EVERY)
@settings(deadline=None, max_examples=8)
@given(sizes=SIZES, seed=SEEDS, training=st.booleans())
def test_bags_packed_beside_do_not_matter(name, normalizer, sizes, seed, training):
    pooling = pooling_of(name, normalizer, dropout=0.3).train(training)
    embeddings, bag_sizes, position, keys = drawn_bags(sizes, seed)
    together = pool(pooling, embeddings, bag_sizes, position, keys)
    start = 0
    for b, size in enumerate(sizes):
        rows = slice(start, start + size)
        alone = pool(pooling, embeddings[rows], bag_sizes[b : b + 1], position[rows], keys[rows])
        assert torch.allclose(alone.embeddings[0], together.embeddings[b], atol=2e-5)
        assert torch.allclose(alone.attention_weights, together.attention_weights[rows], atol=2e-5)
        start += size


@pytest.mark.parametrize(("name", "normalizer"), EVERY)
def test_a_neighbour_that_is_not_finite_stays_with_itself(name, normalizer):
    pooling = pooling_of(name, normalizer)
    embeddings, sizes, position, _ = drawn_bags([3, 4], 0)
    clean = pool(pooling, embeddings, sizes, position).embeddings[0]
    embeddings[3:] = float("nan")
    assert torch.equal(pool(pooling, embeddings, sizes, position).embeddings[0], clean)


@pytest.mark.parametrize(("name", "normalizer"), EVERY)
@settings(deadline=None, max_examples=8)
@given(sizes=SIZES, seed=SEEDS)
def test_weights_and_logits_are_always_there_and_belong_together(name, normalizer, sizes, seed):
    pooling = pooling_of(name, normalizer)
    embeddings, bag_sizes, position, _ = drawn_bags(sizes, seed)
    pooled = pool(pooling, embeddings, bag_sizes, position)
    assert pooled.embeddings.shape == (len(sizes), EMBEDDING)
    for values in (pooled.attention_logits, pooled.attention_weights):
        assert values.shape == (sum(sizes),)
        assert values.dtype == torch.float32
        assert bool(values.isfinite().all())
    assert bool((pooled.attention_weights >= 0).all())
    sums = segment_sum(pooled.attention_weights, bag_sizes)
    assert torch.allclose(sums, torch.ones(len(sizes)), atol=1e-5)
    normalize = NORMALIZERS.load(normalizer) if name in WITH_LOGITS else segment_softmax
    again = normalize(pooled.attention_logits, bag_sizes)
    assert torch.allclose(again, pooled.attention_weights, atol=1e-5)


@pytest.mark.parametrize(("name", "normalizer"), EVERY)
def test_a_lone_slice_has_all_the_weight(name, normalizer):
    embeddings, sizes, position, _ = drawn_bags([1, 1], 0)
    pooled = pool(pooling_of(name, normalizer), embeddings, sizes, position)
    assert pooled.attention_weights.tolist() == [1.0, 1.0]
    if name != "transformer":
        assert torch.allclose(pooled.embeddings, embeddings, atol=1e-6)


@pytest.mark.parametrize(("name", "normalizer"), EVERY)
@pytest.mark.parametrize("training", [False, True])
def test_gradients_agree_with_finite_differences(name, normalizer, training):
    pooling = pooling_of(name, normalizer, dropout=0.3, dtype=torch.float64).train(training)
    embeddings, sizes, position, keys = drawn_bags([1, 4, 3], 11, dtype=torch.float64)
    embeddings = torch.randn_like(embeddings)  # no ties, where maxima have a kink
    names = [key for key, _ in pooling.named_parameters()]

    def outputs(values, *parameters):
        pooled = functional_call(
            pooling,
            dict(zip(names, parameters, strict=True)),
            (values, sizes),
            {"relative_position": position, "slice_keys": keys},
        )
        return pooled.embeddings, pooled.attention_weights

    parameters = [value.detach().clone().requires_grad_() for value in pooling.parameters()]
    inputs = (embeddings.requires_grad_(), *parameters)
    assert torch.autograd.gradcheck(outputs, inputs, atol=1e-5, fast_mode=True)


@pytest.mark.parametrize(("name", "normalizer"), EVERY)
def test_huge_values_leave_results_and_gradients_finite(name, normalizer):
    pooling = pooling_of(name, normalizer)
    if name in WITH_LOGITS:
        with torch.no_grad():
            pooling.score.logit.weight.mul_(1e30)
    embeddings, sizes, position, _ = drawn_bags([1, 5, 7], 2)
    embeddings = (1e4 * embeddings).requires_grad_()
    pooled = pool(pooling, embeddings, sizes, position)
    (pooled.embeddings / 1e4).square().sum().backward()
    for values in (pooled.embeddings, pooled.attention_logits, pooled.attention_weights):
        assert bool(values.isfinite().all())
    for leaf in (embeddings, *pooling.parameters()):
        assert bool(leaf.grad.isfinite().all())
    assert torch.allclose(segment_sum(pooled.attention_weights, sizes), torch.ones(3), atol=1e-5)


@pytest.mark.parametrize("name", POOLINGS)
def test_half_precision_embeddings_are_weighted_in_single_precision(name):
    embeddings, sizes, position, keys = drawn_bags([300, 20], 4, grid=320)
    exact = pool(pooling_of(name), embeddings.bfloat16().float(), sizes, position, keys)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = pool(pooling_of(name), embeddings.bfloat16(), sizes, position, keys)
    assert half.embeddings.dtype == torch.bfloat16
    assert torch.allclose(half.attention_weights, exact.attention_weights, atol=1e-6)
    assert torch.allclose(half.embeddings.float(), exact.embeddings, rtol=1e-2, atol=1e-2)
    true_half = pool(pooling_of(name, dtype=torch.bfloat16), embeddings.bfloat16(), sizes, position)
    assert true_half.embeddings.dtype == torch.bfloat16
    assert true_half.attention_logits.dtype == torch.float32
    sums = segment_sum(true_half.attention_weights, sizes)
    assert torch.allclose(sums, torch.ones(2), atol=1e-5)


@pytest.mark.parametrize("name", POOLINGS)
def test_only_some_poolings_look_at_position(name):
    embeddings, sizes, position, _ = drawn_bags([6, 5], 5)
    one = pool(pooling_of(name), embeddings, sizes, position)
    other = pool(pooling_of(name), embeddings, sizes, position.flip(0))
    same = torch.allclose(one.embeddings, other.embeddings, atol=1e-4)
    assert same == (name not in WITH_POSITION)


@pytest.mark.parametrize("name", sorted(WITH_LOGITS))
def test_dropout_is_in_training_only_and_a_function_of_keys(name):
    pooling = pooling_of(name, dropout=0.5)
    bags = drawn_bags([6, 5], 5)
    without = pool(pooling.eval(), *bags)
    dropped = pool(pooling.train(), *bags)
    assert not torch.allclose(without.attention_logits, dropped.attention_logits, atol=1e-3)
    torch.manual_seed(99)
    assert torch.equal(pool(pooling, *bags).embeddings, dropped.embeddings)
    assert torch.equal(pool(pooling, *bags[:3]).embeddings, without.embeddings)


def test_smoothing_comes_close_to_the_minimum_of_its_energy():
    embeddings, sizes, position, _ = drawn_bags([8], 3, dtype=torch.float64, grid=50)
    pooling = pooling_of(
        "smooth_attention", dtype=torch.float64, smoothing=0.6, reach=1.3, iterations=200
    )
    found = pool(pooling, embeddings, sizes, position).attention_logits
    raw = scores(pooling.score, embeddings)
    unit = 1.3 * (position.max() - position.min()) / 7
    affinity = torch.exp(-0.5 * ((position[:, None] - position) / unit) ** 2)
    affinity.fill_diagonal_(0)
    degree = affinity.sum(1)
    guess = raw.detach().clone().requires_grad_()
    energy = (
        0.6 * 0.5 * (affinity * (guess[:, None] - guess) ** 2).sum()
        + 0.4 * (degree * (guess - raw) ** 2).sum()
    )
    # The energy is a quadratic form: one Newton step from anywhere is its minimum.
    (gradient,) = torch.autograd.grad(energy, guess, create_graph=True)
    hessian = torch.stack([torch.autograd.grad(g, guess, retain_graph=True)[0] for g in gradient])
    minimum = guess - torch.linalg.solve(hessian, gradient)
    assert torch.allclose(found, minimum, atol=1e-8)
    assert float(found.detach().std()) < float(raw.detach().std())


def test_smoothing_leaves_equal_logits_alone_and_none_beyond_its_bag():
    embeddings, sizes, position, _ = drawn_bags([9, 4], 6)
    pooling = pooling_of("smooth_attention")
    same = embeddings[:1].expand_as(embeddings)
    logits = pool(pooling, same, sizes, position).attention_logits
    assert torch.allclose(logits, logits[:1].expand_as(logits), atol=1e-6)
    raw = pool(pooling_of("attention"), embeddings, sizes, position).attention_logits
    for before, after in zip(
        raw.split([9, 4]),
        pool(pooling, embeddings, sizes, position).attention_logits.split([9, 4]),
        strict=True,
    ):
        assert before.min() - 1e-6 <= after.min() <= after.max() <= before.max() + 1e-6


def test_smoothing_of_nothing_is_plain_attention():
    embeddings, sizes, position, _ = drawn_bags([9, 4], 6)
    plain = pool(pooling_of("attention"), embeddings, sizes, position)
    smooth = pool(pooling_of("smooth_attention", smoothing=0.0), embeddings, sizes, position)
    assert torch.equal(plain.embeddings, smooth.embeddings)


def test_log_sum_exp_lies_between_mean_and_maximum_by_its_temperature():
    embeddings, sizes, position, _ = drawn_bags([9, 4], 6)
    hot, cold, mean, most = (
        pool(pooling, embeddings, sizes, position).embeddings
        for pooling in (
            pooling_of("log_sum_exp", temperature=1e4),
            pooling_of("log_sum_exp", temperature=1e-3),
            pooling_of("mean"),
            pooling_of("max"),
        )
    )
    assert torch.allclose(hot, mean, atol=1e-2)
    assert torch.allclose(cold, most, atol=1e-2)


def test_top_k_of_one_is_the_maximum_and_of_many_the_mean():
    embeddings, sizes, position, _ = drawn_bags([9, 4], 6)
    for k, name in ((1, "max"), (9, "mean")):
        one = pool(pooling_of("top_k", k=k), embeddings, sizes, position)
        other = pool(pooling_of(name), embeddings, sizes, position)
        assert torch.allclose(one.embeddings, other.embeddings, atol=1e-6)
        assert torch.allclose(one.attention_weights, other.attention_weights, atol=1e-6)


def test_maximum_pooling_shares_a_feature_that_several_slices_attain():
    embeddings = torch.tensor([[1.0, 0.0], [1.0, 2.0]])
    pooling = build_pooling("max", embedding=2, hidden=1)
    pooled = pool(pooling, embeddings, torch.tensor([2]), torch.tensor([0.0, 1.0]))
    assert pooled.embeddings.tolist() == [[1.0, 2.0]]
    assert pooled.attention_weights.tolist() == [0.25, 0.75]


def test_an_exam_of_six_hundred_slices_is_pooled_beside_short_ones():
    sizes = torch.tensor([600, 1, 30])
    embeddings = torch.randn(631, EMBEDDING, generator=torch.Generator().manual_seed(0))
    for name in POOLINGS:
        pooled = pool(pooling_of(name), embeddings, sizes, even_positions(sizes))
        sums = segment_sum(pooled.attention_weights, sizes)
        assert torch.allclose(sums, torch.ones(3), atol=1e-5)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("median", {}, "pooling: expected one of attention"),
        ("mean", {"k": 3}, "options of mean: expected none, got k"),
        ("top_k", {"n": 3}, "options of top_k: expected k, got n"),
        ("top_k", {"k": 0}, "option k: expected a whole number, at least 1, got 0"),
        ("top_k", {"k": 2.5}, "option k: expected a whole number"),
        ("log_sum_exp", {"temperature": 0.0}, "option temperature: expected a number above 0"),
        ("smooth_attention", {"smoothing": 1.0}, "option smoothing: expected a number from 0"),
        ("smooth_attention", {"reach": 0}, "option reach: expected a number above 0"),
        ("smooth_attention", {"iterations": 0}, "option iterations: expected a whole number"),
        ("transformer", {"layers": 0}, "option layers: expected a whole number"),
        ("transformer", {"heads": "two"}, "option heads: expected a whole number"),
        ("attention", {"embedding": 9}, "options of attention: expected none, got embedding"),
    ],
)
def test_wrong_names_and_values_are_refused(name, options, message):
    with pytest.raises(InputError, match=message):
        build_pooling(name, embedding=4, hidden=2, options=options)


def test_an_unknown_normalizer_is_refused_even_where_it_has_no_effect():
    with pytest.raises(InputError, match="normalizer: expected one of softmax"):
        build_pooling("mean", embedding=4, hidden=2, normalizer="hardmax")


@pytest.mark.parametrize("normalizer", NORMALIZERS)
def test_a_configuration_takes_every_normalizer(normalizer):
    assert ModelConfig(normalizer=normalizer).normalizer == normalizer
