"""Densities outside the cranial cavity: air, scalp, skull, face."""

from __future__ import annotations

import numpy as np

from examwise.phantom.grid import FloatArray, bounding_window
from examwise.phantom.head.air_spaces import AIR_HU, paint_air_spaces, paint_frontal_sinus
from examwise.phantom.head.bone import bone_hu
from examwise.phantom.head.face_bones import paint_face_bones, paint_otic_capsules
from examwise.phantom.head.fields import HeadFields
from examwise.phantom.head.orbits import paint_orbits
from examwise.phantom.head.painter import Painter
from examwise.phantom.head.parameters import HeadParameters
from examwise.phantom.head.soft_parts import (
    lay_skin,
    paint_ears,
    paint_soft_parts,
    paint_temporalis,
)
from examwise.phantom.shapes import fraction_inside

_FACE_TOP_MM = 14.0
"""Above this height there is nothing but vault, scalp and temporal muscle."""
_FACE_GRAIN = 0.6


def outside_hu(head: HeadParameters, fields: HeadFields, *, edge_mm: float) -> FloatArray:
    """Return densities of air, scalp, skull and face; what is inside the cavity is overdrawn later.

    Args:
        head: The patient's head.
        fields: Its distances.
        edge_mm: Width over which tissues merge; about the size of a voxel.

    Returns:
        HU, float32, of the fields' shape.
    """
    hu = np.full(fields.grid.shape, AIR_HU, np.float32)
    window = bounding_window(fields.skin < edge_mm)
    if window is not None:
        _soft(head, fields.crop(window), hu[window], edge_mm)
    grain = head.bone.grain.on(fields.frame)
    grain *= np.float32(head.bone.grain_hu)
    heights = fields.frame.z[:, :: max(fields.grid.rows - 1, 1), :: max(fields.grid.columns - 1, 1)]
    low = np.flatnonzero(heights.min(axis=(1, 2)) < _FACE_TOP_MM)
    painter = None
    if low.size:
        planes = slice(int(low[0]), int(low[-1]) + 1)
        window = planes, slice(0, fields.grid.rows), slice(0, fields.grid.columns)
        lower = fields.crop(window)
        # The painter works in the average head's millimetres.
        edge = edge_mm / head.size
        painter = Painter(
            hu[window],
            lower.frame,
            head.warp.on(lower.frame),
            margin_mm=head.warp.reach_mm + 0.5 * edge,
            edge_mm=edge,
        )
        _below(head, lower, painter, grain[window])
    _bone(head, fields, hu, grain, edge_mm)
    if painter is not None:
        paint_otic_capsules(painter, head.face)
        paint_frontal_sinus(painter, head.air, lower.outer, lower.cavity)
        paint_air_spaces(painter, head.air)
        paint_ears(painter)
    return hu


def _soft(head: HeadParameters, fields: HeadFields, hu: FloatArray, edge_mm: float) -> None:
    hu[:] = lay_skin(head.soft, fields.skin, fields.outer, AIR_HU, edge_mm)
    paint_temporalis(hu, fields.frame, head.soft, head.tissue, fields.outer, edge_mm)


def _below(head: HeadParameters, fields: HeadFields, painter: Painter, grain: FloatArray) -> None:
    paint_soft_parts(painter, head.tissue, fields.skin, head.soft.fat_mm)
    paint_orbits(painter, head.orbits)
    paint_face_bones(painter, head.face, np.float32(_FACE_GRAIN) * grain, fields.skin)


def _bone(
    head: HeadParameters, fields: HeadFields, hu: FloatArray, grain: FloatArray, edge_mm: float
) -> None:
    flat = fields.bone.reshape(-1)
    chosen = np.flatnonzero(flat < np.float32(0.5 * edge_mm))
    if chosen.size:
        distance = flat[chosen]
        value = bone_hu(head.bone, fields.frame, distance, chosen, grain.reshape(-1)[chosen])
        target = hu.reshape(-1)
        before = target[chosen]
        before += fraction_inside(distance, edge_mm) * (value - before)
        target[chosen] = before
