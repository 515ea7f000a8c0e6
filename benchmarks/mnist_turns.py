"""Small turns, scales and shifts of digits, as an augmentation that a class path names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from examwise.training.augmentations.draws import between, draw_per_slice

_LARGEST_ANGLE_DEGREE = 12.0
_LARGEST_SHIFT = 1 / 28
"""Share of the side."""
_LARGEST_SCALE = 1.12


class Turns:
    """Turns, moves and scales every digit by itself; never mirrors it."""

    def draw(
        self,
        exam_ids: Sequence[str],
        bag_sizes: Tensor,
        *,
        seed: int,
        step: int,
        slice_index: Tensor | None = None,
    ) -> Turned:
        """Draw each digit's angle, shift and scale."""
        drawn = draw_per_slice(
            exam_ids, bag_sizes, seed=seed, step=step, n=4, slice_index=slice_index
        )
        largest = np.radians(_LARGEST_ANGLE_DEGREE)
        angle = between(drawn[:, 0], -largest, largest)
        scale = _LARGEST_SCALE ** between(drawn[:, 1], -1.0, 1.0)
        matrix = np.empty((len(drawn), 2, 3), np.float32)
        matrix[:, 0, 0] = matrix[:, 1, 1] = scale * np.cos(angle)
        matrix[:, 1, 0] = scale * np.sin(angle)
        matrix[:, 0, 1] = -matrix[:, 1, 0]
        # Places go from -1 to 1: a share of the side counts twice.
        matrix[:, :, 2] = between(drawn[:, 2:], -2 * _LARGEST_SHIFT, 2 * _LARGEST_SHIFT)
        return Turned(torch.from_numpy(matrix).to(bag_sizes.device))


class Turned:
    """Turns that have been drawn.

    Args:
        matrix: From places in the changed image to places in the original, shape (N, 2, 3).
    """

    def __init__(self, matrix: Tensor) -> None:
        self._matrix = matrix

    def __call__(self, images: Tensor, rows: slice) -> Tensor:
        """Transform images, -1 … 1, shape (n, channels, rows, columns)."""
        grid = F.affine_grid(self._matrix[rows], list(images.shape), align_corners=False)
        # What comes in from outside is 0, and the digits' ground is -1.
        return F.grid_sample(images + 1, grid, align_corners=False) - 1
