"""From windowed images, -1 … 1, to 0 … 1 with air at 0, and changes of some slices among many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

_CACHED_VALUES = 1 << 18
"""A slice of 512 rows and columns; a megabyte."""


def to_unit(images: Tensor) -> Tensor:
    """Return a copy of windowed images as float32 with air at 0 and the window's top at 1."""
    return images.float().mul(0.5).add_(0.5)


def from_unit(images: Tensor, dtype: torch.dtype) -> Tensor:
    """Undo :func:`to_unit`, in place where the type allows."""
    return images.mul_(2).sub_(1).to(dtype)


def change_some(
    images: Tensor,
    which: npt.NDArray[np.bool_],
    change: Callable[..., Tensor],
    *parameters: npt.NDArray[Any],
) -> Tensor:
    """Replace some slices by what a change makes of them.

    Args:
        images: Shape (n, …); may be changed in place.
        which: Which slices, known on the host, so that no device has to be waited for; shape (n,).
        change: Called once with these slices and their parameters, or not at all where there are
            none; may change its slices in place.
        parameters: Of all slices, shape (n, …) each.
    """
    if not which.any():
        return images
    if which.all():
        return change(images, *parameters)
    index = torch.from_numpy(np.flatnonzero(which)).to(images.device)
    changed = change(images[index], *(each[which] for each in parameters))
    return images.index_copy_(0, index, changed)


def in_cached_parts(
    images: Tensor, change: Callable[[Tensor, slice], Tensor], *, of: slice
) -> Tensor:
    """Change images, on a CPU as many at a time as fit into a core's cache, which is much faster.

    Args:
        images: Shape (n, channels, rows, columns).
        change: Called with images and which of a batch's slices they are.
        of: Which of the batch's slices all of them are.
    """
    if images.device.type != "cpu" or not len(images):
        return change(images, of)
    n = max(1, _CACHED_VALUES // images[0].numel())
    changed = torch.empty_like(images)
    for start in range(0, len(images), n):
        part = images[start : start + n]
        first = (of.start or 0) + start
        changed[start : start + n] = change(part, slice(first, first + len(part)))
    return changed


def column(values: npt.NDArray[np.float64], like: Tensor) -> Tensor:
    """Return a number for each slice as float32 on the device, shape (n, 1, 1, 1)."""
    return torch.from_numpy(values.astype(np.float32)).to(like.device).view(-1, 1, 1, 1)
