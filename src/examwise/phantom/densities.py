"""Densities of some slices, from skin to blood, before a scanner makes an image of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from examwise.phantom.bleeds.mass_effect import press_folds, room_left
from examwise.phantom.bleeds.shapes import apply_swelling, blood_part
from examwise.phantom.brain.fields import brain_fields
from examwise.phantom.brain.tissue import brain_hu
from examwise.phantom.grid import FloatArray, bounding_window
from examwise.phantom.head.fields import head_fields
from examwise.phantom.head.tissue import outside_hu
from examwise.phantom.mimics.tissue import apply_mimics, apply_outside
from examwise.phantom.scanner.parameters import ScanParameters
from examwise.phantom.scanner.planes import mean_of_planes, slice_grid
from examwise.phantom.shapes import fraction_inside
from examwise.phantom.study import Study


@dataclass(frozen=True)
class BlockDensities:
    """Densities and blood of some slices, float32, shape (slices, matrix, matrix) each.

    Attributes:
        hu: Densities.
        rise_hu: How much of them is due to blood.
        blood: Fraction of each voxel that is blood, of each kind there is.
    """

    hu: FloatArray
    rise_hu: FloatArray
    blood: dict[str, FloatArray]


def slice_densities(
    study: Study, scan: ScanParameters, slices: range, *, matrix: int
) -> BlockDensities:
    """Return what some slices of a study hold.

    Args:
        study: The visit.
        scan: One of its series.
        slices: Which slices.
        matrix: Rows and columns.
    """
    edge_mm = max(scan.pixel_spacing_mm, 1.0)
    patient = study.patient
    whole = head_fields(patient.head, slice_grid(scan, matrix, slices))
    hu = outside_hu(patient.head, whole, edge_mm=edge_mm)
    apply_outside(study.mimics, patient.head, whole, hu, edge_mm=edge_mm)
    rise = np.zeros_like(hu)
    blood = {bleed.kind: np.zeros_like(hu) for bleed in study.bleeds}
    window = bounding_window(whole.cavity < edge_mm)
    if window is not None:
        head = whole.crop(window)
        fields = brain_fields(patient.brain, room_left(study.bleeds, head), study.pushes)
        inside = brain_hu(patient.brain, fields, edge_mm=edge_mm, contrast=scan.contrast)
        apply_mimics(study.mimics, fields, inside, edge_mm=edge_mm)
        for bleed in study.bleeds:
            press_folds(bleed, fields, inside, edge_mm=edge_mm)
            apply_swelling(bleed, fields, inside)
        before = inside.copy() if study.bleeds else inside
        for bleed in study.bleeds:
            found = blood_part(bleed, head, fields, edge_mm=edge_mm)
            if found is None:
                continue
            here = inside[found.window]
            here += found.fraction * (found.hu - here)
            of_kind = blood[bleed.kind][window][found.window]
            np.maximum(of_kind, found.visible, out=of_kind)
        within = fraction_inside(head.cavity, edge_mm)
        part = hu[window]
        if study.bleeds:
            rise[window] = within * (inside - before)
        part += within * (inside - part)
    return BlockDensities(
        hu=mean_of_planes(hu),
        rise_hu=mean_of_planes(rise),
        blood={kind: mean_of_planes(fraction) for kind, fraction in blood.items()},
    )
