"""Distances to the brain's surfaces: folds, cisterns, ventricles, dura."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from examwise.phantom.brain.brainstem import lower_to_stem_cisterns, stem_distance_mm
from examwise.phantom.brain.cisterns import (
    core_distance_mm,
    lower_to_insula,
    lower_to_star,
    pools,
)
from examwise.phantom.brain.dura import (
    above_tentorium_mm,
    falx_distance_mm,
    sinuses_distance_mm,
    tentorium_distance_mm,
)
from examwise.phantom.brain.folds import fold_distance_mm
from examwise.phantom.brain.frame import BrainPoints, far
from examwise.phantom.brain.parameters import BrainParameters
from examwise.phantom.grid import FloatArray, PlaneGrid
from examwise.phantom.head.fields import HeadFields
from examwise.phantom.pushes import Push
from examwise.phantom.shapes import FreePoints

_BEND_MM = 1.2
_FLOOR_MM = 7.0
_PRESSED_CISTERN_MM = 2.0
_PRESSING_MM = 9.0


@dataclass(frozen=True)
class BrainFields:
    """Signed distances in mm, negative inside, float32, of the grid's shape.

    They cover a part of the slices that holds the whole cavity. Distances to small things are
    capped: far away is ``FAR_MM``.

    Attributes:
        head: Distances to the skull, on the same grid.
        points: Each point's place in the average brain.
        surface: To the brain's outer surface, folds not followed.
        folds: To the fluid in the folds, and between the hemispheres.
        cisterns: To the fluid of basal cisterns and Sylvian fissures.
        ventricles: To each part of the ventricles; keys as in
            :data:`~examwise.phantom.brain.parameters.VENTRICLES`.
        falx: To the falx.
        tentorium: To the tentorium.
        above_tentorium: Height above the tentorium's sheet; negative in the posterior fossa.
        sinuses: To the venous sinuses of the dura.
        stem: To the brainstem.
        core: To the middle of the brain as seen from the side, below the fissure between the
            hemispheres.
        rough: The field :attr:`BrainParameters.roughness`.
    """

    head: HeadFields
    points: BrainPoints
    surface: FloatArray
    folds: FloatArray
    cisterns: FloatArray
    ventricles: dict[str, FloatArray]
    falx: FloatArray
    tentorium: FloatArray
    above_tentorium: FloatArray
    sinuses: FloatArray
    stem: FloatArray
    core: FloatArray
    rough: FloatArray


def brain_fields(
    brain: BrainParameters, head: HeadFields, pushes: Sequence[Push] = ()
) -> BrainFields:
    """Sample a brain's distances.

    Args:
        brain: The patient's brain.
        head: Distances to the skull, cropped to about the cavity.
        pushes: Masses that move ventricles, nuclei and midline.
    """
    grid = head.grid
    points = brain.frame.points(grid, pushes)
    falx_x = brain.frame.falx_x(grid, points, pushes)
    rough = brain.roughness.on(grid)
    above = above_tentorium_mm(points)
    core = core_distance_mm(points)
    stem = stem_distance_mm(points)
    # The fluid is wider over the frontal lobes, and uneven.
    gap = np.clip(np.float32(0.75) - points.y * np.float32(0.006), 0.4, 1.4)
    gap += np.float32(0.25) * rough
    gap *= np.float32(brain.gap_mm)
    surface = head.cavity + gap
    # Furrows are deep below the vault, shallow over the floor.
    depth = np.minimum(-head.vault - gap, np.float32(_FLOOR_MM) - surface)
    bend = brain.cortex.bends_on(grid)
    pressed = _pressed(grid, pushes)
    cisterns = far(points)
    width = brain.cistern_width
    bent = BrainPoints(
        points.x + np.float32(_BEND_MM) * bend[1],
        points.y + np.float32(_BEND_MM) * bend[0],
        points.z,
    )
    lower_to_star(bent, cisterns, width=width)
    lower_to_stem_cisterns(points, stem, cisterns, width=width, rough=rough)
    for side in (-1, 1):
        lower_to_insula(points, cisterns, side, half_mm=0.5 * brain.sylvian_mm, rough=bend[0])
    for pool in pools(width=width):
        bent.lower(cisterns, pool, margin_mm=10.0)
    cisterns -= np.float32(0.35 * width) * rough
    if pressed is not None:
        cisterns += np.float32(_PRESSED_CISTERN_MM) * pressed
    folds = fold_distance_mm(
        brain,
        points,
        depth=depth,
        core=core,
        falx_x=falx_x,
        rough=rough,
        bend=bend,
        pressed=pressed,
    )
    # Below the tentorium there are none.
    np.maximum(folds, np.float32(0.5) - above, out=folds)
    return BrainFields(
        head=head,
        points=points,
        surface=surface,
        folds=folds,
        cisterns=cisterns,
        ventricles={
            name: ventricle.distance_mm(points) for name, ventricle in brain.ventricles.items()
        },
        falx=falx_distance_mm(FreePoints(falx_x, points.y, points.z), above),
        tentorium=tentorium_distance_mm(points, above),
        above_tentorium=above,
        sinuses=sinuses_distance_mm(
            points, above, -head.cavity, falx_x, transverse_mm=brain.transverse_mm
        ),
        stem=stem,
        core=core,
        rough=rough,
    )


def _pressed(grid: PlaneGrid, pushes: Sequence[Push]) -> FloatArray | None:
    """Return how much folds and cisterns are pressed shut by masses, 0 to 1; None without any."""
    if not pushes:
        return None
    total = np.zeros(grid.shape, np.float32)
    for push in pushes:
        total += np.float32(push.largest_mm / _PRESSING_MM) * push.strength(grid)
    return np.minimum(total, 1.0, out=total)
