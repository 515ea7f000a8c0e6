"""A densely connected network (Huang et al., 2017), by MONAI."""

from __future__ import annotations

from monai.networks.nets.densenet import DenseNet
from torch import Tensor, nn

from examwise.models.encoders.norms import GROUP, replace_batch_norms


class DenseNet121(DenseNet):
    """DenseNet-121 in 2-D up to the global average, with norms that keep slices apart.

    Args:
        width: Channels after the first convolution; each layer adds half as many. 64 is published.
        in_channels: Channels of the images.
        norm: One of :data:`examwise.models.encoders.norms.NORMS`.

    Attributes:
        n_features: 16 times the width, and less by rounding where that is odd.
    """

    def __init__(self, *, width: int, in_channels: int, norm: str = GROUP) -> None:
        super().__init__(
            spatial_dims=2,
            in_channels=in_channels,
            out_channels=1,
            init_features=width,
            growth_rate=max(1, width // 2),
            block_config=(6, 12, 24, 16),
        )
        self.n_features = self.class_layers.get_parameter("out.weight").shape[1]
        self.class_layers.add_module("out", nn.Identity())
        replace_batch_norms(self, norm=norm)

    def forward(self, images: Tensor) -> Tensor:
        """Map float32, shape (N, in_channels, rows, columns), to shape (N, n_features)."""
        return super().forward(images).float()
