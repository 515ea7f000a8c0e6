"""Losses over labels some of which are missing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from examwise.data.bags import BagBatch
from examwise.training.loss_config import LossConfig


@dataclass(frozen=True)
class LossSum:
    """A loss summed over labels, so that batches of any size add up to one mean.

    Attributes:
        total: Sum over labels that are there, a scalar.
        n_labels: Number of these labels, or sum of their weights where they have some, a scalar.
    """

    total: Tensor
    n_labels: Tensor

    @property
    def mean(self) -> Tensor:
        """Mean over labels; zero where there is none."""
        nothing = self.n_labels == 0
        return self.total / torch.where(nothing, torch.ones_like(self.n_labels), self.n_labels)


class LossFunction(Protocol):
    """A loss of logits given labels."""

    def __call__(
        self,
        logits: Tensor,
        labels: Tensor,
        *,
        positive_weight: Tensor | None,
        weights: Tensor | None = None,
    ) -> LossSum:
        """Return the loss over labels that are there.

        Args:
            logits: Shape (labels, findings).
            labels: 1, 0 or NaN: missing, shape (labels, findings).
            positive_weight: How much a positive label counts, shape (findings,); 1 if None.
            weights: How much each label counts, in the sum and among the labels, at least 0,
                of a shape that broadcasts to (labels, findings); 1 if None.
        """
        ...


def make_loss(config: LossConfig) -> LossFunction:
    """Return the loss that a configuration names.

    Example:
        >>> loss = make_loss(LossConfig("focal"))
        >>> easy = loss(torch.tensor([[3.0]]), torch.tensor([[1.0]]), positive_weight=None)
        >>> round(float(easy.mean), 7)
        5.2e-06
    """
    if config.name == "focal":
        return partial(masked_focal, config=config)
    return masked_cross_entropy


def masked_cross_entropy(
    logits: Tensor,
    labels: Tensor,
    *,
    positive_weight: Tensor | None = None,
    weights: Tensor | None = None,
) -> LossSum:
    """Return the binary cross-entropy over labels that are there; see :class:`LossFunction`.

    Example:
        >>> loss = masked_cross_entropy(torch.zeros(2, 1), torch.tensor([[1.0], [float("nan")]]))
        >>> round(float(loss.mean), 4), int(loss.n_labels)
        (0.6931, 1)
    """
    losses = F.binary_cross_entropy_with_logits(
        logits.float(), labels.nan_to_num(0.0), pos_weight=positive_weight, reduction="none"
    )
    return _sum_over_present(losses, labels, weights)


def masked_focal(
    logits: Tensor,
    labels: Tensor,
    *,
    positive_weight: Tensor | None = None,
    weights: Tensor | None = None,
    config: LossConfig,
) -> LossSum:
    """Return the focal loss over labels that are there; see :class:`LossFunction`.

    A label predicted with the probability ``p`` loses ``-scale (1 - p)^γ log p`` (Lin et al.,
    2017), where γ depends on whether ``p`` is below ``hard_below`` (Mukhoti et al., 2020). The
    exponent is a constant to the gradient. Both logarithms come from the logit, so that neither
    loss nor gradient overflows where ``p`` is 0 or 1 to machine precision.

    Args:
        logits: Shape (labels, findings).
        labels: 1, 0 or NaN: missing, shape (labels, findings).
        positive_weight: How much a positive label counts, shape (findings,); 1 if None.
        weights: How much each label counts; 1 if None.
        config: Exponents and scale.
    """
    truth = labels.nan_to_num(0.0)
    toward = logits.float() * (2 * truth - 1)
    log_p, log_rest = F.logsigmoid(toward), F.logsigmoid(-toward)
    gamma = torch.where(log_p.detach().exp() < config.hard_below, config.gamma_hard, config.gamma)
    losses = -config.scale * torch.exp(gamma * log_rest) * log_p
    if positive_weight is not None:
        losses = losses * torch.where(truth == 1, positive_weight, 1.0)
    return _sum_over_present(losses, labels, weights)


def _sum_over_present(losses: Tensor, labels: Tensor, weights: Tensor | None) -> LossSum:
    present = ~torch.isnan(labels)
    if weights is None:
        return LossSum(torch.where(present, losses, 0.0).sum(), present.sum())
    counts = torch.where(present, weights.to(losses.dtype).expand_as(losses), 0.0)
    return LossSum(torch.where(present, losses * counts, 0.0).sum(), counts.sum())


def weighing(loss: LossFunction, batch: BagBatch) -> LossFunction:
    """Return a loss whose labels count as much as their bags do; the loss itself if all alike.

    Args:
        loss: The loss.
        batch: What it will be asked of: of bags' labels, or of slices'.

    Raises:
        ValueError: While computing, if it is asked of other rows.
    """
    of_bags = batch.weights
    if of_bags is None:
        return loss
    of_slices = torch.repeat_interleave(of_bags, batch.bag_sizes)

    def weighed(
        logits: Tensor,
        labels: Tensor,
        *,
        positive_weight: Tensor | None,
        weights: Tensor | None = None,
    ) -> LossSum:
        by_rows = {len(of_bags): of_bags, len(of_slices): of_slices}.get(len(labels))
        if by_rows is None:
            raise ValueError("expected a row for each bag, or for each slice")
        own = by_rows[:, None]
        return loss(
            logits,
            labels,
            positive_weight=positive_weight,
            weights=own if weights is None else own * weights,
        )

    return weighed


def positive_weights(
    labels: npt.NDArray[np.float32], weights: npt.NDArray[np.float64] | None = None
) -> Tensor:
    """Return how many negative labels there are for each positive one.

    Args:
        labels: 1, 0 or NaN, shape (labels, findings).
        weights: How much each label counts anyway, shape (labels,); alike if None.

    Returns:
        float32, shape (findings,); 1 where a finding has one class only.

    Example:
        >>> positive_weights(np.array([[1.0], [0.0], [0.0]], np.float32))
        tensor([2.])
    """
    counts = np.ones(len(labels)) if weights is None else weights
    of_positive, of_negative = counts @ (labels == 1), counts @ (labels == 0)
    both = (of_positive > 0) & (of_negative > 0)
    ratio = np.where(both, of_negative / np.where(both, of_positive, 1.0), 1.0)
    return torch.from_numpy(ratio.astype(np.float32))
