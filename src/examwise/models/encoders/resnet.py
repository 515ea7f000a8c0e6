"""Residual networks (He et al., 2016), by MONAI, with group norms.

Where the published networks normalise over the batch, these normalise over groups of channels
(Wu and He, 2018): exams packed into one batch must not influence each other.
"""

from __future__ import annotations

from monai.networks.nets.resnet import ResNet
from torch import Tensor, nn

_CHANNELS_PER_GROUP = 8


class ResNetEncoder(nn.Module):
    """A 2-D residual network of basic blocks, up to the global average.

    Args:
        layers: Blocks in each of the four stages.
        width: Channels of the first stage; doubled from stage to stage.
        in_channels: Channels of the images.

    Attributes:
        n_features: Eight times the width.
    """

    def __init__(self, layers: tuple[int, int, int, int], *, width: int, in_channels: int) -> None:
        super().__init__()
        self.n_features = 8 * width
        self.network = ResNet(
            block="basic",
            layers=list(layers),
            block_inplanes=[width, 2 * width, 4 * width, 8 * width],
            spatial_dims=2,
            n_input_channels=in_channels,
            conv1_t_size=7,
            conv1_t_stride=2,
            feed_forward=False,
            bias_downsample=False,
        )
        # MONAI's ``norm`` argument reaches the first layer only.
        _replace_batch_norms(self.network)

    def forward(self, images: Tensor) -> Tensor:
        """Map float32, shape (N, in_channels, rows, columns), to shape (N, n_features)."""
        return self.network(images)


def resnet10(*, width: int, in_channels: int) -> ResNetEncoder:
    """Return a ResNet-10: one block a stage."""
    return ResNetEncoder((1, 1, 1, 1), width=width, in_channels=in_channels)


def resnet18(*, width: int, in_channels: int) -> ResNetEncoder:
    """Return a ResNet-18: two blocks a stage."""
    return ResNetEncoder((2, 2, 2, 2), width=width, in_channels=in_channels)


def _replace_batch_norms(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            channels = child.num_features
            setattr(module, name, nn.GroupNorm(_groups(channels), channels))
        else:
            _replace_batch_norms(child)


def _groups(channels: int) -> int:
    # A group of one channel would be an instance norm, which takes a channel's mean away and with
    # it most of what tells bright from dark.
    wanted = max(1, channels // _CHANNELS_PER_GROUP)
    return next(groups for groups in range(wanted, 0, -1) if channels % groups == 0)
