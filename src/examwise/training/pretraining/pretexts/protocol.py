"""What a pretext is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from torch import Tensor, nn

from examwise.training.pretraining.network import PretextNetwork


@dataclass(frozen=True)
class PretextResult:
    """What one step came to.

    Attributes:
        loss: To be minimised, float32, shape ().
        score: How well the pretext is solved, 0 … 1, shape (); NaN where a step cannot tell.
    """

    loss: Tensor
    score: Tensor


class Pretext(Protocol):
    """A task that slices set by themselves.

    What is drawn is apart from what it is applied to, so that drawing runs beside reading, and
    applying on the device.
    """

    def make_head(self, encoder: nn.Module, *, in_channels: int) -> nn.Module:
        """Return what stands on the encoder while it is trained.

        Raises:
            InputError: If the encoder does not suit the pretext.
        """
        ...

    def draw(self, streams: Sequence[np.random.Generator]) -> Mapping[str, Tensor]:
        """Draw what happens to each of N slices from a stream of its own.

        Returns:
            Tensors on the CPU, shapes (N, …).
        """
        ...

    def evaluate(
        self, network: PretextNetwork, pixels_hu: Tensor, drawn: Mapping[str, Tensor]
    ) -> PretextResult:
        """Set the task and say how the network does.

        Args:
            network: Encoder and head.
            pixels_hu: HU, int16, shape (N, rows, columns).
            drawn: What :meth:`draw` returned, on the device.
        """
        ...


@runtime_checkable
class ScoringPretext(Protocol):
    """A pretext that says of an untouched slice how much there is in it of what it looks for."""

    def slice_scores(self, network: PretextNetwork, pixels_hu: Tensor) -> Tensor:
        """Map HU, int16, shape (N, rows, columns), to scores, float32, shape (N,)."""
        ...
