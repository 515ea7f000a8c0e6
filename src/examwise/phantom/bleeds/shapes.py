"""How much of each voxel is blood, and what it does to densities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from examwise.phantom.bleeds.along_skull import Crescent, Lens
from examwise.phantom.bleeds.blobs import Blobs
from examwise.phantom.bleeds.parameters import BleedParameters
from examwise.phantom.bleeds.site import Site
from examwise.phantom.brain.fields import BrainFields
from examwise.phantom.grid import FloatArray, Window
from examwise.phantom.head.fields import HeadFields
from examwise.phantom.shapes import fraction_inside

# Oedema draws water into tissue, not into fluid: nothing gets darker than this.
_DARKEST_HU = 12.0
_OUTLINE_MM = 1.0


@dataclass(frozen=True)
class BloodPart:
    """Blood of one bleed, where it can be.

    Attributes:
        window: Which part of the fields.
        fraction: How much of each voxel it fills, 0 to 1, float32, of the window's shape.
        hu: Its density, float32, of the window's shape.
        visible: How much of each voxel is blood that counts as seen, 0 to 1.
    """

    window: Window
    fraction: FloatArray
    hu: FloatArray
    visible: FloatArray


def blood_part(
    bleed: BleedParameters, head: HeadFields, fields: BrainFields, *, edge_mm: float
) -> BloodPart | None:
    """Return a bleed's blood, or None if it is elsewhere.

    Args:
        bleed: The bleed.
        head: Distances to the skull.
        fields: Distances of the brain that is left room by blood along the skull; same grid.
        edge_mm: Width of edges; about the size of a voxel.
    """
    form = bleed.form
    margin = 0.5 * (edge_mm + bleed.edge_mm)
    window = form.box().window(head.grid, margin_mm=margin)
    if window is None:
        return None
    if isinstance(form, Crescent | Lens):
        around = head.crop(window)
        distance = form.distance_mm(around)
    else:
        site = Site(fields, window)
        around = site.head
        distance = form.distance_mm(site)
    fraction = fraction_inside(distance, edge_mm + bleed.edge_mm)
    fraction *= fraction_inside(around.cavity, edge_mm)
    hu = bleed.texture.on(around.grid)
    hu *= np.float32(bleed.texture_hu)
    hu += np.float32(bleed.hu)
    visible = fraction
    if bleed.light is not None:
        light = bleed.light.bands.on(around.grid)
        if bleed.light.level_mm is None:
            light *= np.float32(1.0 / bleed.light.bands.wave_number)
        else:
            light *= np.float32(_OUTLINE_MM)
            light += around.grid.y - np.float32(bleed.light.level_mm)
        settled = fraction_inside(-light, edge_mm + 2.0)
        hu -= (np.float32(1.0) - settled) * np.float32(bleed.hu - bleed.light.hu)
        if bleed.light.old:
            visible = fraction * settled
    return BloodPart(window, fraction, hu, visible)


def bleed_fraction(bleed: BleedParameters, fields: BrainFields, *, edge_mm: float) -> FloatArray:
    """Return the fraction of blood that counts as seen, 0 to 1, float32, of the fields' shape.

    Args:
        bleed: The bleed.
        fields: The distances of the head that it is in.
        edge_mm: Width of edges; about the size of a voxel.
    """
    fraction = np.zeros(fields.head.grid.shape, np.float32)
    part = blood_part(bleed, fields.head, fields, edge_mm=edge_mm)
    if part is not None:
        fraction[part.window] = part.visible
    return fraction


def apply_swelling(bleed: BleedParameters, fields: BrainFields, hu: FloatArray) -> None:
    """Darken the rim of oedema around a bleed in the brain, in place.

    Args:
        bleed: The bleed.
        fields: The brain's distances.
        hu: Densities, float32, of the fields' shape.
    """
    form = bleed.form
    if not bleed.swelling_hu or not isinstance(form, Blobs):
        return
    window = form.box().window(fields.head.grid, margin_mm=1.5 * bleed.swelling_mm)
    if window is None:
        return
    site = Site(fields, window)
    distance = form.lump_mm(site)
    distance -= np.float32(bleed.swelling_mm)
    darker = fraction_inside(distance, max(bleed.swelling_mm, 1.0))
    darker *= np.float32(bleed.swelling_hu)
    part = hu[window]
    np.maximum(darker, np.minimum(np.float32(_DARKEST_HU) - part, 0.0), out=darker)
    part += darker
