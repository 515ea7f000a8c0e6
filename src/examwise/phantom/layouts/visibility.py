"""How easy each bleed is to see: by its area in a slice, and by how much it stands out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from examwise.phantom.bleeds.parameters import KINDS
from examwise.phantom.exam import RenderedSeries

_BRAIN_HU = 35.0
_PLAIN_AREA_MM2 = 100.0
_PLAIN_RISE_HU = 25.0
_HALF_MISSED = 0.5
_STEEPNESS = 1.5


def visibility(series: RenderedSeries) -> npt.NDArray[np.float64]:
    """Return how well each kind can be seen in each slice; 1 is 1 cm², 25 HU above the brain.

    Area times contrast: what a reader, like any detector in noise, goes by (Rose, 1948, has the
    square root of the area; we take readers to miss small things more often than that).

    Returns:
        float64, shape (slices, 5), 0 where a kind is not visible.
    """
    seen = np.zeros((series.scan.n_slices, len(KINDS)))
    for bit, kind in enumerate(KINDS):
        slices = np.flatnonzero(series.positive[:, bit])
        if not slices.size:
            continue
        masks = series.mask_of(kind)
        for index in slices.tolist():
            hu = series.pixels_hu[index][masks[index]]
            area_mm2 = hu.size * series.scan.pixel_spacing_mm**2
            rise_hu = max(float(np.median(hu)) - _BRAIN_HU, 0.0)
            seen[index, bit] = (area_mm2 / _PLAIN_AREA_MM2) * (rise_hu / _PLAIN_RISE_HU)
    return seen


def difficulty(seen: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return how hard something is to see, from 0 (plain) to 1 (invisible).

    Example:
        >>> difficulty(np.array([0.0, 0.5, 8.0])).round(2).tolist()
        [1.0, 0.5, 0.02]
    """
    return np.asarray(1.0 / (1.0 + (seen / _HALF_MISSED) ** _STEEPNESS))
