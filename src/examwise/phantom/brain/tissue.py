"""Densities of a brain without disease."""

from __future__ import annotations

import numpy as np

from examwise.phantom.brain.fields import BrainFields
from examwise.phantom.brain.frame import BrainPoints
from examwise.phantom.brain.parameters import BrainParameters
from examwise.phantom.brain.vessels import ARTERIES, VEINS
from examwise.phantom.grid import FloatArray, Window
from examwise.phantom.shapes import Ellipsoid, blend, fraction_inside

FLUID_HU = 6.0
_CORTEX_MM = 3.4
_BASAL_SHARE = 0.7
_ARTERY_SHARE = 0.85
_NUCLEUS_SHARE = 0.85
_DURA_RISE_HU = 60.0
_TENTORIUM_SHARE = 0.45
_PALE_MM = 11.0
_STEM_SHARE = 0.1
_CEREBELLUM_SHARE = 0.72
_FOLIA_MM = 4.6
_CENTRUM = Ellipsoid((25.0, 2.0, 31.0), (3.0, 34.0, 7.0))
_CENTRA = (_CENTRUM, _CENTRUM.mirrored())
_CHOROID = Ellipsoid((23.5, 30.0, 7.0), (2.4, 4.0, 3.5))
_PLEXUS = (_CHOROID, _CHOROID.mirrored())
_PLEXUS_HU, _PLEXUS_CONTRAST_HU = 34.0, 95.0
_PITUITARY = Ellipsoid((0.0, -18.5, -36.5), (6.0, 5.5, 3.5))
_PITUITARY_HU, _PITUITARY_CONTRAST_HU = 40.0, 130.0
_DENTATE = Ellipsoid((17.0, 33.0, -41.0), (14.0, 9.0, 9.0), 25.0)


def brain_hu(
    brain: BrainParameters, fields: BrainFields, *, edge_mm: float, contrast: bool = False
) -> FloatArray:
    """Return densities of grey and white matter, fluid and dura.

    Args:
        brain: The patient's brain.
        fields: Its distances.
        edge_mm: Width over which tissues merge; about the size of a voxel.
        contrast: Whether vessels and dura are filled with contrast medium.

    Returns:
        HU, float32, of the fields' shape.
    """
    points = fields.points
    folded = np.minimum(-fields.surface, fields.folds)
    outer = np.minimum(folded, fields.cisterns)
    grey = _grey_share(brain, fields, outer, edge_mm=edge_mm)
    hu = np.float32(brain.grey_hu - brain.white_hu) * grey
    hu += np.float32(brain.white_hu)
    hu += np.float32(brain.texture_hu) * brain.texture.on(fields.head.grid)
    _darken_white(brain, fields, grey, hu)
    fluid = np.minimum.reduce([*fields.ventricles.values(), outer])
    blend(hu, FLUID_HU, fraction_inside(fluid, edge_mm))
    blood = brain.contrast_hu if contrast else brain.blood_hu
    artery = brain.contrast_hu if contrast else _ARTERY_SHARE * brain.blood_hu
    for rods, value in ((ARTERIES, artery), (VEINS, blood)):
        for rod in rods:
            rod.mix(points, hu, value, edge_mm=edge_mm)
    for shape in _PLEXUS:
        plexus = _PLEXUS_CONTRAST_HU if contrast else _PLEXUS_HU
        _mix_shape(points, hu, shape, plexus, edge_mm=edge_mm + 1.0)
    pituitary = _PITUITARY_CONTRAST_HU if contrast else _PITUITARY_HU
    _mix_shape(points, hu, _PITUITARY, pituitary, edge_mm=edge_mm + 1.0)
    dura_hu = brain.falx_hu + (_DURA_RISE_HU if contrast else 0.0)
    blend(hu, dura_hu, fraction_inside(fields.falx, edge_mm))
    # The tentorium is thin, and oblique to slices: spread over more than it fills.
    sheet = fraction_inside(fields.tentorium - np.float32(0.5), 2.0 + edge_mm)
    sheet *= np.float32(_TENTORIUM_SHARE)
    blend(hu, dura_hu, sheet)
    blend(hu, blood, fraction_inside(fields.sinuses, edge_mm))
    return hu


def _mix_shape(
    points: BrainPoints, hu: FloatArray, shape: Ellipsoid, value: float, *, edge_mm: float
) -> None:
    """Mix an ellipsoid's tissue into densities, in place."""
    a, b, c = (radius + 0.5 * edge_mm for radius in shape.radii_mm)
    if window := points.window(shape.center_mm, (a, b, c)):
        part = hu[window]
        inside = fraction_inside(shape.distance_mm(points.crop(window)), edge_mm)
        part += inside * (np.float32(value) - part)


def _grey_share(
    brain: BrainParameters, fields: BrainFields, outer: FloatArray, *, edge_mm: float
) -> FloatArray:
    """Return how much of each voxel's tissue is grey matter, 0 to 1."""
    points = fields.points
    # Cortex lines every surface, the tentorium's upper one too, but not the core's.
    grey = fraction_inside(outer - np.float32(_CORTEX_MM), edge_mm + 2.5)
    basal = fraction_inside(np.abs(fields.above_tentorium) - np.float32(_CORTEX_MM), 4.0)
    basal *= np.float32(_BASAL_SHARE)
    np.maximum(grey, basal, out=grey)
    for nucleus in brain.nuclei:
        a, b, c = nucleus.radii_mm
        wide = max(a, b) + 1.5
        if window := points.window(nucleus.center_mm, (wide, wide, c + 1.5)):
            part = grey[window]
            inside = fraction_inside(nucleus.distance_mm(points.crop(window)), edge_mm + 3.0)
            inside *= np.float32(_NUCLEUS_SHARE)
            np.maximum(part, inside, out=part)
    if window := points.window((0.0, 40.0, -60.0), (90.0, 70.0, 75.0)):
        _cerebellum(fields, window, grey, np.float32(1.0) * fields.rough)
    return grey


def _cerebellum(fields: BrainFields, window: Window, grey: FloatArray, bend: FloatArray) -> None:
    points = fields.points.crop(window)
    below = fraction_inside(fields.above_tentorium[window], 1.5)
    share = np.full_like(below, _CEREBELLUM_SHARE)
    for shape in (_DENTATE, _DENTATE.mirrored()):
        share -= np.float32(0.6) * fraction_inside(shape.distance_mm(points), 9.0)
    # Folia run along the surface, in arcs that are level from side to side.
    phase = fields.head.cavity[window] + np.float32(0.5) * points.z
    phase += np.float32(0.3) * points.y
    phase += bend[window]
    phase *= np.float32(2.0 * np.pi / _FOLIA_MM)
    share += np.float32(0.25) * np.cos(phase)
    stem = fraction_inside(fields.stem[window] - np.float32(2.0), 6.0)
    share += stem * (np.float32(_STEM_SHARE) - share)
    part = grey[window]
    part += below * (share - part)


def _darken_white(
    brain: BrainParameters, fields: BrainFields, grey: FloatArray, hu: FloatArray
) -> None:
    """Darken white matter around the lateral ventricles, in place."""
    nearest = np.minimum(fields.ventricles["left"], fields.ventricles["right"])
    for shape in _CENTRA:
        fields.points.lower(nearest, shape, margin_mm=20.0)
    np.maximum(nearest, 0.0, out=nearest)
    nearest *= np.float32(1.0 / _PALE_MM)
    nearest *= -nearest
    pale = np.exp(nearest, out=nearest)
    pale *= np.float32(1.0) - grey
    pale *= np.float32(brain.pale_hu)
    hu -= pale
