from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss

from examwise.training.losses import masked_cross_entropy, positive_weights

NAN = float("nan")


def test_the_loss_agrees_with_scikit_learn():
    stream = torch.Generator().manual_seed(0)
    logits = torch.randn(40, 1, generator=stream)
    labels = (torch.rand(40, 1, generator=stream) < 0.3).float()
    expected = log_loss(labels.ravel().numpy(), torch.sigmoid(logits).ravel().double().numpy())
    assert float(masked_cross_entropy(logits, labels).mean) == pytest.approx(expected, rel=1e-5)


def test_missing_labels_have_no_loss_and_no_gradient():
    logits = torch.zeros(2, 2, requires_grad=True)
    loss = masked_cross_entropy(logits, torch.tensor([[1.0, NAN], [NAN, NAN]]))
    loss.mean.backward()
    assert int(loss.n_labels) == 1
    assert logits.grad.ravel().tolist() == [-0.5, 0, 0, 0]
    nothing = masked_cross_entropy(logits, torch.full((2, 2), NAN))
    assert float(nothing.mean.detach()) == 0


def test_a_positive_weight_counts_positives_alone():
    logits, labels = torch.zeros(2, 1), torch.tensor([[1.0], [0.0]])
    plain = masked_cross_entropy(logits, labels)
    weighted = masked_cross_entropy(logits, labels, positive_weight=torch.tensor([3.0]))
    assert float(weighted.total) == pytest.approx(2 * float(plain.total))


def test_positive_weights_by_finding():
    labels = np.array([[1, 0, NAN], [0, 0, 1], [0, 0, NAN], [NAN, 0, NAN]], np.float32)
    assert positive_weights(labels).tolist() == [2, 1, 1]
