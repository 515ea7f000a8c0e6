"""A small top-down decoder: from the maps of an encoder's stages to one map."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from examwise.core.errors import InputError
from examwise.training.pretraining.network import encoder_maps, gives_maps

_PROBE_SIDE = 64


class TopDownDecoder(nn.Module):
    """A feature pyramid (Lin et al., 2017) that ends in logits at its finest stage.

    From the coarsest stage on, maps are enlarged to the next finer stage's size and added to that
    stage's own, both with few channels.

    Args:
        map_channels: Channels of the encoder's maps, the finest first.
        channels: Channels within.

    Example:
        >>> decoder = TopDownDecoder([8, 16], channels=4)
        >>> decoder([torch.zeros(1, 8, 32, 32), torch.zeros(1, 16, 16, 16)]).shape
        torch.Size([1, 1, 32, 32])
    """

    def __init__(self, map_channels: Sequence[int], *, channels: int) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(before, channels, 1) for before in map_channels)
        self.smooth = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(channels, channels, 3, padding=1),
                nn.GroupNorm(_groups(channels), channels),
                nn.ReLU(inplace=True),
            )
            for _ in map_channels[:-1]
        )
        self.logits = nn.Conv2d(channels, 1, 1)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Map the stages' maps, the finest first, to logits, shape (N, 1, rows, columns)."""
        current = self.lateral[-1](maps[-1])
        for stage in range(len(maps) - 2, -1, -1):
            finer = self.lateral[stage](maps[stage])
            current = F.interpolate(current, size=finer.shape[-2:], mode="nearest") + finer
            current = self.smooth[stage](current)
        return self.logits(current)


def map_channels(encoder: nn.Module, *, in_channels: int) -> list[int]:
    """Return the channels of an encoder's maps, the finest first.

    Args:
        encoder: With a method ``maps(images)`` that returns the maps of its stages.
        in_channels: Channels of its images.

    Raises:
        InputError: If it has no such method, or its maps do not go from fine to coarse.
    """
    if not gives_maps(encoder):
        raise InputError(
            where="encoder to be pretrained",
            expected="one that gives maps of its stages (slim_resnet18 does)",
            got="one without a method maps",
            remedy="choose another encoder, or a pretext that needs none "
            "(--pretraining.pretext contrastive)",
        )
    with torch.no_grad():
        probe = torch.zeros(1, in_channels, _PROBE_SIDE, _PROBE_SIDE)
        maps = encoder_maps(encoder, probe)
    sides = [found.shape[-1] for found in maps]
    if not sides or sides != sorted(sides, reverse=True):
        raise InputError(
            where="maps of the encoder to be pretrained",
            expected="at least one, the finest first",
            got=f"sides of {', '.join(map(str, sides)) or 'none'}",
        )
    return [int(found.shape[1]) for found in maps]


def _groups(channels: int) -> int:
    wanted = max(1, channels // 4)
    return next(groups for groups in range(min(8, wanted), 0, -1) if channels % groups == 0)
