"""HU to what an encoder sees, on the device."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Window(nn.Module):
    """Maps a window of HU linearly to -1 … 1 and cuts off what lies outside.

    Args:
        center_hu: Window center.
        width_hu: Window width.

    Example:
        >>> Window(40.0, 80.0)(torch.tensor([[[-1000, 0, 40, 60]]], dtype=torch.int16))
        tensor([[[[-1.0000, -1.0000,  0.0000,  0.5000]]]])
    """

    center_hu: Tensor
    width_hu: Tensor

    def __init__(self, center_hu: float, width_hu: float) -> None:
        super().__init__()
        self.register_buffer("center_hu", torch.tensor(float(center_hu)))
        self.register_buffer("width_hu", torch.tensor(float(width_hu)))

    def forward(self, pixels_hu: Tensor) -> Tensor:
        """Map HU, shape (N, rows, columns), to float32, shape (N, 1, rows, columns)."""
        scaled = (pixels_hu.float() - self.center_hu) * (2 / self.width_hu)
        return scaled.clamp(-1.0, 1.0).unsqueeze(1)
