"""Integrated gradients of slices, by captum."""

from __future__ import annotations

import numpy as np
from captum.attr import IntegratedGradients as CaptumIntegratedGradients
from torch import Tensor

from examwise.core.errors import InputError
from examwise.explain.explained_model import ExplainedModel
from examwise.explain.protocol import ImageMaps

_MOST_PIXELS = 2**23
"""At a time: gradients keep some 250 bytes of each."""


class IntegratedGradients:
    """Explains a slice's logit by its gradients on the way from the background to the slice.

    After Sundararajan et al. (2017), by Gauss and Legendre's rule; channels are summed. A map
    sums to the slice's logit less the background's, as nearly as the steps allow. The way leads
    through what the encoder is shown, not through HU, where most of it would lie outside the
    window.

    Args:
        n_steps: Images on the way, each taken forward and backward.
        batch_images: Images at a time, fewer where they are large.

    Raises:
        InputError: If one is below 1.
    """

    def __init__(self, *, n_steps: int = 32, batch_images: int = 64) -> None:
        for name, count in (("n_steps", n_steps), ("batch_images", batch_images)):
            if count < 1:
                raise InputError(where=name, expected="1 or more", got=count)
        self.n_steps = n_steps
        self.batch_images = batch_images

    def explain(self, model: ExplainedModel, pixels_hu: Tensor, background_hu: Tensor) -> ImageMaps:
        """Explain slices together; shapes as in the protocol."""
        images = model.images(pixels_hu).requires_grad_()
        at_once = min(self.batch_images, _MOST_PIXELS // images[0, 0].numel())
        background = model.images(background_hu[None]).expand_as(images)
        found = CaptumIntegratedGradients(model.logits_of_images).attribute(
            images,
            baselines=background,
            n_steps=self.n_steps,
            internal_batch_size=max(at_once, len(images)),
        )
        maps = found.sum(dim=1).detach().float().cpu().numpy()
        return ImageMaps(maps, np.full(len(maps), self.n_steps, np.int64))
