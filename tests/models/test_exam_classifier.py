from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from examwise.core.errors import InputError
from examwise.models.config import ModelConfig
from examwise.models.exam_classifier import EXAM_RULES, POOLED, ExamClassifier
from examwise.models.exam_rules import MAXIMUM_OVER_SLICES
from examwise.models.poolings import POOLINGS
from examwise.models.segments import even_positions, segment_index, segment_sum

SMALL = ModelConfig(
    findings=("any", "subdural"), encoder="resnet10", width=4, embedding=16, attention_hidden=8
)
SIZES = [4, 1, 6]


def pixels(n=11, seed=0):
    stream = torch.Generator().manual_seed(seed)
    return torch.randint(-100, 150, (n, 32, 32), dtype=torch.int16, generator=stream)


@pytest.fixture(scope="module", params=[(rule, p) for rule in EXAM_RULES for p in POOLINGS])
def classifier(request):
    rule, pooling = request.param
    return ExamClassifier(replace(SMALL, pooling=pooling), exam_rule=rule, seed=1).eval()


def run(classifier, images, sizes, positions=None):
    with torch.inference_mode():
        return classifier(images, torch.tensor(sizes), relative_position=positions)


@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 10**6))
def test_slice_order_does_not_matter(classifier, seed):
    images = pixels()
    order = torch.randperm(SIZES[2], generator=torch.Generator().manual_seed(seed))
    shuffled = torch.cat([images[:5], images[5:][order]])
    positions = even_positions(torch.tensor(SIZES))
    moved = torch.cat([positions[:5], positions[5:][order]])
    one = run(classifier, images, SIZES, positions)
    other = run(classifier, shuffled, SIZES, moved)
    assert torch.allclose(one.exam_logits, other.exam_logits, atol=1e-5)
    assert torch.allclose(one.slice_logits[5:][order], other.slice_logits[5:], atol=1e-5)


def test_packing_neighbours_do_not_matter(classifier):
    images = pixels()
    together = run(classifier, images, SIZES)
    start = 0
    for bag, size in enumerate(SIZES):
        alone = run(classifier, images[start : start + size], [size])
        assert torch.allclose(alone.exam_logits[0], together.exam_logits[bag], atol=1e-5)
        start += size


@pytest.mark.parametrize("chunk_slices", [1, 3, 10])
def test_chunks_do_not_matter_in_training_or_outside(chunk_slices):
    images, sizes = pixels(), torch.tensor(SIZES)
    results = []
    for chunk in (1000, chunk_slices):
        config = replace(SMALL, chunk_slices=chunk)
        classifier = ExamClassifier(config, exam_rule=POOLED, seed=1)
        classifier.eval()
        outside = run(classifier, images, SIZES).exam_logits
        classifier.train()
        output = classifier(images, sizes)
        output.exam_logits.sum().backward()
        gradient = classifier.encoder.conv1.weight.grad
        results.append((outside, output.exam_logits.detach(), gradient))
    for one, other in zip(*results, strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-4)


def test_the_output_has_its_shapes(classifier):
    output = run(classifier, pixels(), SIZES)
    assert output.exam_logits.shape == (3, 2)
    assert output.slice_logits.shape == (11, 2)
    if classifier.exam_rule != POOLED:
        assert output.attention_weights is None
        assert torch.allclose(output.exam_logits[1], output.slice_logits[4], atol=1e-6)
        if classifier.exam_rule == MAXIMUM_OVER_SLICES:
            assert torch.equal(output.exam_logits[2], output.slice_logits[5:].max(0).values)
    else:
        sums = segment_sum(output.attention_weights, torch.tensor(SIZES))
        assert torch.allclose(sums, torch.ones(3))


def test_an_exam_is_the_weighted_mean_of_its_slices_under_attention():
    classifier = ExamClassifier(SMALL, exam_rule=POOLED, seed=1).eval()
    output = run(classifier, pixels(), SIZES)
    weighted = output.attention_weights.unsqueeze(1) * output.slice_logits
    assert torch.allclose(segment_sum(weighted, torch.tensor(SIZES)), output.exam_logits, atol=1e-5)
    assert len(segment_index(torch.tensor(SIZES))) == len(output.slice_logits)


def test_weights_are_a_function_of_the_seed_alone():
    torch.manual_seed(5)
    state = torch.random.get_rng_state()
    one = ExamClassifier(SMALL, exam_rule=POOLED, seed=3).state_dict()
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.manual_seed(6)
    other = ExamClassifier(SMALL, exam_rule=POOLED, seed=3).state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_both_rules_share_encoder_and_classifier_names():
    strong = ExamClassifier(SMALL, exam_rule=MAXIMUM_OVER_SLICES).state_dict()
    weak = ExamClassifier(SMALL, exam_rule=POOLED).state_dict()
    assert strong.keys() < weak.keys()
    assert all(name.startswith("pooling.") for name in weak.keys() - strong.keys())


def test_unknown_names_are_refused():
    with pytest.raises(InputError, match="exam rule"):
        ExamClassifier(SMALL, exam_rule="median")
    with pytest.raises(InputError, match="encoder: expected one of resnet10"):
        ExamClassifier(replace(SMALL, encoder="resnet9"), exam_rule=POOLED)


def test_units_that_are_negative_for_every_slice_still_learn():
    module = ExamClassifier(ModelConfig(encoder="resnet10", width=4, embedding=8), exam_rule=POOLED)
    with torch.no_grad():
        module.embedding[0].bias.fill_(-3.0)
    pixels = torch.randint(0, 80, (4, 16, 16), dtype=torch.int16)
    module(pixels, torch.tensor([2, 2])).exam_logits.sum().backward()
    assert float(module.embedding[0].weight.grad.abs().max()) > 0
