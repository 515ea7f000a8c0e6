"""What pretraining trains: HU to images, an encoder, and the head that a pretext puts on it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from examwise.models.encoders.build import named_part
from examwise.models.window import InputScale, Window
from examwise.training.pretraining.config import EncoderConfig


class PretextNetwork(nn.Module):
    """An encoder with what stands before and behind it.

    Args:
        config: What the encoder sees.
        encoder: The encoder.
        head: The pretext's.
    """

    def __init__(self, config: EncoderConfig, encoder: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.window = Window(config.windows)
        self.scale = InputScale(config.input_scale, n_channels=len(config.windows))
        self.encoder = encoder
        self.head = head
        self._memory_format = torch.contiguous_format

    def lay_out(self, memory_format: torch.memory_format) -> PretextNetwork:
        """Lay weights and images out in memory in a way; return the network itself."""
        self._memory_format = memory_format
        for parameter in self.parameters():
            if parameter.dim() == 4:
                parameter.data = parameter.data.contiguous(memory_format=memory_format)
        return self

    def images(self, pixels_hu: Tensor) -> Tensor:
        """Map HU, shape (N, rows, columns), to images, (N, windows, rows, columns)."""
        images: Tensor = self.scale(self.window(pixels_hu))
        return images.contiguous(memory_format=self._memory_format)

    def maps(self, images: Tensor) -> list[Tensor]:
        """Return the maps of the encoder's stages, the finest first."""
        return encoder_maps(self.encoder, images)


def gives_maps(encoder: nn.Module) -> bool:
    """Tell whether an encoder has a method ``maps`` that returns the maps of its stages."""
    return callable(getattr(named_part(encoder), "maps", None))


def encoder_maps(encoder: nn.Module, images: Tensor) -> list[Tensor]:
    """Return the maps of an encoder that :func:`gives_maps`, the finest first."""
    network: Any = named_part(encoder)
    return list(network.maps(images))
