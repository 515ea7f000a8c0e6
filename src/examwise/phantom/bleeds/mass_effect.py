"""What bleeds do to the brain around them: they push it aside and press its folds shut."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from examwise.phantom.bleeds.along_skull import Crescent, Lens
from examwise.phantom.bleeds.blobs import Blobs
from examwise.phantom.bleeds.parameters import BleedParameters
from examwise.phantom.brain.fields import BrainFields
from examwise.phantom.grid import FloatArray
from examwise.phantom.head.fields import HeadFields
from examwise.phantom.pushes import Push
from examwise.phantom.shapes import fraction_inside

LARGEST_SHIFT_MM = 15.0
_LEAST_SHIFT_MM = 0.7
_SUBDURAL_SHARE = 0.75
_EPIDURAL_SHARE = 0.45
_REACH_MM = 45.0
# Width of the fluid around a brain, which blood displaces.
_GAP_MM = 2.0
_EFFACED_MM = 10.0
_EFFACED_SHARE = 0.85
_EFFACED_A_MM = 0.12
_FADED = 3.0
_PRESSED_HU = 34.0


def pushes_of(bleeds: Iterable[BleedParameters]) -> tuple[Push, ...]:
    """Return how an exam's bleeds move ventricles and midline: away from the larger ones.

    All of them together move nothing farther than :data:`LARGEST_SHIFT_MM`.
    """
    found = [push for bleed in bleeds for push in _pushes(bleed)]
    total = sum(push.largest_mm for push in found)
    return tuple(push.scaled(min(1.0, LARGEST_SHIFT_MM / total)) for push in found)


def _pushes(bleed: BleedParameters) -> tuple[Push, ...]:
    form = bleed.form
    if isinstance(form, Blobs):
        solid = 0.5 if form.holes is not None else 0.9
        radius = min(solid * (form.volume_ml * 750.0 / math.pi) ** (1.0 / 3.0), LARGEST_SHIFT_MM)
        if radius < 4.0:
            return ()
        return (Push(form.parts[0].center_mm, (0.0, 0.0, 0.0), 30.0, radius_mm=radius),)
    if isinstance(form, Crescent | Lens):
        share = _SUBDURAL_SHARE if isinstance(form, Crescent) else _EPIDURAL_SHARE
        small = min(form.patch.half_length_mm, form.patch.half_height_mm) / 45.0
        shift = min(form.thickness_mm * share * min(small, 1.0), LARGEST_SHIFT_MM)
        if shift < _LEAST_SHIFT_MM:
            return ()
        x, y, z = form.patch.center_mm
        long = math.sqrt(x * x + y * y + z * z)
        # Half-way to the middle the brain as a whole gives way, mostly to the other side.
        center = (0.6 * x, 0.6 * y, 0.6 * z)
        return (Push(center, (-shift * x / long, -shift * y / long, 0.0), _REACH_MM),)
    return ()


def room_left(bleeds: Sequence[BleedParameters], head: HeadFields) -> HeadFields:
    """Return the head as the brain finds it: its cavity smaller by blood along the skull.

    Args:
        bleeds: The exam's bleeds.
        head: The head itself.
    """
    left = head
    for bleed in bleeds:
        if not isinstance(bleed.form, Crescent | Lens):
            continue
        window = bleed.form.box().window(head.grid, margin_mm=1.0)
        if window is None:
            continue
        if left is head:
            left = replace(head, vault=head.vault.copy(), cavity=head.cavity.copy())
        taken = -bleed.form.distance_mm(head.crop(window))
        taken -= np.float32(_GAP_MM)
        for field in (left.vault, left.cavity):
            np.maximum(field[window], taken, out=field[window])
    return left


def press_folds(
    bleed: BleedParameters, fields: BrainFields, hu: FloatArray, *, edge_mm: float
) -> None:
    """Press the folds near a mass shut, in place.

    Args:
        bleed: The mass; other bleeds do nothing.
        fields: The brain's distances.
        hu: Densities, float32, of the fields' shape.
        edge_mm: Width of edges.
    """
    pushes = _pushes(bleed)
    if not pushes:
        return
    strength = min(1.0, _EFFACED_A_MM * pushes[0].largest_mm)
    form = bleed.form
    if isinstance(form, Crescent | Lens):
        center = form.patch.center_mm
        radius = 0.7 * max(form.patch.half_length_mm, form.patch.half_height_mm)
    else:
        center, radius = pushes[0].center_mm, pushes[0].radius_mm
    grid = fields.head.grid
    window = grid.window(center, radius + _FADED * _EFFACED_MM)
    if window is None:
        return
    grid = grid.crop(window)
    squared = np.zeros(grid.shape, np.float32)
    for axis, middle in zip((grid.x, grid.y, grid.z), center, strict=True):
        apart = axis - np.float32(middle)
        apart *= apart
        squared += apart
    # Outside of the mass it fades.
    near = np.sqrt(squared, out=squared)
    near -= np.float32(radius)
    np.maximum(near, 0.0, out=near)
    near *= near
    near *= np.float32(-0.5 / _EFFACED_MM**2)
    np.exp(near, out=near)
    fluid = np.minimum(fields.folds[window], fields.cisterns[window])
    near *= fraction_inside(fluid, edge_mm)
    near *= np.float32(_EFFACED_SHARE * strength)
    part = hu[window]
    near *= np.maximum(np.float32(_PRESSED_HU) - part, 0.0)
    part += near
