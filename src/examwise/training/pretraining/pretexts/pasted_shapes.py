"""Finding, pixel by pixel, smooth random shapes pasted into slices.

A relative of CutPaste (Li et al., 2021) and of foreign patch interpolation (Tan et al., 2020) for
densities: nothing is taken from elsewhere, a smooth amount is added or taken away within tissue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from examwise.training.pretraining.decoder import TopDownDecoder, map_channels
from examwise.training.pretraining.network import PretextNetwork
from examwise.training.pretraining.pretexts.protocol import PretextResult
from examwise.training.pretraining.pretexts.shapes import ShapeConfig, draw_shapes, paste_shapes
from examwise.training.pretraining.separation import separation

_DICE_WEIGHT = 0.5
_LARGEST_GAIN_CHANGE = 0.1


class PastedShapes:
    """The pretext of finding pasted shapes.

    The loss is the cross-entropy of pixels, a shape's counting ``positive_weight`` times, and
    half the slices' mean Dice loss; the score is the AUC with which the highest pixel tells
    slices with a shape from those without. Slices are mirrored left to right half the time.

    Args:
        decoder_channels: Channels of the decoder.
        positive_weight: How much a pixel of a shape counts.
        **shapes: Options of :class:`~examwise.training.pretraining.pretexts.shapes.ShapeConfig`.

    Raises:
        InputError: If an option of the shapes is out of range.
        TypeError: On an unknown option.
    """

    def __init__(
        self,
        *,
        decoder_channels: int = 24,
        positive_weight: float = 3.0,
        **shapes: Any,
    ) -> None:
        self._decoder_channels = decoder_channels
        self._positive_weight = positive_weight
        self.shapes = ShapeConfig(**shapes)

    def make_head(self, encoder: nn.Module, *, in_channels: int) -> nn.Module:
        """Return a top-down decoder for the encoder's maps.

        Raises:
            InputError: If the encoder gives no maps.
        """
        channels = map_channels(encoder, in_channels=in_channels)
        return TopDownDecoder(channels, channels=self._decoder_channels)

    def draw(self, streams: Sequence[np.random.Generator]) -> Mapping[str, Tensor]:
        """Draw a shape, a mirroring and a gain for each slice."""
        whole = np.stack([stream.random(2, np.float32) for stream in streams])
        return {**draw_shapes(streams), "whole": torch.from_numpy(whole)}

    def evaluate(
        self, network: PretextNetwork, pixels_hu: Tensor, drawn: Mapping[str, Tensor]
    ) -> PretextResult:
        """Paste, and say how well the network finds."""
        mirrored = (drawn["whole"][:, 0] < 0.5).view(-1, 1, 1)
        pixels = torch.where(mirrored, pixels_hu.flip(-1), pixels_hu)
        pasted, is_shape = paste_shapes(pixels, drawn, self.shapes)
        gain = 1 + _LARGEST_GAIN_CHANGE * (2 * drawn["whole"][:, 1] - 1)
        images = network.images(pasted) * gain.view(-1, 1, 1, 1)
        logits = network.head(network.maps(images)).float()
        # A shape smaller than a pixel of the map is in it all the same.
        target = F.adaptive_max_pool2d(is_shape.float().unsqueeze(1), logits.shape[-2:])
        return PretextResult(
            self._loss(logits, target),
            separation(logits.detach().amax((1, 2, 3)), target.amax((1, 2, 3)) > 0),
        )

    def slice_scores(self, network: PretextNetwork, pixels_hu: Tensor) -> Tensor:
        """Return the highest probability of a slice's map, smoothed over 3 × 3 pixels."""
        maps = network.maps(network.images(pixels_hu))
        probability = network.head(maps).float().sigmoid()
        return F.avg_pool2d(probability, 3, stride=1, padding=1).amax((1, 2, 3))

    def _loss(self, logits: Tensor, target: Tensor) -> Tensor:
        weight = torch.tensor(self._positive_weight, device=logits.device)
        entropy = F.binary_cross_entropy_with_logits(logits, target, pos_weight=weight)
        probability = logits.sigmoid()
        common = (probability * target).sum((1, 2, 3))
        both = (probability + target).sum((1, 2, 3))
        dice = 1 - (2 * common + 1) / (both + 1)
        return entropy + _DICE_WEIGHT * dice.mean()
