from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from examwise.data.bags import BagBatch
from examwise.models.config import ModelConfig
from examwise.models.exam_classifier import EXAM_RULES, ExamClassifier
from examwise.training.learners import LEARNERS
from examwise.training.losses import masked_cross_entropy

NAN = float("nan")
SMALL = ModelConfig(encoder="resnet10", width=4, embedding=8, attention_hidden=4)


def batch(kind):
    exams = torch.tensor([[1.0], [0.0]])
    slices = torch.tensor([[0.0], [1.0], [0.0]])
    return BagBatch(
        exam_ids=("a", "b"),
        bag_sizes=torch.tensor([2, 1]),
        pixels_hu=torch.zeros(3, 32, 32, dtype=torch.int16),
        slice_index=torch.tensor([0, 1, 0]),
        relative_position=torch.tensor([0.0, 1.0, 0.5]),
        exam_labels=exams if kind in ("exam", "mixed") else exams * NAN,
        slice_labels=slices if kind in ("slice", "mixed") else slices * NAN,
    )


def model_of(learner, *, seed=0):
    config = learner.adapt(SMALL)
    return ExamClassifier(config, exam_rule=learner.exam_rules[0], seed=seed)


@pytest.mark.parametrize("name", LEARNERS)
def test_every_learner_learns_from_the_labels_it_buys_and_no_others(name):
    learner = LEARNERS.load(name)()
    assert set(learner.exam_rules) <= set(EXAM_RULES)
    classifier = model_of(learner)
    shown = batch(learner.label_kind)
    output = classifier(shown.pixels_hu, shown.bag_sizes, relative_position=shown.relative_position)
    found = learner.loss(output, shown, loss=masked_cross_entropy, positive_weight=None)
    assert float(found.n_labels) == {"exam": 2, "slice": 3, "mixed": 4}[learner.label_kind]
    found.mean.backward()
    assert all(parameter.grad is not None for parameter in classifier.parameters())
    logits, labels = learner.scores(output, shown)
    assert logits.shape == labels.shape
    assert not torch.isnan(labels).any()
    if learner.label_kind != "mixed":
        hidden = batch("exam" if learner.label_kind == "slice" else "slice")
        nothing = learner.loss(output, hidden, loss=masked_cross_entropy, positive_weight=None)
        assert int(nothing.n_labels) == 0


def test_mixed_labels_of_an_exams_slices_count_one_together():
    learner = LEARNERS.load("mixed")()
    output = model_of(learner)(batch("mixed").pixels_hu, batch("mixed").bag_sizes)
    found = learner.loss(output, batch("mixed"), loss=masked_cross_entropy, positive_weight=None)

    def entropy(logit, label):
        return np.logaddexp(0, -logit) if label else np.logaddexp(0, logit)

    exams = output.exam_logits.detach().numpy().ravel()
    slices = output.slice_logits.detach().numpy().ravel()
    of_exams = entropy(exams[0], 1) + entropy(exams[1], 0)
    of_slices = (entropy(slices[0], 0) + entropy(slices[1], 1)) / 2 + entropy(slices[2], 0)
    assert float(found.total.detach()) == pytest.approx(of_exams + of_slices, rel=1e-5)


def test_the_position_learner_sees_no_pixel():
    learner = LEARNERS.load("position")()
    classifier = model_of(learner).eval()
    dark = batch("slice")
    bright = replace(dark, pixels_hu=dark.pixels_hu + 60)
    one, other = (
        classifier(each.pixels_hu, each.bag_sizes, relative_position=each.relative_position)
        for each in (dark, bright)
    )
    assert torch.equal(one.slice_logits, other.slice_logits)
    assert not torch.allclose(one.slice_logits[0], one.slice_logits[1])


def test_the_pooled_learner_weighs_all_slices_alike():
    learner = LEARNERS.load("pooled")()
    shown = batch("exam")
    output = model_of(learner)(shown.pixels_hu, shown.bag_sizes)
    assert output.attention_weights.tolist() == [0.5, 0.5, 1.0]
