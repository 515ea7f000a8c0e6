"""What holds of the whole model, whichever pooling or rule it has, in training and outside."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.models.config import ModelConfig
from examwise.models.exam_classifier import POOLED, ExamClassifier
from examwise.models.exam_rules import SLICE_RULES
from examwise.models.poolings import NORMALIZERS, POOLINGS

SMALL = ModelConfig(
    findings=("any", "subdural"),
    encoder="resnet10",
    width=4,
    embedding=16,
    dropout=0.2,
    attention_hidden=8,
    attention_dropout=0.3,
)
SIZES = [4, 1, 6]
N = sum(SIZES)
KINDS = [
    *((POOLED, pooling, "softmax") for pooling in POOLINGS),
    *((POOLED, "attention", normalizer) for normalizer in NORMALIZERS if normalizer != "softmax"),
    *((rule, "attention", "softmax") for rule in SLICE_RULES),
]
CLOSE = {"rtol": 1e-4, "atol": 1e-4}


def classifier_of(kind, *, training, **changes):
    rule, pooling, normalizer = kind
    config = replace(SMALL, pooling=pooling, normalizer=normalizer, **changes)
    return ExamClassifier(config, exam_rule=rule, seed=1).train(training)


def drawn(seed=0):
    stream = torch.Generator().manual_seed(seed)
    pixels = torch.randint(-100, 150, (N, 24, 24), dtype=torch.int16, generator=stream)
    about = {
        "relative_position": torch.rand(N, generator=stream),
        "slice_keys": torch.randint(0, 2**60, (N,), generator=stream),
    }
    return pixels, about


def at(about, rows):
    return {name: values[rows] for name, values in about.items()}


@pytest.fixture(scope="module", params=KINDS, ids="-".join)
def kind(request):
    return request.param


@pytest.fixture(scope="module", params=[False, True], ids=["outside", "training"])
def classifier(request, kind):
    return classifier_of(kind, training=request.param)


@settings(deadline=None, max_examples=3)
@given(seed=st.integers(0, 10**6))
def test_slice_order_does_not_matter(classifier, seed):
    pixels, about = drawn(seed)
    stream = torch.Generator().manual_seed(seed)
    order = torch.cat(
        [
            torch.randperm(4, generator=stream),
            torch.tensor([4]),
            5 + torch.randperm(6, generator=stream),
        ]
    )
    with torch.inference_mode():
        one = classifier(pixels, torch.tensor(SIZES), **about)
        other = classifier(pixels[order], torch.tensor(SIZES), **at(about, order))
    assert torch.allclose(one.exam_logits, other.exam_logits, **CLOSE)
    assert torch.allclose(one.slice_logits[order], other.slice_logits, **CLOSE)
    if one.attention_weights is not None:
        assert torch.allclose(one.attention_weights[order], other.attention_weights, **CLOSE)


@settings(deadline=None, max_examples=3)
@given(seed=st.integers(0, 10**6))
def test_bags_packed_beside_do_not_matter(classifier, seed):
    pixels, about = drawn(seed)
    with torch.inference_mode():
        together = classifier(pixels, torch.tensor(SIZES), **about)
        start = 0
        for bag, size in enumerate(SIZES):
            rows = slice(start, start + size)
            alone = classifier(pixels[rows], torch.tensor([size]), **at(about, rows))
            assert torch.allclose(alone.exam_logits[0], together.exam_logits[bag], **CLOSE)
            assert torch.allclose(alone.slice_logits, together.slice_logits[rows], **CLOSE)
            start += size


@pytest.mark.parametrize("training", [False, True], ids=["outside", "training"])
def test_chunks_change_neither_logits_nor_gradients(kind, training):
    pixels, about = drawn()
    shifts = torch.rand(N, 1, 1, 1, generator=torch.Generator().manual_seed(1))
    results = []
    for chunk_slices in (N, 1, 3):
        classifier = classifier_of(kind, training=training, chunk_slices=chunk_slices)
        output = classifier(
            pixels,
            torch.tensor(SIZES),
            **about,
            augment=lambda images, rows: images + shifts[rows],
        )
        (output.exam_logits.square().sum() + output.slice_logits.square().sum()).backward()
        results.append(
            [output.exam_logits, output.slice_logits]
            + [parameter.grad for parameter in classifier.parameters()]
        )
    whole, *chunked = results
    for parts in chunked:
        for one, other in zip(whole, parts, strict=True):
            assert torch.allclose(
                one, other, rtol=1e-3, atol=1e-4 * float(one.detach().abs().max()) + 1e-6
            )


def test_every_parameter_of_a_pooled_model_learns(kind):
    classifier = classifier_of(kind, training=True)
    pixels, about = drawn()
    output = classifier(pixels, torch.tensor(SIZES), **about)
    output.exam_logits.square().sum().backward()
    for name, parameter in classifier.named_parameters():
        assert parameter.grad is not None, name
        assert bool(parameter.grad.isfinite().all()), name
        assert float(parameter.grad.abs().max()) > 0, name


def test_keys_alone_decide_what_is_dropped(kind):
    classifier = classifier_of(kind, training=True)
    pixels, about = drawn()
    sizes = torch.tensor(SIZES)
    with torch.inference_mode():
        one = classifier(pixels, sizes, **about).exam_logits
        torch.manual_seed(5)
        assert torch.equal(classifier(pixels, sizes, **about).exam_logits, one)
        about["slice_keys"] += 1
        assert not torch.allclose(classifier(pixels, sizes, **about).exam_logits, one, **CLOSE)
        about["slice_keys"] = None
        kept = classifier(pixels, sizes, **about).exam_logits
        assert torch.equal(classifier.eval()(pixels, sizes, **about).exam_logits, kept)
