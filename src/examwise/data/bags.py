"""A batch of bags, packed: all slices of all exams in one tensor, without padding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class BagBatch:
    """Exams, or some slices of each, with the labels that may be seen.

    Attributes:
        exam_ids: Exam of each bag; B bags.
        bag_sizes: Slices in each bag, int64, shape (B,); they sum to N.
        pixels_hu: HU, int16, shape (N, rows, columns), bag after bag.
        slice_index: Place of each slice in its exam, int64, shape (N,).
        relative_position: 0 lowest to 1 highest, float32, shape (N,).
        exam_labels: 1, 0 or NaN: not to be seen, float32, shape (B, F).
        slice_labels: 1, 0 or NaN: not to be seen, float32, shape (N, F).
        features: A frozen encoder's features of the slices, float32, shape (N, n_features); then
            ``pixels_hu`` has no slices.
        weights: How much each bag's labels count, float32, shape (B,); alike if None.
        step: The optimiser step that the batch, or the part of one, belongs to; -1 outside of
            training.
        step_units: How many labels all parts of that step have together, whichever process or
            turn they fall to: what sums of losses are divided by.
    """

    exam_ids: tuple[str, ...]
    bag_sizes: Tensor
    pixels_hu: Tensor
    slice_index: Tensor
    relative_position: Tensor
    exam_labels: Tensor
    slice_labels: Tensor
    features: Tensor | None = None
    weights: Tensor | None = None
    step: int = -1
    step_units: float = 0.0

    def to(self, device: torch.device | str, **options: Any) -> BagBatch:
        """Return the batch with its tensors on a device; towards a GPU without waiting for it."""
        if torch.device(device).type == "cuda":
            options.setdefault("non_blocking", True)
        return self._map(lambda tensor: tensor.to(device, **options))

    def pin_memory(self) -> BagBatch:
        """Return the batch with its tensors in page-locked memory, for asynchronous copies."""
        return self._map(lambda tensor: tensor.pin_memory())

    def _map(self, function: Callable[[Tensor], Tensor]) -> BagBatch:
        changed: dict[str, Any] = {
            each.name: function(value)
            for each in fields(self)
            if isinstance(value := getattr(self, each.name), Tensor)
        }
        return replace(self, **changed)
