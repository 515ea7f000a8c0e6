"""Distances that tissue and bleeds are both built on: skull, folds, ventricles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from examwise.phantom.anatomy import HeadParameters
from examwise.phantom.shapes import Ellipsoid, FloatArray, Points, axes_distance

_FOLD_DEPTH_MM = 18.0
_PETROUS = tuple(
    Ellipsoid((side * 36.0, 10.0, -44.0), (26.0, 5.5, 9.0), side * -35.0) for side in (-1, 1)
)


@dataclass(frozen=True)
class HeadFields:
    """Signed distances in mm, negative inside, all of the points' shape, float32.

    Attributes:
        points: Where they were sampled, in the head's frame.
        vault: To the inner table, as if it were closed below.
        skull: To the inner table, floor of the skull and petrous ridges included.
        fold: To the fluid in the brain's folds.
        ventricles: To each part of the ventricles.
    """

    points: Points
    vault: FloatArray
    skull: FloatArray
    fold: FloatArray
    ventricles: dict[str, FloatArray]


def head_fields(head: HeadParameters, points: Points) -> HeadFields:
    """Sample a head's distances.

    Example:
        >>> from examwise.phantom.anatomy import sample_head
        >>> middle = np.zeros(1, np.float32)
        >>> fields = head_fields(sample_head(0, 0), Points(middle, middle, middle))
        >>> bool(fields.skull[0] < -40)
        True
    """
    side, length, height = head.radii_mm
    vault = axes_distance(
        points.x,
        points.y,
        points.z,
        (
            side * (1.0 + head.widening * np.clip(points.y / length, -1.0, 1.0)),
            length,
            np.where(points.z > 0, np.float32(height), np.float32(head.depth_mm)),
        ),
    )
    vault += 1.3 * head.outline.at(points)
    return HeadFields(
        points=points,
        vault=vault,
        skull=_cavity_distance(points, vault),
        fold=_fold_distance(head, points, vault),
        ventricles={
            name: np.minimum.reduce([shape.distance_mm(points) for shape in shapes])
            for name, shapes in head.ventricles.items()
        },
    )


def floor_mm(x: FloatArray, y: FloatArray) -> FloatArray:
    """Return the height of the floor of the skull: three steps down from front to back.

    Example:
        >>> floor_mm(np.zeros(2, np.float32), np.array([-75, 45], np.float32)).tolist()
        [-16.0, -68.0]
    """
    slope = -16.0 - 52.0 * np.clip((y + 75.0) / 120.0, 0.0, 1.0)
    temporal = np.clip(np.abs(x) / 14.0 - 1.0, 0.0, 1.0) * np.clip(
        1.5 - np.abs(y + 16.0) / 18.0, 0.0, 1.0
    )
    return slope - 15.0 * temporal


def _cavity_distance(points: Points, vault: FloatArray) -> FloatArray:
    below = floor_mm(points.x, points.y) - points.z
    # The floor is thinner than the vault: below it, distance runs faster.
    cavity = np.maximum(vault, np.maximum(0.9 * below, 2.0 * below))
    for ridge in _PETROUS:
        np.maximum(cavity, -ridge.distance_mm(points), out=cavity)
    return cavity


def _fold_distance(head: HeadParameters, points: Points, vault: FloatArray) -> FloatArray:
    # The zero level of a smooth field is a curved sheet; value over slope is distance from it.
    sheet = np.abs(head.folds.at(points))
    sheet /= head.folds.wave_number
    sheet -= 0.5 * head.fold_mm
    return np.maximum(sheet, -vault - _FOLD_DEPTH_MM, out=sheet)
