"""Ghosts: faint copies of the image along one axis, from regularly weakened frequencies."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


def add_ghosts(
    images: Tensor,
    n_ghosts: npt.NDArray[np.int64],
    intensity: npt.NDArray[np.float64],
    *,
    axis: int,
) -> Tensor:
    """Weaken every so-manieth frequency along an axis, but not the mean.

    As TorchIO's ``RandomGhosting`` with ``restore=None``: frequencies are counted from the lowest
    negative one, and the real part is taken, so that a frequency and its negative count half each.

    Args:
        images: float32, shape (n, channels, rows, columns).
        n_ghosts: Of all frequencies one in so many is weakened, shape (n,).
        intensity: 0 … 1: how much is taken away, shape (n,).
        axis: -2: copies lie along rows' direction, one above another; -1: side by side.
    """
    side = images.shape[axis]
    kept = 1 - intensity[:, None] * _weakened(side, n_ghosts)
    weight = torch.from_numpy(kept.astype(np.float32)).to(images.device)
    weight = weight[:, None, :, None] if axis == -2 else weight[:, None, None, :]
    return torch.fft.irfft(torch.fft.rfft(images, dim=axis).mul_(weight), n=side, dim=axis)


def _weakened(side: int, n_ghosts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return how much each of the non-negative frequencies takes part, shape (n, side // 2 + 1)."""
    frequency = np.arange(side // 2 + 1)
    every = n_ghosts[:, None]
    below = (side // 2 - frequency) % every == 0
    above = ((side // 2 + frequency) % every == 0) & (side // 2 + frequency < side)
    share = (below.astype(float) + above) / 2
    if side % 2 == 0:
        share[:, -1] = below[:, -1]  # This frequency is its own negative.
    share[:, 0] = 0
    return share
