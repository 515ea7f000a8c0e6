"""An efficient network (Tan and Le, 2019), by MONAI."""

from __future__ import annotations

from monai.networks.nets.efficientnet import EfficientNet
from torch import Tensor, nn

from examwise.models.encoders.norms import GROUP, replace_batch_norms

_PUBLISHED_WIDTH = 64
_BLOCKS = (
    "r1_k3_s11_e1_i32_o16_se0.25",
    "r2_k3_s22_e6_i16_o24_se0.25",
    "r2_k5_s22_e6_i24_o40_se0.25",
    "r3_k3_s22_e6_i40_o80_se0.25",
    "r3_k5_s11_e6_i80_o112_se0.25",
    "r4_k5_s22_e6_i112_o192_se0.25",
    "r1_k3_s11_e6_i192_o320_se0.25",
)
"""Table 1 of the paper: repeats, kernel, stride, expansion, channels in and out, squeezing."""


class EfficientNetB0(EfficientNet):
    """EfficientNet-B0 in 2-D up to the global average, with norms that keep slices apart.

    Differs from the paper in training: no block is skipped at random and no feature dropped, since
    both would draw from global state; the classifier has a dropout of its own.

    Args:
        width: 64 is the published network; others have channels in proportion, in multiples of 8.
        in_channels: Channels of the images.
        norm: One of :data:`examwise.models.encoders.norms.NORMS`.

    Attributes:
        n_features: 1,280 at the published width.
    """

    def __init__(self, *, width: int, in_channels: int, norm: str = GROUP) -> None:
        super().__init__(
            blocks_args_str=list(_BLOCKS),
            spatial_dims=2,
            in_channels=in_channels,
            num_classes=1,
            width_coefficient=width / _PUBLISHED_WIDTH,
            dropout_rate=0.0,
            drop_connect_rate=0.0,
        )
        self.n_features = self._fc.in_features
        self.add_module("_fc", nn.Identity())
        replace_batch_norms(self, norm=norm)

    def forward(self, images: Tensor) -> Tensor:
        """Map float32, shape (N, in_channels, rows, columns), to shape (N, n_features)."""
        return super().forward(images).float()
