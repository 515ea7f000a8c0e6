"""The running average of a model's weights over the steps of its training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from examwise.core.errors import InputError


class WeightAverage:
    """The exponential moving average of the parameters that are trained.

    After each step the average is the mean of the parameters after all steps so far, those of
    ``k`` steps ago counting ``decay**k``. The parameters before the first step are no part of it:
    averages that begin with them are drawn to random weights for some ``1 / (1 - decay)`` steps.
    Buffers and frozen parameters are the module's own.

    Args:
        decay: Above 0, below 1.

    Raises:
        InputError: On a decay out of range.

    Example:
        >>> module, average = nn.Linear(1, 1, bias=False), WeightAverage(0.5)
        >>> for value in (1.0, 4.0):
        ...     _ = nn.init.constant_(module.weight, value)
        ...     average.update(module)
        >>> with average.swapped_into(module):
        ...     float(module.weight.detach())
        3.0
        >>> float(module.weight.detach())
        4.0
    """

    def __init__(self, decay: float) -> None:
        if not 0 < decay < 1:
            raise InputError(
                where="training option average", expected="a decay between 0 and 1", got=decay
            )
        self.decay = decay
        self.n_updates = 0
        self._mean: dict[str, Tensor] = {}

    def update(self, module: nn.Module) -> None:
        """Take in a module's parameters as they are after a step."""
        self.n_updates += 1
        share = (1 - self.decay) / (1 - self.decay**self.n_updates)
        for name, parameter in _trained(module):
            value = parameter.detach()
            if name not in self._mean:
                self._mean[name] = value.clone()
            else:
                self._mean[name] = self._mean[name].to(value.device)
                self._mean[name].lerp_(value, share)

    def copy_to(self, module: nn.Module) -> None:
        """Give a module the average as its parameters; before the first step it keeps its own."""
        with torch.no_grad():
            for name, parameter in _trained(module):
                if name in self._mean:
                    parameter.copy_(self._mean[name])

    @contextmanager
    def swapped_into(self, module: nn.Module) -> Iterator[None]:
        """Give a module the average, and at the end its own parameters again, bit for bit."""
        own = {name: parameter.detach().clone() for name, parameter in _trained(module)}
        self.copy_to(module)
        try:
            yield
        finally:
            with torch.no_grad():
                for name, parameter in _trained(module):
                    parameter.copy_(own[name])

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run needs of this, apart from later updates."""
        mean = {name: value.clone() for name, value in self._mean.items()}
        return {"n_updates": self.n_updates, "mean": mean}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up what :meth:`state_dict` returned."""
        self.n_updates = state["n_updates"]
        self._mean = {name: value.clone() for name, value in state["mean"].items()}


def _trained(module: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    return (
        (name, parameter)
        for name, parameter in module.named_parameters()
        if parameter.requires_grad
    )
