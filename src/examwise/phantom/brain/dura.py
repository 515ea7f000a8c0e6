"""Dura and its sinuses: falx, tentorium, and the veins within them.

Places are those of an average brain (see :mod:`examwise.phantom.brain.frame`).
"""

from __future__ import annotations

import numpy as np

from examwise.phantom.brain.frame import BrainPoints
from examwise.phantom.grid import FloatArray
from examwise.phantom.shapes import Points

FALX_HALF_MM = 0.5
TENTORIUM_HALF_MM = 0.35
# Seen from the side, the falx's free edge is part of an ellipse.
_EDGE_MIDDLE_MM = (-14.0, -4.0)
_EDGE_RADII_MM = (50.0, 43.0)
# The tentorium's ridge falls from its top, where the free edges of both sides meet, to the back;
# its sides fall to the petrous ridges and the transverse sinuses.
_TOP_Y_MM, _TOP_Z_MM = 35.0, 5.5
_ROUND_MM = 7.0
_SIDE_SLOPE, _BACK_SLOPE, _FRONT_SLOPE = 0.5, 0.33, 0.85
_NOTCH_MIDDLE_Y_MM = 8.0
_NOTCH_RADII_MM = (18.0, 27.0)
_FRONT_END_MM = -10.0
_STRAIGHT_MM = 1.9
_SAGITTAL_MM = (1.6, 4.2)
_SAGITTAL_BEGINS_MM = -12.0


def above_tentorium_mm(points: BrainPoints) -> FloatArray:
    """Return the height above the tentorium's sheet, continued to all sides."""
    back = points.y - np.float32(_TOP_Y_MM)
    above = points.z - np.float32(_TOP_Z_MM)
    # Rounded where slopes meet.
    above += np.float32(_SIDE_SLOPE) * np.sqrt(points.x * points.x + np.float32(_ROUND_MM**2))
    # Two slopes in one: |back| and back itself.
    mean = 0.5 * (_BACK_SLOPE - _FRONT_SLOPE)
    half = 0.5 * (_BACK_SLOPE + _FRONT_SLOPE)
    above += np.float32(half) * np.sqrt(back * back + np.float32(_ROUND_MM**2))
    back *= np.float32(mean)
    above += back
    above *= np.float32(0.85)
    return above


def tentorium_distance_mm(points: BrainPoints, above: FloatArray) -> FloatArray:
    """Return the signed distance to the tentorium, open at its notch."""
    x = points.x * np.float32(1.0 / _NOTCH_RADII_MM[0])
    y = points.y - np.float32(_NOTCH_MIDDLE_Y_MM)
    y *= np.float32(1.0 / _NOTCH_RADII_MM[1])
    notch = np.sqrt(x * x + y * y)
    np.subtract(np.float32(1.0), notch, out=notch)
    notch *= np.float32(_NOTCH_RADII_MM[0])
    np.maximum(notch, np.float32(_FRONT_END_MM) - points.y, out=notch)
    return np.maximum(np.abs(above) - np.float32(TENTORIUM_HALF_MM), notch, out=notch)


def falx_distance_mm(points: Points, above: FloatArray) -> FloatArray:
    """Return the signed distance to the falx, from its free edge outwards."""
    y = points.y - np.float32(_EDGE_MIDDLE_MM[0])
    y *= np.float32(1.0 / _EDGE_RADII_MM[0])
    z = points.z - np.float32(_EDGE_MIDDLE_MM[1])
    z *= np.float32(1.0 / _EDGE_RADII_MM[1])
    edge = np.sqrt(y * y + z * z)
    np.subtract(np.float32(1.0), edge, out=edge)
    edge *= np.float32(_EDGE_RADII_MM[1])
    np.maximum(edge, -above, out=edge)
    return np.maximum(np.abs(points.x) - np.float32(FALX_HALF_MM), edge, out=edge)


def sinuses_distance_mm(
    points: BrainPoints,
    above: FloatArray,
    depth: FloatArray,
    falx_x: FloatArray,
    *,
    transverse_mm: tuple[float, float],
) -> FloatArray:
    """Return the signed distance to the venous sinuses of the dura.

    Args:
        points: Where.
        above: Height above the tentorium.
        depth: Depth within the cavity.
        falx_x: Distance across from the falx's middle, signed.
        transverse_mm: Radius of the left and the right transverse sinus.
    """
    across = np.abs(falx_x)
    # Sagittal: a triangle on the inner table, larger at the back.
    size = points.y * np.float32(0.5 / 80.0)
    size += np.float32(0.5)
    np.clip(size, 0.0, 1.0, out=size)
    small, large = _SAGITTAL_MM
    size *= np.float32(large - small)
    size += np.float32(small)
    distance = across * np.float32(0.9)
    distance += np.float32(0.45) * depth
    distance -= size
    np.maximum(distance, -above - np.float32(2.0), out=distance)
    # In front it begins above the floor.
    begin = np.maximum(points.y, 0.0)
    begin *= np.float32(-10.0)
    begin += np.float32(_SAGITTAL_BEGINS_MM)
    begin -= points.z
    np.maximum(distance, begin, out=distance)
    window = points.window((0.0, 50.0, -30.0), (90.0, 60.0, 55.0))
    if window is None:
        return distance
    high, x, y = above[window], across[window], points.y[window]
    # Transverse: a tube along the inner table where the tentorium meets it.
    inside = depth[window] - np.float32(2.5)
    transverse = np.sqrt(high * high + inside * inside)
    left, right = transverse_mm
    # They widen from one to the other where they meet at the back.
    share = np.clip(points.x[window] * np.float32(0.05) + np.float32(0.5), 0.0, 1.0)
    transverse -= np.float32(right) + np.float32(left - right) * share
    np.maximum(transverse, np.float32(20.0) - y, out=transverse)
    # Straight: along the tentorium's ridge.
    straight = np.sqrt(high * high + x * x)
    straight -= np.float32(_STRAIGHT_MM)
    np.maximum(straight, np.float32(_TOP_Y_MM) - y, out=straight)
    part = distance[window]
    np.minimum(part, transverse, out=part)
    np.minimum(part, straight, out=part)
    return distance
