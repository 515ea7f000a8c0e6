"""h-Shap of slices, as an explainer of images."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from examwise.core.errors import InputError
from examwise.explain.explained_model import ExplainedModel
from examwise.explain.hshap.image import cycle_image_hshap
from examwise.explain.hshap.importance import Importance, ThresholdMode
from examwise.explain.protocol import ImageMaps


class HShap:
    """Explains a slice's probability by the quadrants that raise it (Teneggi et al., 2022).

    What it costs, in images scored for a slice: 16 for the root and 14 for every further quadrant
    that is split. Quadrants are 1/2 to 1/16 of a side by default (6 pixels of 96, 32 of 512), on
    four levels: at most 16 + 14 · (4 + 16 + 64) = 1,192, whatever the matrix; three levels
    (``min_size_fraction`` 0.25) take 296 at most, two 72. A relative threshold of 50 keeps half of
    the quadrants of a level and takes 212 on four levels; one of 70 follows the best alone and
    takes 58. A cycle takes as many for each of its shifts (25 by default), less what they share.

    Where nothing matters, maps are 0.

    Args:
        min_size_fraction: Quadrants are split down to this share of the shorter side.
        min_size_px: The same in pixels; instead of the share.
        threshold: A value that is to be exceeded, or a percentile.
        threshold_mode: ``absolute`` or ``relative``.
        cycle: Whether to average over shifts of the grid; edges are finer, at the cost of each.
        n_radii: Lengths of these, evenly from 0 to the smallest quadrant that is split.
        n_angles: Directions of these, evenly around.
        batch_images: Masked slices that exist at a time.

    Raises:
        InputError: If one is out of range.
    """

    def __init__(
        self,
        *,
        min_size_fraction: float = 0.125,
        min_size_px: int | None = None,
        threshold: float = 0.0,
        threshold_mode: ThresholdMode = "absolute",
        cycle: bool = False,
        n_radii: int = 4,
        n_angles: int = 8,
        batch_images: int = 64,
    ) -> None:
        if not 0 < min_size_fraction <= 1:
            raise InputError(
                where="min_size_fraction", expected="above 0, 1 at most", got=min_size_fraction
            )
        counts = {"n_radii": n_radii, "n_angles": n_angles, "batch_images": batch_images}
        if min_size_px is not None:
            counts["min_size_px"] = min_size_px
        for name, count in counts.items():
            if count < 1:
                raise InputError(where=name, expected="1 or more", got=count)
        self.min_size_fraction = min_size_fraction
        self.min_size_px = min_size_px
        self.importance = Importance(threshold, threshold_mode)
        self.cycle = cycle
        self.n_radii = n_radii
        self.n_angles = n_angles
        self.batch_images = batch_images

    def explain(self, model: ExplainedModel, pixels_hu: Tensor, background_hu: Tensor) -> ImageMaps:
        """Explain slices together; shapes as in the protocol."""
        side = min(pixels_hu.shape[-2:])
        min_size = self.min_size_px or max(1, round(self.min_size_fraction * side))
        radii = np.linspace(0, min_size, self.n_radii) if self.cycle else [0.0]
        angles = np.linspace(0, 2 * np.pi, self.n_angles, endpoint=False)
        found = cycle_image_hshap(
            model.slice_probabilities,
            pixels_hu,
            background_hu,
            min_size=min_size,
            radii=list(radii),
            angles=list(angles),
            threshold=self.importance.threshold,
            threshold_mode=self.importance.mode,
            batch_images=self.batch_images,
        )
        return ImageMaps(found.maps.nan_to_num(0.0).numpy(), found.n_evaluations.numpy())
