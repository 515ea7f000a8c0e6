"""The convolutions of LeNet-5, as an encoder that a class path names: ``mnist_lenet:LeNet``."""

from __future__ import annotations

from torch import Tensor, nn


class LeNet(nn.Module):
    """Two convolutions of 5 × 5, each with a maximum over 2 × 2.

    The fully connected layer of 500 units that follows in Ilse, Tomczak and Welling (2018) is the
    classifier's embedding layer (``--model.embedding 500 --model.activation relu``).

    Args:
        in_channels: Channels of the images, which are 28 × 28.

    Attributes:
        n_features: 50 maps of 4 × 4.
    """

    n_features = 50 * 4 * 4

    def __init__(self, *, in_channels: int = 1) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels, 20, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(20, 50, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Map float32, shape (N, in_channels, 28, 28), to shape (N, 800)."""
        return self.layers(images)
