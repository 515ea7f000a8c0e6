from __future__ import annotations

import numpy as np
import torch

from examwise.explain.hshap.masked_images import MaskedImages
from examwise.explain.hshap.quadrants import quadrants


def test_images_are_masked_as_by_hand_and_in_batches_of_their_size():
    stream = np.random.default_rng(0)
    images = torch.from_numpy(stream.normal(size=(3, 2, 6, 9)))
    background = torch.from_numpy(stream.normal(size=(2, 6, 9)))
    n = 50
    ends = [np.sort(stream.integers(0, side + 1, (n, 2)), 1) for side in (6, 9)]
    boxes = np.concatenate(ends, 1)
    shifts = stream.integers(0, (6, 9), (n, 2))
    rows, coalitions = stream.integers(0, 3, n), stream.integers(0, 16, n)
    masked = MaskedImages(images, background)
    batches = list(masked.batches(boxes, shifts, rows, coalitions, size=16))
    assert [len(batch) for batch in batches] == [16, 16, 16, 2]
    for found, box, shift, row, coalition in zip(
        torch.cat(batches), boxes, shifts, rows, coalitions, strict=True
    ):
        kept = np.zeros((6, 9), bool)
        for quadrant, (top, bottom, left, right) in enumerate(quadrants(box[None])[0]):
            kept[top:bottom, left:right] = bool(coalition >> quadrant & 1)
        kept = np.roll(kept, tuple(shift), (0, 1))
        assert (found.numpy() == np.where(kept, images[row], background)).all()
