"""Fluid in the furrows of the brain's outer and inner sides, and between the hemispheres."""

from __future__ import annotations

import numpy as np

from examwise.phantom.brain.frame import FAR_MM, BrainPoints
from examwise.phantom.brain.parameters import BrainParameters
from examwise.phantom.grid import FloatArray

_OPENING_MM = 6.0
_PRESSED_SHARE = 0.8


def fold_distance_mm(
    brain: BrainParameters,
    points: BrainPoints,
    *,
    depth: FloatArray,
    core: FloatArray,
    falx_x: FloatArray,
    rough: FloatArray,
    bend: tuple[FloatArray, FloatArray],
    pressed: FloatArray | None,
) -> FloatArray:
    """Return the signed distance to the fluid in the folds, at most ``FAR_MM``.

    Args:
        brain: The patient's brain.
        points: Where.
        depth: Depth below the brain's outer surface.
        core: Distance to the middle of the brain as seen from the side.
        falx_x: Distance across from the falx's middle, signed.
        rough: The field :attr:`BrainParameters.roughness`.
        bend: The fields that bend furrows, from :meth:`Cortex.bends_on`.
        pressed: How much masses press folds shut, 0 to 1; None without any.
    """
    # Furrows are wider where they open to the surface.
    half = np.exp(depth * np.float32(-1.0 / _OPENING_MM))
    half *= np.float32(0.7)
    half += np.float32(0.5)
    half += np.float32(0.15) * rough
    half *= np.float32(0.5 * brain.fold_mm)
    if pressed is not None:
        half *= np.float32(1.0) - np.float32(_PRESSED_SHARE) * pressed
    folds = brain.cortex.lateral_folds(points, bend, depth, half)
    inner = points.across - np.float32(0.5 * brain.fissure_mm)
    half *= np.float32(0.7)
    medial = brain.cortex.medial_folds(points, bend, inner, half)
    np.maximum(medial, np.float32(6.0) - core, out=medial)
    np.minimum(folds, medial, out=folds)
    # Between the hemispheres, from the corpus callosum outwards.
    fissure = np.abs(falx_x - np.float32(0.2) * rough)
    fissure -= np.float32(0.5 * brain.fissure_mm) * (np.float32(0.75) + np.float32(0.45) * rough)
    fissure += np.clip(np.float32(0.6) - np.float32(0.04) * core, 0.0, 0.6)
    np.maximum(fissure, -core, out=fissure)
    np.minimum(folds, fissure, out=folds)
    return np.minimum(folds, np.float32(FAR_MM), out=folds)
