"""Pools of fluid at the brain's base, the Sylvian fissures, and between the hemispheres."""

from __future__ import annotations

import numpy as np

from examwise.phantom.brain.frame import FAR_MM, BrainPoints
from examwise.phantom.grid import FloatArray
from examwise.phantom.shapes import Ellipsoid

_STAR_BOX = ((0.0, -15.5, -23.0), (25.0, 25.0, 19.0))
_STAR_Y_MM, _STAR_Z_MM, _STAR_HALF_HEIGHT_MM = -15.5, -23.0, 8.0
_CHIASM = Ellipsoid((0.0, -19.0, -17.5), (7.0, 2.6, 1.8))
_STALK = Ellipsoid((0.0, -17.0, -23.0), (1.3, 1.3, 6.0))
_INSULA_BOX = ((38.0, -16.0, -1.0), (18.0, 36.0, 30.0))
_INSULA_X_MM = 36.5
_INSULA_MIDDLE_MM = (-16.0, -1.0)
_INSULA_RADII_MM = (22.0, 15.0)
_INSULA_RISE = 0.45
# The middle of the brain, where no fissure runs: bounded by the corpus callosum.
_CORE_MIDDLE_MM = (-2.0, 1.0)
_CORE_RADII_MM = (43.0, 26.5)


def lower_to_star(points: BrainPoints, distance: FloatArray, *, width: float) -> None:
    """Take in the suprasellar cistern where it is nearer, in place: a six-pointed star."""
    window = points.window(*_STAR_BOX)
    if window is None:
        return
    near = points.crop(window)
    x, y = near.x, near.y - np.float32(_STAR_Y_MM)
    square = x * x + y * y
    square += np.float32(0.5)
    # cos 6t in terms of the square of cos t, t from the y axis.
    cosine = y * y / square
    six = ((32.0 * cosine - 48.0) * cosine + 18.0) * cosine - 1.0
    reach = np.float32(7.5 + 1.5 * width) + np.float32(2.3) * six
    found = np.sqrt(square) - reach
    found *= np.float32(0.8)
    high = np.abs(near.z - np.float32(_STAR_Z_MM)) - np.float32(_STAR_HALF_HEIGHT_MM)
    found = np.maximum(found, high)
    for body in (_CHIASM, _STALK):
        np.maximum(found, -body.distance_mm(near), out=found)
    points.lower_within(distance, window, found, *_STAR_BOX)


def lower_to_insula(
    points: BrainPoints, distance: FloatArray, side: int, *, half_mm: float, rough: FloatArray
) -> None:
    """Take in the fluid over the insula where it is nearer, in place: a curved upright sheet.

    Args:
        points: Where.
        distance: Distances to fluid; changed.
        side: 1 left, -1 right.
        half_mm: Half the sheet's width.
        rough: A field of unit variance that makes its outer side uneven.
    """
    (x, y, z), reach = _INSULA_BOX
    center = (side * x, y, z)
    window = points.window(center, reach)
    if window is None:
        return
    near = points.crop(window)
    back = near.y - np.float32(_INSULA_MIDDLE_MM[0])
    up = near.z - np.float32(_INSULA_MIDDLE_MM[1])
    middle = np.float32(_INSULA_X_MM) + np.float32(0.06) * back
    middle -= np.float32(0.008) * back * back
    sheet = np.float32(side) * near.x - middle
    sheet += np.float32(0.8) * rough[window]
    up += np.float32(_INSULA_RISE) * back
    back *= np.float32(1.0 / _INSULA_RADII_MM[0])
    up *= np.float32(1.0 / _INSULA_RADII_MM[1])
    # The insula is smooth, the lobes over it are folded, and all around they touch it.
    outline = np.sqrt(back * back + up * up)
    outline -= np.float32(1.0)
    half = np.float32(1.0) + np.float32(1.1) * rough[window]
    half *= np.float32(half_mm)
    half *= np.clip(np.float32(0.25) - np.float32(2.5) * outline, 0.0, 1.0)
    outline *= np.float32(_INSULA_RADII_MM[1])
    found = np.maximum(sheet - half, -sheet - np.float32(0.6 * half_mm))
    np.maximum(found, outline, out=found)
    points.lower_within(distance, window, found, center, reach)


def core_distance_mm(points: BrainPoints) -> FloatArray:
    """Return the distance to the core of the brain, seen from the side, at most ``FAR_MM``."""
    y = points.y - np.float32(_CORE_MIDDLE_MM[0])
    z = points.z - np.float32(_CORE_MIDDLE_MM[1])
    b, c = _CORE_RADII_MM
    y *= np.float32(1.0 / b)
    z *= np.float32(1.0 / c)
    distance = np.sqrt(y * y + z * z)
    distance -= np.float32(1.0)
    distance *= np.float32(0.5 * (b + c))
    return np.minimum(distance, np.float32(FAR_MM), out=distance)


def pools(*, width: float) -> tuple[Ellipsoid, ...]:
    """Return cisterns that are simple pools: Sylvian stems, cerebellopontine, magna and others.

    Args:
        width: Width of the cisterns, 1 at middle age.
    """
    paired = (
        Ellipsoid((20.0, -21.5, -19.0), (14.0, 0.3 + 1.4 * width, 5.5), -4.0),
        Ellipsoid((32.0, -24.0, -15.0), (4.0, 5.0, 1.5 + 2.0 * width), 0.0),
        Ellipsoid((19.0, 5.0, -44.0), (8.0, 1.5 + 1.2 * width, 4.5), -30.0),
        Ellipsoid((17.0, 10.0, -10.0), (6.5, 0.6 + 0.8 * width, 4.0), -25.0),
    )
    return (
        *paired,
        *(shape.mirrored() for shape in paired),
        Ellipsoid((0.0, 27.0, -3.0), (3.5 + 1.5 * width, 4.5, 5.0)),
        Ellipsoid((0.0, 43.0, -64.0), (6.0 + 4.0 * width, 7.0 + 2.0 * width, 9.0)),
        Ellipsoid((0.0, 69.0, -46.0), (1.0 + width, 7.0, 14.0)),
        Ellipsoid((0.0, 36.0, -55.0), (0.6 + 0.6 * width, 8.0, 7.0)),
    )
