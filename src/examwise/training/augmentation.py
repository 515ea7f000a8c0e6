"""Random flips and shifts of whole exams, batched and on the device."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from examwise.core.randomness import generator
from examwise.data.bags import BagBatch
from examwise.models.segments import segment_index

_LARGEST_SHIFT = 0.06
"""Share of the image's side."""


class FlipAndShift:
    """Flips left to right and shifts by whole pixels, alike for all slices of an exam.

    What happens to an exam is a function of seed, step and exam alone; what is moved in from
    outside the image is air.

    Args:
        batch: The batch that the images come from.
        seed: The run's seed.
        step: The optimiser step.
    """

    def __init__(self, batch: BagBatch, *, seed: int, step: int) -> None:
        streams = [generator(seed, "augmentation", step, exam_id) for exam_id in batch.exam_ids]
        drawn = torch.tensor([stream.random(3).tolist() for stream in streams])
        device = batch.bag_sizes.device
        self._drawn = drawn.to(device)[segment_index(batch.bag_sizes)]

    def __call__(self, images: Tensor) -> Tensor:
        """Transform windowed images, -1 … 1, shape (N, channels, rows, columns)."""
        rows, columns = images.shape[-2:]
        flip = (self._drawn[:, 0] < 0.5).reshape(-1, 1, 1, 1)
        flipped = torch.where(flip, images.flip(-1), images)
        down = self._shift(self._drawn[:, 1], rows)
        right = self._shift(self._drawn[:, 2], columns)
        margin_rows = round(_LARGEST_SHIFT * rows)
        margin_columns = round(_LARGEST_SHIFT * columns)
        padded = F.pad(
            flipped, (margin_columns, margin_columns, margin_rows, margin_rows), value=-1.0
        )
        row = torch.arange(rows, device=images.device) + margin_rows - down.unsqueeze(1)
        column = torch.arange(columns, device=images.device) + margin_columns - right.unsqueeze(1)
        exam = torch.arange(len(images), device=images.device)
        picked = padded[exam[:, None, None], :, row[:, :, None], column[:, None, :]]
        return picked.movedim(-1, 1)

    @staticmethod
    def _shift(drawn: Tensor, side: int) -> Tensor:
        largest = round(_LARGEST_SHIFT * side)
        # A draw just below 1 is 1 in single precision.
        return torch.floor(drawn * (2 * largest + 1)).long().clamp(max=2 * largest) - largest
