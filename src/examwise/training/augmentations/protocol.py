"""What an augmentation is: on the device, drawn and then applied; on the host, in one go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
from torch import Tensor

from examwise.models.exam_classifier import ImageTransform


class Augmentation(Protocol):
    """Draws what is to happen to a batch's images; nothing is done to them yet."""

    def draw(
        self,
        exam_ids: Sequence[str],
        bag_sizes: Tensor,
        *,
        seed: int,
        step: int,
        slice_index: Tensor | None = None,
    ) -> ImageTransform:
        """Draw parameters for packed bags.

        What happens to a slice is a function of seed, step, exam and the slice's index alone:
        neither the bags beside it nor the chunk it comes in change it.

        Args:
            exam_ids: Exam of each bag.
            bag_sizes: Slices in each bag, int64, shape (B,); they sum to N.
            seed: The run's seed.
            step: The optimiser step.
            slice_index: Place of each slice in its exam, int64, shape (N,); its place in the bag if
                None. With it, slices of one exam that are read in several parts of a step get what
                they would in one.
        """
        ...


class HostAugmentation(Protocol):
    """Changes an exam's slices in the loader."""

    def __call__(
        self,
        pixels_hu: npt.NDArray[np.int16],
        *,
        generator: np.random.Generator,
        window_center_hu: float,
        window_width_hu: float,
        slice_index: npt.NDArray[np.int64] | None = None,
    ) -> npt.NDArray[np.float32]:
        """Return slices changed at random, HU, shape (slices, rows, columns).

        Args:
            pixels_hu: HU, shape (slices, rows, columns).
            generator: What all randomness comes from; the global generators stay as they are.
            window_center_hu: Center of the window within which values are changed.
            window_width_hu: Its width.
            slice_index: Place of each slice in its exam; its place among these slices if None.
        """
        ...
