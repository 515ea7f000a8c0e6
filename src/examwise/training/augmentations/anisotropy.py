"""Coarse sampling along one axis: slices as if measured with long pixels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

ROWS, COLUMNS = -2, -1


def coarsen(images: Tensor, factor: npt.NDArray[np.float64], *, axis: int) -> Tensor:
    """Sample images by nearest neighbours at larger steps, and back linearly.

    As TorchIO's ``RandomAnisotropy`` does: coarse pixels lie about the center, as many as fit;
    the margin that they leave free, less than half a step on either side, becomes 0.

    Args:
        images: Shape (n, channels, rows, columns).
        factor: Length of a coarse pixel in pixels, at least 1 and at most the side, shape (n,).
        axis: -2: rows are sampled; -1: columns are.
    """
    side = images.shape[axis]
    places = [_places(side, each) for each in np.minimum(factor, side).tolist()]
    shape = (-1, 1, side, 1) if axis == ROWS else (-1, 1, 1, side)
    taken = []
    for neighbour in (0, 1):
        index = torch.from_numpy(np.stack([one[neighbour][0] for one in places]))
        weight = torch.from_numpy(np.stack([one[neighbour][1] for one in places]))
        picked = _pick(images, index.to(images.device), axis=axis)
        taken.append(picked.mul_(weight.to(images.device).view(shape)))
    return taken[0].add_(taken[1])


def _pick(images: Tensor, index: Tensor, *, axis: int) -> Tensor:
    """Return rows or columns of images by number, int64, shape (n, side)."""
    n, channels, rows, columns = images.shape
    if axis == COLUMNS:
        return images.gather(-1, index.view(n, 1, 1, columns).expand_as(images))
    # Whole rows are copied faster by their number among all images' rows.
    first = torch.arange(n * channels, device=images.device).view(n, channels, 1) * rows
    picked = images.reshape(-1, columns).index_select(0, (first + index[:, None]).flatten())
    return picked.view(images.shape)


def _places(
    side: int, factor: float
) -> tuple[tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]], ...]:
    """Return of the coarse pixels before and after each pixel which pixels they are, and weights.

    Shape (side,) each.
    """
    n_coarse = int(side / factor)
    first = (side - 1) / 2 - (n_coarse - 1) / 2 * factor
    # Half a pixel goes up, as in ITK.
    source = np.floor(first + np.arange(n_coarse) * factor + 0.5).astype(np.int64)
    coarse = (np.arange(side) - first) / factor
    inside = (coarse >= -0.5) & (coarse < n_coarse - 0.5)
    coarse = np.clip(coarse, 0, n_coarse - 1)
    before = np.floor(coarse).astype(np.int64)
    after = np.minimum(before + 1, n_coarse - 1)
    weight = (coarse - before).astype(np.float32)
    return (source[before], (1 - weight) * inside), (source[after], weight * inside)
