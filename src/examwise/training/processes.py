"""What the processes that train one model together tell each other."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def n_together() -> int:
    """Return how many processes have joined to train."""
    return torch.distributed.get_world_size() if _joined() else 1


def summed(value: Tensor) -> Tensor:
    """Return the sum of all processes' values, in each of them."""
    if _joined():
        value = value.clone()
        torch.distributed.all_reduce(value)
    return value


def gathered(value: Any) -> list[Any]:
    """Return the values of all processes, in order of their numbers, in each of them."""
    if not _joined():
        return [value]
    values: list[Any] = [None] * n_together()
    torch.distributed.all_gather_object(values, value)
    return values


def _joined() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()
