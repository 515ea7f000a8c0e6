"""The brainstem and the fluid around it: midbrain, pons and medulla with their cisterns."""

from __future__ import annotations

import numpy as np

from examwise.phantom.brain.frame import FAR_MM, BrainPoints
from examwise.phantom.brain.tubes import Tube
from examwise.phantom.grid import FloatArray
from examwise.phantom.shapes import Ellipsoid

_BOX = ((0.0, 14.0, -60.0), (36.0, 44.0, 64.0))
# z; x and y of the middle; half widths.
_STEM = Tube(
    (
        (-120.0, 0.0, 28.0, 6.0, 4.5),
        (-78.0, 0.0, 27.0, 6.0, 5.0),
        (-66.0, 0.0, 24.0, 6.8, 6.0),
        (-52.0, 0.0, 17.0, 9.0, 7.5),
        (-46.0, 0.0, 13.0, 12.0, 10.5),
        (-36.0, 0.0, 8.5, 15.5, 13.0),
        (-26.0, 0.0, 9.0, 14.0, 12.5),
        (-21.0, 0.0, 12.5, 11.5, 10.0),
        (-10.0, 0.0, 14.0, 11.0, 8.5),
        (-2.0, 0.0, 16.0, 8.0, 6.0),
    )
)
_PEDUNCLES = tuple(
    Ellipsoid((side * 8.5, 5.0, -17.0), (6.0, 8.0, 11.0), side * 25.0) for side in (-1, 1)
)
# Width of the fluid in front, at the sides and behind, by height.
_LOWEST_MM = -120.0
_HEIGHTS_MM = (-120.0, -66.0, -60.0, -48.0, -44.0, -30.0, -25.0, -18.0, -11.0, -5.0, 0.0)
_FRONT_MM = (14.0, 14.0, 14.0, 13.0, 12.0, 11.0, 8.0, 7.0, 4.0, -2.0, -6.0)
_SIDE_MM = (14.0, 12.0, 3.5, 3.0, -2.0, -2.5, 1.8, 2.4, 2.2, 0.0, -5.0)
_BACK_MM = (14.0, 8.0, 4.0, -3.0, -6.0, -6.0, -2.0, 2.5, 6.0, 6.0, -4.0)


def stem_distance_mm(points: BrainPoints) -> FloatArray:
    """Return the signed distance to the brainstem's surface, at most twice ``FAR_MM``."""
    distance = np.full(points.x.shape, 2.0 * FAR_MM, np.float32)
    window = points.window(*_BOX)
    if window is None:
        return distance
    near = points.crop(window)
    found = _STEM.distance_mm(near.z, near.x, near.y)
    for peduncle in _PEDUNCLES:
        np.minimum(found, peduncle.distance_mm(near), out=found)
    points.lower_within(distance, window, found, *_BOX)
    return distance


def lower_to_stem_cisterns(
    points: BrainPoints,
    stem: FloatArray,
    distance: FloatArray,
    *,
    width: float,
    rough: FloatArray,
) -> None:
    """Take the distance to the fluid around the brainstem where it is less, in place.

    Args:
        points: Where.
        stem: Distance to the brainstem's surface.
        distance: Distances to fluid; changed.
        width: Width of the cisterns, 1 at middle age.
        rough: A field of unit variance that makes them uneven.
    """
    window = points.window(*_BOX)
    if window is None:
        return
    near = points.crop(window)
    index = np.clip((near.z - np.float32(_LOWEST_MM)) * np.float32(2.0), 0, 240)
    index = index.astype(np.int32)
    front, side, back = (row.take(index, mode="clip") for row in _WIDTHS)
    # From the front (-1) over the sides (0) to the back (1), as seen from the stem's middle.
    behind = near.y - _STEM_Y.take(index, mode="clip")
    behind /= np.abs(behind) + np.abs(near.x) + np.float32(1.0)
    wide = side + np.maximum(behind, 0.0) * (back - side)
    wide += np.maximum(-behind, 0.0) * (front - side)
    wide *= np.float32(0.35 + 0.35 * width)
    wide *= np.float32(1.0) + np.float32(0.35) * rough[window]
    shell = stem[window] - wide
    np.maximum(shell, -stem[window], out=shell)
    points.lower_within(distance, window, shell, *_BOX)


def _table(values: tuple[float, ...]) -> FloatArray:
    return np.interp(np.arange(_LOWEST_MM, 0.5, 0.5), _HEIGHTS_MM, values).astype(np.float32)


_WIDTHS = tuple(_table(values) for values in (_FRONT_MM, _SIDE_MM, _BACK_MM))
_STEM_Y = np.interp(
    np.arange(_LOWEST_MM, 0.5, 0.5),
    [station[0] for station in _STEM.stations],
    [station[2] for station in _STEM.stations],
).astype(np.float32)
