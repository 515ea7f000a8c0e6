"""Networks from outside, made to keep slices apart and to return features."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from examwise.core.errors import InputError
from examwise.models.encoders.norms import FROZEN_BATCH

_PROBE_SIDE = 64
_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


class WrappedEncoder(nn.Module):
    """A network whose output's spatial dimensions, if any, are averaged.

    Norms over the batch keep to their stored statistics, in training too.

    Args:
        network: Maps images, (N, in_channels, rows, columns), to (N, n_features) or
            (N, n_features, …).
        in_channels: Channels of the images.
        norm: One of :data:`examwise.models.encoders.norms.NORMS`.
        where: What the network is given by, for messages.

    Attributes:
        network: The network; names of its parts and tensors count from here.
        n_features: The network's attribute of this name, or else what it makes of an image of
            64 × 64 pixels.

    Raises:
        InputError: If the network normalises over the batch where ``norm`` is another, or does
            not return features of images.
    """

    def __init__(self, network: nn.Module, *, in_channels: int, norm: str, where: str) -> None:
        super().__init__()
        _require_apart(network, norm=norm, where=where)
        self.network = network
        self._where = where
        found = getattr(network, "n_features", None)
        self.n_features = found if isinstance(found, int) else self._probe(in_channels)
        self.train()

    def train(self, mode: bool = True) -> WrappedEncoder:
        """Set the mode of all parts but norms over the batch, which stay in evaluation mode."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, _BATCH_NORMS):
                module.eval()
        return self

    def forward(self, images: Tensor) -> Tensor:
        """Map float32, shape (N, in_channels, rows, columns), to shape (N, n_features)."""
        features = self._average(self.network(images), n_images=len(images))
        if features.shape[1] != self.n_features:
            raise self._refusal(
                f"{self.n_features} features of an image, as its n_features says",
                str(features.shape[1]),
            )
        return features.float()

    def _average(self, output: object, *, n_images: int) -> Tensor:
        if not isinstance(output, Tensor):
            raise self._refusal("a tensor of features", type(output).__name__)
        if output.ndim < 2 or len(output) != n_images:
            raise self._refusal(
                f"features of shape ({n_images}, n_features, …)", f"shape {tuple(output.shape)}"
            )
        return output.flatten(2).mean(dim=2) if output.ndim > 2 else output

    def _probe(self, in_channels: int) -> int:
        image = torch.zeros(1, in_channels, _PROBE_SIDE, _PROBE_SIDE)
        self.eval()
        try:
            with torch.no_grad():
                output = self.network(image)
        except Exception as error:
            raise InputError(
                where=self._where,
                expected=f"features of an image of shape {tuple(image.shape)}",
                got=f"{type(error).__name__}: {error}",
                remedy="give the class an attribute n_features, or another number of channels",
            ) from error
        return self._average(output, n_images=1).shape[1]

    def _refusal(self, expected: str, got: str) -> InputError:
        return InputError(where=self._where, expected=expected, got=got)


def _require_apart(network: nn.Module, *, norm: str, where: str) -> None:
    for name, module in network.named_modules():
        if not isinstance(module, _BATCH_NORMS):
            continue
        if norm != FROZEN_BATCH:
            raise InputError(
                where=f"{where}, part {name}",
                expected="a norm that keeps slices apart",
                got=type(module).__name__,
                remedy="use group norms, or set model.norm=frozen_batch: stored means and "
                "variances then take the place of the batch's",
            )
        if module.running_mean is None:
            raise InputError(
                where=f"{where}, part {name}",
                expected="stored means and variances",
                got="a norm that does not track them",
            )
