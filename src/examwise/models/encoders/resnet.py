"""Residual networks (He et al., 2016), by MONAI.

With frozen batch norms, width 64 and three channels they have the tensors of torchvision's
networks less the last layer, by the same names, and compute the same.
"""

from __future__ import annotations

from monai.networks.nets.resnet import ResNet
from torch import Tensor

from examwise.models.encoders.norms import GROUP, replace_batch_norms

_EXPANSION = {"basic": 1, "bottleneck": 4}


class ResNetEncoder(ResNet):
    """A 2-D residual network up to the global average.

    Where the published networks normalise over the batch, these normalise over groups of channels
    (Wu and He, 2018) or by stored statistics: exams packed into one batch must not influence each
    other.

    Args:
        layers: Blocks in each of the four stages.
        block: ``"basic"`` or ``"bottleneck"``; the latter's stride is in its 3 × 3 convolution, as
            in torchvision, not in its first, as in the paper.
        width: Channels of the first stage's blocks; doubled from stage to stage.
        in_channels: Channels of the images.
        norm: One of :data:`examwise.models.encoders.norms.NORMS`.

    Attributes:
        n_features: Eight times the width, 32 times with bottlenecks.
    """

    def __init__(
        self,
        layers: tuple[int, int, int, int],
        *,
        block: str = "basic",
        width: int,
        in_channels: int,
        norm: str = GROUP,
    ) -> None:
        super().__init__(
            block=block,
            layers=list(layers),
            block_inplanes=[width, 2 * width, 4 * width, 8 * width],
            spatial_dims=2,
            n_input_channels=in_channels,
            conv1_t_size=7,
            conv1_t_stride=2,
            feed_forward=False,
            bias_downsample=False,
        )
        self.n_features = 8 * width * _EXPANSION[block]
        # MONAI's ``norm`` argument reaches the first layer only.
        replace_batch_norms(self, norm=norm)

    def forward(self, images: Tensor) -> Tensor:
        """Map float32, shape (N, in_channels, rows, columns), to shape (N, n_features)."""
        return super().forward(images).float()


def resnet10(*, width: int, in_channels: int, norm: str = GROUP) -> ResNetEncoder:
    """Return a ResNet-10: one basic block a stage."""
    return ResNetEncoder((1, 1, 1, 1), width=width, in_channels=in_channels, norm=norm)


def resnet18(*, width: int, in_channels: int, norm: str = GROUP) -> ResNetEncoder:
    """Return a ResNet-18: two basic blocks a stage."""
    return ResNetEncoder((2, 2, 2, 2), width=width, in_channels=in_channels, norm=norm)


def resnet34(*, width: int, in_channels: int, norm: str = GROUP) -> ResNetEncoder:
    """Return a ResNet-34: 16 basic blocks."""
    return ResNetEncoder((3, 4, 6, 3), width=width, in_channels=in_channels, norm=norm)


def resnet50(*, width: int, in_channels: int, norm: str = GROUP) -> ResNetEncoder:
    """Return a ResNet-50: 16 bottleneck blocks."""
    return ResNetEncoder(
        (3, 4, 6, 3), block="bottleneck", width=width, in_channels=in_channels, norm=norm
    )
