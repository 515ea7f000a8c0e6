"""Optimisers of a module's parameters."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from examwise.core.errors import InputError
from examwise.training.optimizer_config import OptimizerConfig


def make_optimizer(
    module: nn.Module, config: OptimizerConfig, *, learning_rate: float, weight_decay: float
) -> torch.optim.Optimizer:
    """Return an optimiser of the parameters that are trained; frozen ones are none of its.

    Args:
        module: Whose parameters.
        config: Which optimiser.
        learning_rate: The highest.
        weight_decay: On parameters of more than one dimension, or on all if ``decay_all``.

    Raises:
        InputError: If the module has no parameter that is trained.

    Example:
        >>> optimizer = make_optimizer(
        ...     nn.Linear(2, 1), OptimizerConfig("sgd"), learning_rate=0.1, weight_decay=1e-4)
        >>> [(len(group["params"]), group["weight_decay"]) for group in optimizer.param_groups]
        [(1, 0.0001), (1, 0.0)]
    """
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    if not trained:
        raise InputError(
            where="training",
            expected="a model with parameters to train",
            got="none",
            remedy="freeze less of it",
        )
    decayed = [each for each in trained if config.decay_all or each.dim() > 1]
    spared = [each for each in trained if not (config.decay_all or each.dim() > 1)]
    groups: list[dict[str, Any]] = [
        {"params": parameters, "weight_decay": decay}
        for parameters, decay in ((decayed, weight_decay), (spared, 0.0))
        if parameters
    ]
    if config.name == "sgd":
        return torch.optim.SGD(groups, lr=learning_rate, momentum=config.momentum)
    kind = torch.optim.Adam if config.name == "adam" else torch.optim.AdamW
    return kind(groups, lr=learning_rate)
