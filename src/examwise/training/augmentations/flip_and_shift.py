"""Random flips and shifts of whole exams by whole pixels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from examwise.training.augmentations.draws import draw_per_exam
from examwise.training.augmentations.unit_range import in_cached_parts

_LARGEST_SHIFT = 0.06
"""Share of the image's side."""


class FlipAndShift:
    """Flips left to right and shifts by whole pixels, alike for all slices of an exam.

    No value is interpolated. What is moved in from outside the image is air.
    """

    def draw(
        self,
        exam_ids: Sequence[str],
        bag_sizes: Tensor,
        *,
        seed: int,
        step: int,
        slice_index: Tensor | None = None,
    ) -> FlippedAndShifted:
        """Draw each exam's flip and shifts, as ``Augmentation`` says."""
        del slice_index  # An exam's slices are moved alike.
        drawn = draw_per_exam(exam_ids, bag_sizes, seed=seed, step=step, n=3)
        return FlippedAndShifted(torch.from_numpy(drawn).float().to(bag_sizes.device))


class FlippedAndShifted:
    """Flips and shifts that have been drawn.

    Args:
        drawn: For flip, rows and columns, 0 … 1, float32, shape (N, 3).
    """

    def __init__(self, drawn: Tensor) -> None:
        self._drawn = drawn

    def __call__(self, images: Tensor, rows: slice) -> Tensor:
        """Transform windowed images, -1 … 1, shape (n, channels, rows, columns)."""
        return in_cached_parts(images, self._move, of=rows)

    def _move(self, images: Tensor, rows: slice) -> Tensor:
        height, width = images.shape[-2:]
        drawn = self._drawn[rows]
        flip = (drawn[:, 0] < 0.5).reshape(-1, 1, 1, 1)
        flipped = torch.where(flip, images.flip(-1), images)
        down = self._shift(drawn[:, 1], height)
        right = self._shift(drawn[:, 2], width)
        margin_rows = round(_LARGEST_SHIFT * height)
        margin_columns = round(_LARGEST_SHIFT * width)
        padded = F.pad(
            flipped, (margin_columns, margin_columns, margin_rows, margin_rows), value=-1.0
        )
        row = torch.arange(height, device=images.device) + margin_rows - down.unsqueeze(1)
        column = torch.arange(width, device=images.device) + margin_columns - right.unsqueeze(1)
        exam = torch.arange(len(images), device=images.device)
        picked = padded[exam[:, None, None], :, row[:, :, None], column[:, None, :]]
        return picked.movedim(-1, 1)

    @staticmethod
    def _shift(drawn: Tensor, side: int) -> Tensor:
        largest = round(_LARGEST_SHIFT * side)
        # A draw just below 1 is 1 in single precision.
        return torch.floor(drawn * (2 * largest + 1)).long().clamp(max=2 * largest) - largest
