"""Telling two views of one slice from those of all others (SimCLR; Chen et al., 2020).

Differs in what views are made of: cut-outs, mirroring and changes of gain and density that a CT
slice can have, no colours and no blurring.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from examwise.core.errors import InputError
from examwise.training.pretraining.network import PretextNetwork
from examwise.training.pretraining.pretexts.protocol import PretextResult

_NUMBERS = ("scale", "right", "down", "mirror", "gain", "shift")
_LARGEST_GAIN_CHANGE = 0.2
_LARGEST_SHIFT = 0.1


class Contrastive:
    """The pretext of finding the other view of a slice among those of a step.

    The loss is the normalised temperature-scaled cross-entropy over all views; the score is the
    share of views whose nearest is the other one of their slice. Any encoder will do; what it
    learns is what tells slices apart, which need not be small.

    Args:
        temperature: By which cosine similarities are divided.
        projection: Features in which views are compared.
        smallest_cut: Least side of a view, as a share of the slice's.

    Raises:
        InputError: On a value out of range.
        TypeError: On an unknown option.
    """

    def __init__(
        self, *, temperature: float = 0.2, projection: int = 64, smallest_cut: float = 0.6
    ) -> None:
        for name, value, valid in (
            ("temperature", temperature, temperature > 0),
            ("projection", projection, projection >= 1),
            ("smallest_cut", smallest_cut, 0 < smallest_cut <= 1),
        ):
            if not valid:
                raise InputError(
                    where=f"pretext option {name}", expected="a number in its range", got=value
                )
        self._temperature = temperature
        self._projection = projection
        self._smallest_cut = smallest_cut

    def make_head(self, encoder: nn.Module, *, in_channels: int) -> nn.Module:
        """Return a projection of the encoder's features."""
        del in_channels
        n_features = int(encoder.n_features)  # type: ignore[arg-type]  # an Encoder's, a number
        return nn.Sequential(
            # What all views have in common is large; without this they may all fall on one point.
            nn.LayerNorm(n_features),
            nn.Linear(n_features, n_features),
            nn.ReLU(inplace=True),
            nn.Linear(n_features, self._projection),
        )

    def draw(self, streams: Sequence[np.random.Generator]) -> Mapping[str, Tensor]:
        """Draw two views of each slice, shape (N, 2, 6)."""
        shape = (2, len(_NUMBERS))
        views = np.stack([stream.random(shape, np.float32) for stream in streams])
        return {"views": torch.from_numpy(views)}

    def evaluate(
        self, network: PretextNetwork, pixels_hu: Tensor, drawn: Mapping[str, Tensor]
    ) -> PretextResult:
        """Make the views, and say how well they find each other."""
        images = network.images(pixels_hu)
        views = torch.cat([self._view(images, drawn["views"][:, side]) for side in (0, 1)])
        projected = F.normalize(network.head(network.encoder(views)).float(), dim=1)
        similarity = projected @ projected.T / self._temperature
        own = torch.eye(len(views), dtype=torch.bool, device=views.device)
        similarity = similarity.masked_fill(own, float("-inf"))
        other = torch.arange(len(views), device=views.device).roll(len(images))
        score = (similarity.detach().argmax(1) == other).float().mean()
        return PretextResult(F.cross_entropy(similarity, other), score)

    def _view(self, images: Tensor, numbers: Tensor) -> Tensor:
        drawn = dict(zip(_NUMBERS, numbers.unbind(1), strict=True))
        scale = self._smallest_cut + (1 - self._smallest_cut) * drawn["scale"]
        mirror = torch.where(drawn["mirror"] < 0.5, -1.0, 1.0)
        nothing = torch.zeros_like(scale)
        # Where a cut of this scale may lie so that none of it is outside of the slice.
        right, down = ((2 * drawn[name] - 1) * (1 - scale) for name in ("right", "down"))
        matrix = torch.stack([scale * mirror, nothing, right, nothing, scale, down], dim=1)
        grid = F.affine_grid(matrix.view(-1, 2, 3), list(images.shape), align_corners=False)
        cut = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
        gain = 1 + _LARGEST_GAIN_CHANGE * (2 * drawn["gain"] - 1)
        shift = _LARGEST_SHIFT * (2 * drawn["shift"] - 1)
        return cut * gain.view(-1, 1, 1, 1) + shift.view(-1, 1, 1, 1)
