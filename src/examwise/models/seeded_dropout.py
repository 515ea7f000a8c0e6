"""Dropout that is a function of the slice and its key, not of what ran before."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_BITS = 24
"""Bits of a uniform number: as many as single precision holds exactly."""


class SeededDropout(nn.Module):
    """Drops features in training, each slice by a key of its own.

    The usual dropout draws from a global generator, so that what a slice loses depends on all that
    was drawn before: on the bags packed beside it, on the number of processes, on the device. Here
    whether a feature is dropped is a hash of the slice's key and the feature's place.

    Args:
        p: Probability with which a feature is dropped.
        place: Tells layers apart that see the same keys.

    Example:
        >>> drop = SeededDropout(0.5).train()
        >>> values, keys = torch.ones(2, 8), torch.tensor([1, 2])
        >>> bool((drop(values, keys)[1:] == drop(values[1:], keys[1:])).all())
        True
        >>> bool((drop.eval()(values, keys) == values).all())
        True
    """

    def __init__(self, p: float, *, place: int = 0) -> None:
        super().__init__()
        self.p = p
        self.place = place

    def forward(self, values: Tensor, keys: Tensor | None) -> Tensor:
        """Drop features of values, shape (N, H), by keys, int64, shape (N,).

        Values come back unchanged in evaluation mode and without keys; what is kept is scaled up
        so that the expectation stays.
        """
        if not self.training or self.p == 0 or keys is None:
            return values
        columns = torch.arange(values.shape[1], device=values.device) + (self.place << 32)
        kept = uniform(keys.unsqueeze(1), columns.unsqueeze(0)) >= self.p
        return torch.where(kept, values / (1 - self.p), torch.zeros_like(values))


def uniform(keys: Tensor, counters: Tensor) -> Tensor:
    """Return float32 numbers from 0 to below 1 that are a hash of key and counter.

    The finaliser of SplitMix64 (Steele, Lea and Flood, 2014), twice, in integer arithmetic, so that
    every device gives the same numbers.

    Args:
        keys: int64, of any shape.
        counters: int64, of a shape that broadcasts with it.

    Example:
        >>> uniform(torch.tensor([3]), torch.arange(2)).shape
        torch.Size([2])
    """
    mixed = _mix(_mix(keys * _GOLDEN) ^ (counters * _GOLDEN))
    return _shifted(mixed, 64 - _BITS).to(torch.float32) * 2.0**-_BITS


_GOLDEN = 0x9E3779B97F4A7C15 - (1 << 64)
_FIRST = 0xBF58476D1CE4E5B9 - (1 << 64)
_SECOND = 0x94D049BB133111EB - (1 << 64)


def _mix(values: Tensor) -> Tensor:
    values = (values ^ _shifted(values, 30)) * _FIRST
    values = (values ^ _shifted(values, 27)) * _SECOND
    return values ^ _shifted(values, 31)


def _shifted(values: Tensor, bits: int) -> Tensor:
    # PyTorch's shift keeps the sign: what comes in from the left is taken away again.
    return (values >> bits) & ((1 << (64 - bits)) - 1)
