"""Densities of a head without bleeds."""

from __future__ import annotations

import numpy as np

from examwise.phantom.anatomy import HeadParameters
from examwise.phantom.fields import HeadFields
from examwise.phantom.shapes import Ellipsoid, FloatArray, fraction_inside

AIR_HU = -1000.0
FAT_HU = -90.0
SKIN_HU = 25.0
MUSCLE_HU = 45.0
FLUID_HU = 6.0
_SKIN_MM = 2.5
_CORTEX_MM = 3.5
_CAVITIES = (
    Ellipsoid((0.0, -58.0, -44.0), (16.0, 20.0, 14.0)),
    Ellipsoid((-50.0, 26.0, -52.0), (8.0, 9.0, 9.0)),
    Ellipsoid((50.0, 26.0, -52.0), (8.0, 9.0, 9.0)),
)
_ORBITS = tuple(Ellipsoid((side * 31.0, -72.0, -38.0), (16.0, 20.0, 14.0)) for side in (-1, 1))
_EYES = tuple(Ellipsoid((side * 31.0, -80.0, -38.0), (11.0, 11.0, 11.0)) for side in (-1, 1))


def tissue_hu(head: HeadParameters, fields: HeadFields, *, edge_mm: float) -> FloatArray:
    """Return densities of air, scalp, skull, face and brain.

    Args:
        head: The patient.
        fields: The head's distances.
        edge_mm: Width over which tissues merge; about the size of a voxel.

    Returns:
        HU, float32, of the fields' shape.
    """
    points = fields.points
    texture = head.texture.at(points)
    hu = np.full_like(points.x, AIR_HU)
    outside = fields.vault - head.skull_mm
    _fill(hu, SKIN_HU, fraction_inside(outside - head.scalp_mm, edge_mm))
    _fill(hu, FAT_HU, fraction_inside(outside - (head.scalp_mm - _SKIN_MM), edge_mm))
    within = fraction_inside(outside, edge_mm)
    _fill(hu, _face_hu(fields, texture, edge_mm), within)
    _fill(
        hu, _bone_hu(head, fields), within * fraction_inside(fields.skull - head.skull_mm, edge_mm)
    )
    _fill(hu, _brain_hu(head, fields, texture, edge_mm), fraction_inside(fields.skull, edge_mm))
    return hu


def _fill(hu: FloatArray, value: FloatArray | float, fraction: FloatArray) -> None:
    hu += fraction * (value - hu)


def _bone_hu(head: HeadParameters, fields: HeadFields) -> FloatArray:
    # Two compact tables and spongy bone between them.
    middle = np.abs(fields.skull / head.skull_mm - 0.5)
    return head.skull_hu * np.clip(0.6 + 1.4 * middle, 0.0, 1.0)


def _face_hu(fields: HeadFields, texture: FloatArray, edge_mm: float) -> FloatArray:
    points = fields.points
    hu = np.where(texture > 0.3, np.float32(FAT_HU), np.float32(MUSCLE_HU))
    _fill(hu, 500.0, 0.7 * fraction_inside(fields.fold - 1.0, edge_mm))
    for orbit, eye in zip(_ORBITS, _EYES, strict=True):
        _fill(hu, FAT_HU, fraction_inside(orbit.distance_mm(points), edge_mm))
        _fill(hu, 10.0, fraction_inside(eye.distance_mm(points), edge_mm))
    for cavity in _CAVITIES:
        _fill(hu, AIR_HU, fraction_inside(cavity.distance_mm(points), edge_mm))
    return hu


def _brain_hu(
    head: HeadParameters, fields: HeadFields, texture: FloatArray, edge_mm: float
) -> FloatArray:
    points = fields.points
    depth = np.minimum(-fields.skull - head.gap_mm, fields.fold)
    grey = fraction_inside(depth - _CORTEX_MM, edge_mm + 1.0)
    for nucleus in head.nuclei:
        np.maximum(grey, fraction_inside(nucleus.distance_mm(points), edge_mm), out=grey)
    hu = head.white_hu + (head.grey_hu - head.white_hu) * grey
    hu += head.texture_hu * texture
    if head.old_lesion is not None:
        lesion = fraction_inside(head.old_lesion.distance_mm(points), edge_mm + 4.0)
        _fill(hu, 14.0, 0.8 * lesion)
    ventricle = np.minimum.reduce(list(fields.ventricles.values()))
    _fill(hu, FLUID_HU, fraction_inside(ventricle, edge_mm))
    _fill(hu, FLUID_HU, fraction_inside(depth, edge_mm))
    falx = np.maximum(np.abs(points.x) - 1.0, np.maximum(-fields.skull - 28.0, -points.z))
    _fill(hu, head.falx_hu, fraction_inside(falx, edge_mm))
    for speck in head.calcifications:
        _fill(hu, speck.hu, fraction_inside(speck.shape.distance_mm(points), edge_mm))
    # Beam hardening: brain beside bone reads too dense.
    hu += 5.0 * np.exp(np.minimum(fields.skull, 0.0) / 5.0)
    return hu
