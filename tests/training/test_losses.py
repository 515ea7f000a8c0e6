from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.metrics import log_loss

from examwise.core.errors import InputError
from examwise.data.bags import BagBatch
from examwise.training.loss_config import LossConfig
from examwise.training.losses import (
    LossSum,
    make_loss,
    masked_cross_entropy,
    masked_focal,
    positive_weights,
    weighing,
)

NAN = float("nan")
CONFIGS = (LossConfig(), LossConfig("focal"), LossConfig("focal", gamma=0.0, gamma_hard=0.5))


def drawn(n_labels=200, n_findings=2, spread=3.0):
    stream = torch.Generator().manual_seed(0)
    logits = spread * torch.randn(n_labels, n_findings, generator=stream)
    labels = (torch.rand(n_labels, n_findings, generator=stream) < 0.3).float()
    labels[::7] = NAN
    return logits, labels


def plain_focal(logits, labels, *, positive_weight, weights, config):
    """The formula as it stands on paper, in float64; fine for logits of a few units."""
    p = expit(logits.double().numpy())
    y = labels.double().numpy()
    p_t = np.where(y == 1, p, 1 - p)
    gamma = np.where(p_t < config.hard_below, config.gamma_hard, config.gamma)
    losses = -config.scale * (1 - p_t) ** gamma * np.log(p_t)
    losses = losses * np.where(y == 1, positive_weight, 1.0) * weights
    return losses[~np.isnan(y)].sum(), np.broadcast_to(weights, y.shape)[~np.isnan(y)].sum()


def test_the_cross_entropy_agrees_with_scikit_learn():
    logits, labels = drawn(n_findings=1)
    present = ~torch.isnan(labels)
    probabilities = torch.sigmoid(logits[present]).double().numpy()
    expected = log_loss(labels[present].numpy(), probabilities)
    assert float(masked_cross_entropy(logits, labels).mean) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    "config",
    [
        LossConfig("focal"),
        LossConfig("focal", gamma=2.0, gamma_hard=2.0),
        LossConfig("focal", gamma=0.5, hard_below=0.0, scale=0.6),
        LossConfig("focal", gamma_hard=1.0, hard_below=1.0),
    ],
)
def test_the_focal_loss_agrees_with_its_formula(config):
    logits, labels = drawn()
    ratio = torch.tensor([2.0, 0.5])
    weights = torch.linspace(0, 2, len(labels)).unsqueeze(1)
    found = make_loss(config)(logits, labels, positive_weight=ratio, weights=weights)
    total, n_labels = plain_focal(
        logits, labels, positive_weight=ratio.numpy(), weights=weights.numpy(), config=config
    )
    assert float(found.total) == pytest.approx(total, rel=1e-5)
    assert float(found.n_labels) == pytest.approx(n_labels, rel=1e-5)


def test_without_focus_the_focal_loss_is_the_cross_entropy():
    logits, labels = drawn()
    config = LossConfig("focal", gamma=0.0, gamma_hard=0.0)
    focal = make_loss(config)(logits, labels, positive_weight=torch.tensor([3.0, 1.0]))
    plain = masked_cross_entropy(logits, labels, positive_weight=torch.tensor([3.0, 1.0]))
    assert float(focal.total) == pytest.approx(float(plain.total), rel=1e-6)


def test_the_focal_gradient_takes_the_exponent_as_a_constant():
    logits = torch.tensor([[-3.0], [-1.0], [0.3], [4.0]], dtype=torch.float64, requires_grad=True)
    labels = torch.ones(4, 1, dtype=torch.float64)
    masked_focal(logits, labels, config=LossConfig("focal")).total.backward()
    p = expit(logits.detach().numpy())
    gamma = np.where(p < 0.2, 5.0, 3.0)
    # d/dz of -(1-p)^g log p, with dp/dz = p (1-p).
    expected = gamma * (1 - p) ** gamma * p * np.log(p) - (1 - p) ** (gamma + 1)
    assert np.allclose(logits.grad.numpy(), expected, rtol=1e-5)


@pytest.mark.parametrize("config", CONFIGS, ids=str)
@settings(deadline=None, max_examples=40)
@given(
    logits=st.lists(
        st.floats(-1e4, 1e4, width=32) | st.sampled_from([100.0, -100.0, 0.0, 1e30, -1e30]),
        min_size=1,
        max_size=6,
    ),
    label=st.sampled_from([0.0, 1.0]),
)
def test_loss_and_gradient_are_finite_whatever_the_logit(config, logits, label):
    values = torch.tensor(logits, dtype=torch.float32).unsqueeze(1).requires_grad_()
    labels = torch.full_like(values, label)
    labels[0, 0] = NAN
    loss = make_loss(config)(values, labels, positive_weight=None)
    loss.mean.backward()
    assert torch.isfinite(loss.total.detach())
    assert float(loss.total.detach()) >= 0
    assert torch.isfinite(values.grad).all()
    assert values.grad[0, 0] == 0
    # What is predicted wrong is always drawn towards its label.
    wrong = (values.detach() * (2 * label - 1) < -1).ravel()[1:]
    assert (values.grad.ravel()[1:][wrong] * (2 * label - 1) < 0).all()


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_missing_labels_have_no_loss_and_no_gradient(config):
    logits = torch.zeros(2, 2, requires_grad=True)
    labels = torch.tensor([[1.0, NAN], [NAN, NAN]])
    loss = make_loss(config)(logits, labels, positive_weight=None)
    loss.mean.backward()
    assert int(loss.n_labels) == 1
    assert logits.grad[0, 0] < 0
    assert logits.grad.ravel().tolist()[1:] == [0, 0, 0]
    nothing = make_loss(config)(logits, torch.full((2, 2), NAN), positive_weight=None)
    assert float(nothing.mean.detach()) == 0


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_a_weighted_label_counts_like_so_many_labels(config):
    logits, labels = drawn(20)
    loss = make_loss(config)
    weights = torch.arange(20.0).remainder(3).unsqueeze(1)
    repeated = torch.cat([logits.repeat_interleave(weights.ravel().long(), 0)])
    truth = labels.repeat_interleave(weights.ravel().long(), 0)
    weighted = loss(logits, labels, positive_weight=None, weights=weights)
    plain = loss(repeated, truth, positive_weight=None)
    assert float(weighted.total) == pytest.approx(float(plain.total), rel=1e-5)
    assert float(weighted.n_labels) == float(plain.n_labels)
    assert float(weighted.mean) == pytest.approx(float(plain.mean), rel=1e-5)


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_a_positive_weight_counts_positives_alone(config):
    logits, labels = torch.zeros(2, 1), torch.tensor([[1.0], [0.0]])
    plain = make_loss(config)(logits, labels, positive_weight=None)
    weighted = make_loss(config)(logits, labels, positive_weight=torch.tensor([3.0]))
    assert float(weighted.total) == pytest.approx(2 * float(plain.total))


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_half_precision_logits_lose_nothing_more(config):
    logits, labels = drawn()
    rounded = logits.bfloat16()
    half = make_loss(config)(rounded, labels, positive_weight=None)
    whole = make_loss(config)(rounded.float(), labels, positive_weight=None)
    assert half.total.dtype == torch.float32
    assert float(half.total) == float(whole.total)


def test_a_mean_over_weights_below_one_is_their_mean():
    loss = LossSum(torch.tensor(0.2), torch.tensor(0.25))
    assert float(loss.mean) == pytest.approx(0.8)


def test_positive_weights_make_weighted_classes_count_alike():
    labels = np.array([[1], [0], [0], [1], [np.nan]], np.float32)
    counts = np.array([0.5, 1.5, 1.0, 0.5, 7.0])
    assert positive_weights(labels, counts).tolist() == [2.5]


def test_positive_weights_by_finding():
    labels = np.array([[1, 0, NAN], [0, 0, 1], [0, 0, NAN], [NAN, 0, NAN]], np.float32)
    assert positive_weights(labels).tolist() == [2, 1, 1]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("name", "hinge"),
        ("gamma", -1.0),
        ("gamma_hard", NAN),
        ("hard_below", 1.5),
        ("scale", 0.0),
        ("scale", float("inf")),
    ],
)
def test_loss_options_out_of_range_are_refused_by_name(option, value):
    with pytest.raises(InputError, match=f"training option loss.{option}"):
        LossConfig(**{option: value})


def test_labels_count_as_much_as_their_bags_do():
    batch = BagBatch(
        exam_ids=("a", "b"),
        bag_sizes=torch.tensor([1, 2]),
        pixels_hu=torch.zeros(3, 1, 1, dtype=torch.int16),
        slice_index=torch.arange(3),
        relative_position=torch.zeros(3),
        exam_labels=torch.tensor([[1.0], [0.0]]),
        slice_labels=torch.tensor([[1.0], [0.0], [float("nan")]]),
        weights=torch.tensor([1.5, 0.5]),
    )
    loss = weighing(masked_cross_entropy, batch)
    of_exams = loss(torch.tensor([[2.0], [1.0]]), batch.exam_labels, positive_weight=None)
    softplus = torch.nn.functional.softplus
    expected = 1.5 * softplus(torch.tensor(-2.0)) + 0.5 * softplus(torch.tensor(1.0))
    assert float(of_exams.total) == pytest.approx(float(expected), rel=1e-6)
    assert float(of_exams.n_labels) == 2
    of_slices = loss(torch.zeros(3, 1), batch.slice_labels, positive_weight=None)
    assert float(of_slices.n_labels) == 2
    with pytest.raises(ValueError, match="a row for each bag"):
        loss(torch.zeros(5, 1), torch.zeros(5, 1), positive_weight=None)
    assert weighing(masked_cross_entropy, replace(batch, weights=None)) is masked_cross_entropy
