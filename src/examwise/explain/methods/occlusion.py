"""Occlusion of slices, by captum."""

from __future__ import annotations

import math

import numpy as np
import torch
from captum.attr import Occlusion as CaptumOcclusion
from torch import Tensor

from examwise.core.errors import InputError
from examwise.explain.explained_model import ExplainedModel
from examwise.explain.protocol import ImageMaps


class Occlusion:
    """Explains a slice's logit by how much it falls where a square shows the background instead.

    After Zeiler and Fergus (2014). Squares overlap, and a pixel has the mean of its squares.

    What it costs, in images scored for a slice: one and one a square; 226 by default whatever the
    matrix, 15 squares along each side.

    Args:
        window_px: Side of the square, in pixels; an eighth of the matrix's shorter side if 0.
        stride_px: From one square to the next; half of its side if 0.
        batch_images: Images at a time.

    Raises:
        InputError: If one is out of range.
    """

    def __init__(self, *, window_px: int = 0, stride_px: int = 0, batch_images: int = 64) -> None:
        for name, value, least in (
            ("window_px", window_px, 0),
            ("stride_px", stride_px, 0),
            ("batch_images", batch_images, 1),
        ):
            if not isinstance(value, int) or value < least:
                raise InputError(where=name, expected=f"a whole number from {least} on", got=value)
        if window_px and stride_px > window_px:
            raise InputError(
                where="stride_px", expected=f"at most the window's {window_px}", got=stride_px
            )
        self.window_px = window_px
        self.stride_px = stride_px
        self.batch_images = batch_images

    def explain(self, model: ExplainedModel, pixels_hu: Tensor, background_hu: Tensor) -> ImageMaps:
        """Explain slices together; shapes as in the protocol.

        Raises:
            InputError: If the square is larger than the slice, or does not reach the next.
        """
        images = model.images(pixels_hu)
        n_channels, rows, columns = images.shape[1:]
        side = self.window_px or max(1, min(rows, columns) // 8)
        stride = self.stride_px or max(1, side // 2)
        if side > min(rows, columns) or stride > side:
            raise InputError(
                where="window_px and stride_px",
                expected=f"a square within {rows} × {columns} that reaches the next",
                got=f"{side}, {stride} apart",
            )
        with torch.no_grad():
            found = CaptumOcclusion(model.logits_of_images).attribute(
                images,
                sliding_window_shapes=(n_channels, side, side),
                strides=(n_channels, stride, stride),
                baselines=model.images(background_hu[None]),
                perturbations_per_eval=max(1, self.batch_images // len(images)),
            )
        # Every channel of a pixel was covered together and has the same value.
        maps = found[:, 0].float().cpu().numpy()
        squares = math.prod(1 + math.ceil((length - side) / stride) for length in (rows, columns))
        return ImageMaps(maps, np.full(len(maps), squares + 1, np.int64))
