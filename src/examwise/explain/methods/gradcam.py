"""Grad-CAM of slices, by captum."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import torch
from captum.attr import LayerAttribution, LayerGradCam
from torch import Tensor, nn

from examwise.core.errors import InputError
from examwise.explain.explained_model import ExplainedModel
from examwise.explain.protocol import ImageMaps
from examwise.models.encoders.build import named_part


class GradCam:
    """Explains a slice's logit by the last maps of the encoder (Selvaraju et al., 2017).

    Maps are weighted by their mean gradients, summed, cut off below zero and enlarged to the
    slice's matrix bilinearly. An encoder whose features are also taken from earlier maps, as the
    slim network's are, is explained by the last ones alone; ``layer`` names others.

    Args:
        layer: Name of the encoder's part whose maps are taken; if empty the last one that is
            wider than one pixel.

    Raises:
        InputError: If the layer's name is no text.
    """

    def __init__(self, *, layer: str = "") -> None:
        if not isinstance(layer, str):
            raise InputError(where="layer", expected="the name of an encoder's part", got=layer)
        self.layer = layer

    def explain(self, model: ExplainedModel, pixels_hu: Tensor, background_hu: Tensor) -> ImageMaps:
        """Explain slices together; shapes as in the protocol.

        Raises:
            InputError: If the encoder has no such layer, or none that makes maps.
        """
        del background_hu
        images = model.images(pixels_hu).requires_grad_()
        layer = find_layer(named_part(model.module.encoder), model, images[:1], name=self.layer)
        found = LayerGradCam(model.logits_of_images, layer).attribute(
            images, relu_attributions=True
        )
        enlarged = LayerAttribution.interpolate(
            found.float(), tuple(images.shape[2:]), interpolate_mode="bilinear"
        )
        maps = enlarged[:, 0].detach().cpu().numpy()
        return ImageMaps(maps, np.ones(len(maps), np.int64))


def find_layer(
    encoder: nn.Module, model: ExplainedModel, images: Tensor, *, name: str
) -> nn.Module:
    """Return the part of an encoder that makes the last maps, or the one of a name.

    Args:
        encoder: From which names count.
        model: Whose encoder it is.
        images: Any, shape (n, channels, rows, columns): the parts' order shows when they work.
        name: Of a part; empty for the last that is used once and gives maps wider than a pixel.

    Raises:
        InputError: If there is none.
    """
    finished: list[tuple[str, bool]] = []

    def noting(part: str) -> Any:
        def note(_module: nn.Module, _inputs: object, output: object) -> None:
            wide = isinstance(output, Tensor) and output.dim() == 4 and min(output.shape[2:]) > 1
            finished.append((part, wide))

        return note

    parts = dict(encoder.named_modules())
    hooks = [module.register_forward_hook(noting(part)) for part, module in parts.items()]
    try:
        with torch.no_grad():
            model.logits_of_images(images)
    finally:
        for hook in hooks:
            hook.remove()
    uses = Counter(part for part, _ in finished)
    usable = [part for part, is_wide in finished if is_wide and uses[part] == 1]
    if not usable or (name and name not in usable):
        some = ", ".join(part for part in usable if part and part.count(".") < 2) or "none"
        raise InputError(
            where="layer of the encoder",
            expected="a part that makes maps of an image once" + (f" ({some})" if name else ""),
            got=name or "none",
            remedy="name another, or explain by another method",
        )
    return parts[name or usable[-1]]
