"""Images as they are."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from examwise.models.exam_classifier import ImageTransform


class NoAugmentation:
    """Changes nothing."""

    def draw(
        self,
        exam_ids: Sequence[str],
        bag_sizes: Tensor,
        *,
        seed: int,
        step: int,
        slice_index: Tensor | None = None,
    ) -> ImageTransform:
        """Return the transform that returns its images."""
        del exam_ids, bag_sizes, seed, step, slice_index
        return _same


def _same(images: Tensor, rows: slice) -> Tensor:
    del rows
    return images
