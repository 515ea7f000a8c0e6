"""Norms that keep slices apart: exams packed into one batch must not influence each other."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from examwise.core.errors import InputError

GROUP = "group"
"""Over groups of channels of one slice (Wu and He, 2018)."""
FROZEN_BATCH = "frozen_batch"
"""By stored means and variances, which pretrained weights bring along."""
NORMS = (GROUP, FROZEN_BATCH)

_CHANNELS_PER_GROUP = 8


class FrozenBatchNorm(nn.Module):
    """Batch norm by its stored means and variances, in training too; scale and shift do learn.

    Tensors have the names of :class:`torch.nn.BatchNorm2d`, so that its weights fit.

    Args:
        channels: Channels of the maps.
        eps: Added to the variance.
    """

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, channels: int, *, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def forward(self, maps: Tensor) -> Tensor:
        """Normalise maps, shape (N, channels, rows, columns)."""
        return F.batch_norm(
            maps,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            training=False,
            eps=self.eps,
        )


def make_norm(norm: str, channels: int, *, eps: float = 1e-5) -> nn.Module:
    """Return a norm of maps.

    Args:
        norm: One of :data:`NORMS`.
        channels: Channels of the maps.
        eps: Added to the variance.

    Raises:
        InputError: If there is no such norm.

    Example:
        >>> make_norm("group", 16)  # doctest: +ELLIPSIS
        GroupNorm(2, 16, ...
    """
    if norm == GROUP:
        return nn.GroupNorm(_groups(channels), channels, eps=eps)
    if norm == FROZEN_BATCH:
        return FrozenBatchNorm(channels, eps=eps)
    raise InputError(where="model option norm", expected="one of " + ", ".join(NORMS), got=norm)


def replace_batch_norms(module: nn.Module, *, norm: str) -> None:
    """Put norms that keep slices apart in place of all batch norms within a module.

    Weights and stored statistics are not taken over.
    """
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(module, name, make_norm(norm, child.num_features, eps=child.eps))
        else:
            replace_batch_norms(child, norm=norm)


def _groups(channels: int) -> int:
    # A group of one channel would be an instance norm, which takes a channel's mean away and with
    # it most of what tells bright from dark.
    wanted = max(1, channels // _CHANNELS_PER_GROUP)
    return next(groups for groups in range(wanted, 0, -1) if channels % groups == 0)
