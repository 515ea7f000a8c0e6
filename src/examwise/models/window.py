"""HU to what an encoder sees, on the device."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
"""Of red, green and blue over ImageNet's training images; what published weights expect."""


class Window(nn.Module):
    """Maps windows of HU linearly to -1 … 1 and cuts off what lies outside.

    Args:
        windows: Center and width of each window, HU; a channel each.

    Example:
        >>> Window([(40.0, 80.0)])(torch.tensor([[[-1000, 0, 40, 60]]], dtype=torch.int16))
        tensor([[[[-1.0000, -1.0000,  0.0000,  0.5000]]]])
    """

    center_hu: Tensor
    width_hu: Tensor

    def __init__(self, windows: Sequence[tuple[float, float]]) -> None:
        super().__init__()
        centers, widths = zip(*windows, strict=True)
        self.register_buffer("center_hu", torch.tensor(centers, dtype=torch.float32))
        self.register_buffer("width_hu", torch.tensor(widths, dtype=torch.float32))

    def forward(self, pixels_hu: Tensor) -> Tensor:
        """Map HU, shape (N, rows, columns), to float32, shape (N, windows, rows, columns)."""
        center, width = self.center_hu.view(-1, 1, 1), self.width_hu.view(-1, 1, 1)
        scaled = (pixels_hu.float().unsqueeze(1) - center) * (2 / width)
        return scaled.clamp_(-1.0, 1.0)


class InputScale(nn.Module):
    """Maps -1 … 1 to the range and the channels that an encoder expects.

    Args:
        scale: ``"symmetric"``, ``"unit"`` or ``"imagenet"``, as
            :class:`~examwise.models.config.ModelConfig` says.
        n_channels: Channels of the result; one channel is repeated.

    Example:
        >>> InputScale("unit", n_channels=1)(torch.tensor([[[[-1.0, 0.0, 1.0]]]]))
        tensor([[[[0.0000, 0.5000, 1.0000]]]])
    """

    factor: Tensor
    offset: Tensor

    def __init__(self, scale: str, *, n_channels: int) -> None:
        super().__init__()
        self.n_channels = n_channels
        factor, offset = torch.ones(n_channels), torch.zeros(n_channels)
        if scale != "symmetric":
            factor, offset = factor * 0.5, offset + 0.5
        if scale == "imagenet":
            deviation = torch.tensor(_IMAGENET_DEVIATION)
            factor = factor / deviation
            offset = (offset - torch.tensor(_IMAGENET_MEAN)) / deviation
        self.register_buffer("factor", factor.view(-1, 1, 1), persistent=False)
        self.register_buffer("offset", offset.view(-1, 1, 1), persistent=False)
        self._is_identity = scale == "symmetric"

    def forward(self, images: Tensor) -> Tensor:
        """Map images, shape (N, 1 or n_channels, rows, columns), to n_channels."""
        repeated = images.expand(-1, self.n_channels, -1, -1)
        return repeated if self._is_identity else repeated * self.factor + self.offset
