"""How much of each voxel is blood: one function a kind of bleed."""

from __future__ import annotations

import numpy as np

from examwise.phantom.bleeds import BleedParameters
from examwise.phantom.fields import HeadFields
from examwise.phantom.shapes import Ellipsoid, FloatArray, fraction_inside

_MIDLINE_MM = 2.0
_MEAN_RADIUS_MM = 74.0
_OEDEMA_MM = 7.0


def bleed_fraction(bleed: BleedParameters, fields: HeadFields, *, edge_mm: float) -> FloatArray:
    """Return the fraction of blood, 0 to 1, float32, of the fields' shape.

    Args:
        bleed: The bleed.
        fields: The distances of the head that it is in.
        edge_mm: Width of edges; about the size of a voxel.
    """
    distance = _DISTANCES[bleed.kind](bleed, fields)
    distance += bleed.wobble_mm * bleed.wobble.at(fields.points)
    fraction = fraction_inside(distance, edge_mm + bleed.edge_mm)
    fraction *= fraction_inside(fields.skull, edge_mm)
    if bleed.kind in _CONFINED:
        fraction *= _CONFINED[bleed.kind](bleed, fields, edge_mm)
    return fraction


def swelling_fraction(bleed: BleedParameters, fields: HeadFields) -> FloatArray:
    """Return how far each voxel is in the rim of oedema, 0 to 1; the bleed itself included."""
    distance = _DISTANCES[bleed.kind](bleed, fields) - _OEDEMA_MM
    return fraction_inside(distance, _OEDEMA_MM) * fraction_inside(fields.skull, 1.0)


def _profile(bleed: BleedParameters, fields: HeadFields) -> FloatArray:
    """Return 1 in the middle of a bleed along the skull, 0 at its rim, less beyond."""
    points = fields.points
    _, half_length, half_height = bleed.radii_mm
    x, y, z = bleed.center_mm
    norm = float(np.hypot(x, y)) or 1.0
    cosine = (points.x * (x / norm) + points.y * (y / norm)) / (
        np.sqrt(points.x * points.x + points.y * points.y) + 1e-3
    )
    arc_squared = (2.0 * _MEAN_RADIUS_MM**2) * (1.0 - cosine)
    height = (points.z - z) / half_height
    profile = 1.0 - arc_squared / half_length**2 - height * height
    return profile.astype(np.float32, copy=False)


def _lens(bleed: BleedParameters, fields: HeadFields) -> FloatArray:
    return -fields.vault - bleed.radii_mm[0] * _profile(bleed, fields)


def _crescent(bleed: BleedParameters, fields: HeadFields) -> FloatArray:
    profile = _profile(bleed, fields)
    # The square root keeps a crescent thick up to its tips; a lens thins out from the middle.
    thickness = bleed.radii_mm[0] * np.copysign(np.sqrt(np.abs(profile)), profile)
    return np.maximum(-fields.vault - thickness, _MIDLINE_MM - bleed.side * fields.points.x)


def _blob(bleed: BleedParameters, fields: HeadFields) -> FloatArray:
    shape = Ellipsoid(bleed.center_mm, bleed.radii_mm, bleed.turn_degree)
    return shape.distance_mm(fields.points)


def _settled(bleed: BleedParameters, fields: HeadFields) -> FloatArray:
    points = fields.points
    _, level, z = bleed.center_mm
    return np.maximum(level - points.y, np.abs(points.z - z) - bleed.radii_mm[2])


def _in_ventricles(bleed: BleedParameters, fields: HeadFields, edge_mm: float) -> FloatArray:
    lateral = fields.ventricles["left" if bleed.side > 0 else "right"]
    # Blood widens the ventricle that holds it.
    widened = np.minimum(lateral - 1.5, fields.ventricles["middle"])
    return fraction_inside(widened, edge_mm)


def _in_folds(_: BleedParameters, fields: HeadFields, edge_mm: float) -> FloatArray:
    # Blood lies in the folds and, thinly, on the brain's surface, and widens both.
    surface = -fields.skull - 2.5
    return fraction_inside(np.minimum(fields.fold - 1.5, surface), edge_mm)


_DISTANCES = {
    "epidural": _lens,
    "intraparenchymal": _blob,
    "intraventricular": _settled,
    "subarachnoid": _crescent,
    "subdural": _crescent,
}
_CONFINED = {"intraventricular": _in_ventricles, "subarachnoid": _in_folds}
