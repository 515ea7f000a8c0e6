"""Gamma, contrast and brightness of images on a scale of 0 … 1."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from examwise.training.augmentations.unit_range import column


def raise_to(images: Tensor, gamma: npt.NDArray[np.float64]) -> Tensor:
    """Raise images, 0 … 1, to exponents, shape (n,), in place.

    Example:
        >>> raise_to(torch.full((1, 1, 1, 2), 0.5), np.array([2.0]))
        tensor([[[[0.2500, 0.2500]]]])
    """
    return images.pow_(column(gamma, images))


def change_contrast(images: Tensor, contrast: npt.NDArray[np.float64]) -> Tensor:
    """Stretch images about 0.5 and shift them, in place.

    Args:
        images: Shape (n, channels, rows, columns).
        contrast: Factor and addition, shape (n, 2).

    Example:
        >>> change_contrast(torch.tensor([[[[0.5, 0.75]]]]), np.array([[2.0, 0.25]]))
        tensor([[[[0.7500, 1.2500]]]])
    """
    factor = contrast[:, 0]
    addition = 0.5 - 0.5 * factor + contrast[:, 1]
    return images.mul_(column(factor, images)).add_(column(addition, images))


def keep_cut_off(changed: Tensor, original: Tensor) -> Tensor:
    """Return changed images with values at 0 and 1 as they were, and all others within.

    Example:
        >>> keep_cut_off(torch.tensor([0.2, 0.7, 1.3]), torch.tensor([0.0, 0.5, 0.9]))
        tensor([0.0000, 0.7000, 1.0000])
    """
    within = (original - 0.5).abs_() < 0.5
    return torch.where(within, changed.clamp_(0, 1), original)
