"""Gaussian noise that is a hash of key and pixel, the same on every device and in every chunk."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from examwise.training.augmentations.unit_range import column

_FIRST, _SECOND = 0x21F0AAAD, 0x735A2D97
"""Multipliers of a 32-bit finaliser with little bias (hash-prospector, Wellons, 2018 on)."""


def noise_keys(drawn: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
    """Return keys made of numbers from 0 to below 1.

    Args:
        drawn: Shape (N, 2).

    Returns:
        Shape (N, 2).
    """
    return np.floor(drawn * 2.0**32).astype(np.uint32).view(np.int32)


def normal_fields(keys: Tensor, rows: int, columns: int) -> Tensor:
    """Return standard normal noise of slices.

    Each number is one of 65,536 equally likely ones, the middles of as many quantiles, which lie
    within 4.4 standard deviations; a 32-bit hash of a pixel's number gives two of them.

    Args:
        keys: Of each slice, int32, shape (n, 2).
        rows: Height of an image.
        columns: Width of an image.

    Returns:
        float32, shape (n, 1, rows, columns).

    Example:
        >>> keys = torch.tensor([[3, 4], [5, 6]], dtype=torch.int32)
        >>> both = normal_fields(keys, 8, 8)
        >>> torch.equal(both[1:], normal_fields(keys[1:], 8, 8))
        True
    """
    pairs = (rows * columns + 1) // 2
    hashed = _hash(keys, torch.arange(pairs, dtype=torch.int32, device=keys.device))
    which = torch.cat([_shifted(hashed, 16), hashed.bitwise_and_(0xFFFF)], dim=1)
    drawn = _quantiles(keys.device).index_select(0, which.flatten()).view(which.shape)
    return drawn[:, : rows * columns].reshape(-1, 1, rows, columns)


def add_noise(images: Tensor, keys: npt.NDArray[np.int32], std: npt.NDArray[np.float64]) -> Tensor:
    """Add noise to images in place, the same to all channels of a slice.

    Args:
        images: float32, shape (n, channels, rows, columns).
        keys: Of each slice, shape (n, 2).
        std: Of each slice, shape (n,).
    """
    fields = normal_fields(torch.from_numpy(keys).to(images.device), *images.shape[-2:])
    return images.addcmul_(fields, column(std, images))


@cache
def _quantiles(device: torch.device) -> Tensor:
    # From the host in double precision, so that every device has the same.
    shares = (torch.arange(1 << 16, dtype=torch.float64) + 0.5) / (1 << 16)
    return torch.special.ndtri(shares).float().to(device)


def _hash(keys: Tensor, counter: Tensor) -> Tensor:
    """Return hashes, int32, shape (n, counters)."""
    # The one half of the key goes in before the first multiplication, the other after it, so that
    # no two slices see the same numbers at other places.
    mixed = counter[None] ^ keys[:, :1]
    mixed ^= _shifted(mixed, 16)
    mixed *= _FIRST
    mixed += keys[:, 1:]
    mixed ^= _shifted(mixed, 15)
    mixed *= _SECOND
    mixed ^= _shifted(mixed, 15)
    return mixed


def _shifted(values: Tensor, bits: int) -> Tensor:
    # PyTorch's shift keeps the sign: what comes in from the left is taken away again.
    return (values >> bits).bitwise_and_((1 << (32 - bits)) - 1)
