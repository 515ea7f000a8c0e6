"""A slim residual network for small lesions in large matrices, cheap enough for a CPU."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from examwise.models.encoders.norms import GROUP, make_norm

_STRIDES = (1, 2, 2, 2)
_STAGES_POOLED = 3


class SlimResNet(nn.Module):
    """A residual network that pools late and keeps the brightest as well as the mean.

    Basic blocks after He et al. (2016), two a stage, with group norms. The stem (5 × 5, stride 2)
    has no max-pooling behind it, so that lesions of few pixels reach the first stage; features
    are the global mean and the global maximum of the last three stages' maps, since a small
    lesion's part in a mean is small.

    Args:
        width: Channels of the first stage; doubled from stage to stage. 16 is meant.
        in_channels: Channels of the images.
        norm: One of :data:`examwise.models.encoders.norms.NORMS`.

    Attributes:
        n_features: 28 times the width.

    Example:
        >>> encoder = SlimResNet(width=16, in_channels=1)
        >>> [tuple(maps.shape[1:]) for maps in encoder.maps(torch.zeros(2, 1, 64, 64))]
        [(16, 32, 32), (32, 16, 16), (64, 8, 8), (128, 4, 4)]
        >>> encoder(torch.zeros(2, 1, 64, 64)).shape
        torch.Size([2, 448])
    """

    def __init__(self, *, width: int, in_channels: int, norm: str = GROUP) -> None:
        super().__init__()
        channels = [width, 2 * width, 4 * width, 8 * width]
        self.n_features = 2 * sum(channels[-_STAGES_POOLED:])
        self.stem = nn.Sequential(
            nn.Conv2d(in_channels, width, 5, stride=2, padding=2, bias=False),
            make_norm(norm, width),
            nn.ReLU(inplace=True),
        )
        self.stages = nn.ModuleList(
            nn.Sequential(
                _BasicBlock(before, after, stride=stride, norm=norm),
                _BasicBlock(after, after, stride=1, norm=norm),
            )
            for before, after, stride in zip(
                [width, *channels[:-1]], channels, _STRIDES, strict=True
            )
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def maps(self, images: Tensor) -> list[Tensor]:
        """Return the four stages' maps.

        Args:
            images: Float32, shape (N, in_channels, rows, columns).

        Returns:
            Maps of shapes (N, width · 2**stage, rows / 2**(stage + 1), columns / 2**(stage + 1)),
            sides rounded up.
        """
        current = self.stem(images)
        result = []
        for stage in self.stages:
            current = stage(current)
            result.append(current)
        return result

    def forward(self, images: Tensor) -> Tensor:
        """Map float32, shape (N, in_channels, rows, columns), to shape (N, n_features)."""
        last = self.maps(images)[-_STAGES_POOLED:]
        means = [maps.mean(dim=(2, 3)) for maps in last]
        maxima = [maps.amax(dim=(2, 3)) for maps in last]
        return torch.cat([*means, *maxima], dim=1).float()


class _BasicBlock(nn.Module):
    def __init__(self, before: int, after: int, *, stride: int, norm: str) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
        self.norm1 = make_norm(norm, after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.norm2 = make_norm(norm, after)
        self.relu = nn.ReLU(inplace=True)
        self.shortcut: nn.Module = (
            nn.Identity()
            if stride == 1 and before == after
            else nn.Sequential(
                nn.Conv2d(before, after, 1, stride=stride, bias=False), make_norm(norm, after)
            )
        )

    def forward(self, maps: Tensor) -> Tensor:
        inner = self.norm2(self.conv2(self.relu(self.norm1(self.conv1(maps)))))
        return self.relu(inner + self.shortcut(maps))
