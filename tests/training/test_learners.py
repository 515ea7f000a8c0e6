from __future__ import annotations

import pytest
import torch

from examwise.data.bags import BagBatch
from examwise.models.config import ModelConfig
from examwise.models.exam_classifier import EXAM_RULES, ExamClassifier
from examwise.training.learners import LEARNERS

NAN = float("nan")


def batch(kind):
    exams = torch.tensor([[1.0], [0.0]])
    slices = torch.tensor([[0.0], [1.0], [0.0]])
    return BagBatch(
        exam_ids=("a", "b"),
        bag_sizes=torch.tensor([2, 1]),
        pixels_hu=torch.zeros(3, 32, 32, dtype=torch.int16),
        slice_index=torch.tensor([0, 1, 0]),
        relative_position=torch.tensor([0.0, 1.0, 0.5]),
        exam_labels=exams if kind == "exam" else exams * NAN,
        slice_labels=slices if kind == "slice" else slices * NAN,
    )


@pytest.mark.parametrize("name", LEARNERS)
def test_every_learner_learns_from_the_labels_it_buys_and_no_others(name):
    learner = LEARNERS.load(name)()
    assert learner.exam_rule in EXAM_RULES
    config = ModelConfig(encoder="resnet10", width=4, embedding=8, attention_hidden=4)
    classifier = ExamClassifier(config, exam_rule=learner.exam_rule)
    shown = batch(learner.label_kind)
    output = classifier(shown.pixels_hu, shown.bag_sizes)
    loss = learner.loss(output, shown, positive_weight=None)
    assert int(loss.n_labels) == (2 if learner.label_kind == "exam" else 3)
    loss.mean.backward()
    assert all(parameter.grad is not None for parameter in classifier.parameters())
    logits, labels = learner.scores(output, shown)
    assert logits.shape == labels.shape
    assert not torch.isnan(labels).any()
    hidden = batch("exam" if learner.label_kind == "slice" else "slice")
    assert int(learner.loss(output, hidden, positive_weight=None).n_labels) == 0
