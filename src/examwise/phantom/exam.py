"""One exam, rendered: stored pixel values, geometry and truth, whatever layout it is written in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examwise.phantom.anatomy import HeadParameters, sample_head
from examwise.phantom.bleed_shapes import bleed_fraction, swelling_fraction
from examwise.phantom.bleeds import KINDS, BleedParameters, sample_bleeds
from examwise.phantom.config import PhantomConfig
from examwise.phantom.fields import head_fields
from examwise.phantom.scan import (
    SUB_PLANES,
    ScanParameters,
    noise_hu,
    outside_circle,
    sample_points,
    sample_scan,
)
from examwise.phantom.shapes import FloatArray
from examwise.phantom.tissue import tissue_hu

_POINTS_AT_ONCE = 40_000
_MOST_GROWTHS = 12
_GROWTH = 1.2
_SEEN_FRACTION = 0.5
_SEEN_RISE_HU = 2.0
_LOWEST_HU, _HIGHEST_HU = -1024, 3071


@dataclass(frozen=True)
class RenderedExam:
    """An exam before it is written.

    Attributes:
        exam_number: Counts exams of the archive from 0.
        patient_number: Counts patients from 0.
        scan: Geometry.
        pixels_hu: int16, shape (slices, matrix, matrix); slice 0 is the lowest.
        unscanned: Pixels outside the scanned circle, bool, shape (matrix, matrix).
        positive: Whether each kind is visible, bool, shape (slices, 5), in the order of ``KINDS``:
            whether it fills more than half of, and makes denser, voxels of the stated area.
        volume_mm3: Blood of each kind in each slice, float64, shape (slices, 5).
    """

    exam_number: int
    patient_number: int
    scan: ScanParameters
    pixels_hu: npt.NDArray[np.int16]
    unscanned: npt.NDArray[np.bool_]
    positive: npt.NDArray[np.bool_]
    volume_mm3: npt.NDArray[np.float64]


def render_exam(config: PhantomConfig, exam_number: int, patient_number: int) -> RenderedExam:
    """Render an exam; a function of its arguments alone.

    Example:
        >>> config = PhantomConfig(matrix=16, min_slices=2, max_slices=2)
        >>> render_exam(config, 0, 0).pixels_hu.shape
        (2, 16, 16)
    """
    head = sample_head(config.seed, patient_number)
    scan = sample_scan(config, exam_number)
    bleeds = sample_bleeds(config, exam_number, head, scanned_mm=scan.scanned_mm())
    for _ in range(_MOST_GROWTHS):
        hu, blood, denser = _render(head, scan, bleeds, config.matrix)
        positive, volume_mm3 = _truth(blood, denser, scan, config)
        seen = {KINDS[kind] for kind in np.flatnonzero(positive.any(axis=0)).tolist()}
        if all(bleed.kind in seen for bleed in bleeds):
            break
        # A bleed too small to be seen would make the exam's label a matter of opinion.
        bleeds = tuple(b if b.kind in seen else b.grown(_GROWTH) for b in bleeds)
    for index in range(scan.n_slices):
        hu[index] += noise_hu(config.seed, exam_number, index, scan, config.matrix)
    return RenderedExam(
        exam_number=exam_number,
        patient_number=patient_number,
        scan=scan,
        pixels_hu=np.clip(np.rint(hu), _LOWEST_HU, _HIGHEST_HU).astype(np.int16),
        unscanned=outside_circle(config.matrix),
        positive=positive,
        volume_mm3=volume_mm3,
    )


def _render(
    head: HeadParameters, scan: ScanParameters, bleeds: tuple[BleedParameters, ...], matrix: int
) -> tuple[FloatArray, FloatArray, npt.NDArray[np.bool_]]:
    """Return densities, fractions of blood (kinds first), and where blood makes it denser."""
    edge_mm = max(scan.pixel_spacing_mm, 1.0)
    hu = np.empty((scan.n_slices, matrix, matrix), np.float32)
    clean_hu = np.empty_like(hu)
    blood = np.zeros((len(KINDS), *hu.shape), np.float32)
    at_once = max(1, _POINTS_AT_ONCE // (SUB_PLANES * matrix * matrix))
    for first in range(0, scan.n_slices, at_once):
        block = slice(first, min(first + at_once, scan.n_slices))
        fields = head_fields(head, sample_points(scan, matrix, range(block.start, block.stop)))
        sampled = tissue_hu(head, fields, edge_mm=edge_mm)
        clean_hu[block] = _mean_of_planes(sampled)
        for bleed in bleeds:
            fraction = bleed_fraction(bleed, fields, edge_mm=edge_mm)
            if bleed.swelling_hu:
                sampled += bleed.swelling_hu * swelling_fraction(bleed, fields)
            sampled += fraction * (bleed.hu - sampled)
            of_kind = blood[KINDS.index(bleed.kind), block]
            np.maximum(of_kind, _mean_of_planes(fraction), out=of_kind)
        hu[block] = _mean_of_planes(sampled)
    return hu, blood, hu - clean_hu > _SEEN_RISE_HU


def _mean_of_planes(sampled: FloatArray) -> FloatArray:
    planes, rows, columns = sampled.shape
    return sampled.reshape(planes // SUB_PLANES, SUB_PLANES, rows, columns).mean(axis=1)


def _truth(
    blood: FloatArray,
    denser: npt.NDArray[np.bool_],
    scan: ScanParameters,
    config: PhantomConfig,
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]]:
    pixel_mm2 = scan.pixel_spacing_mm**2
    # Blood in a voxel that is part bone is darker than the bone it displaces: nobody can see it.
    seen = (blood > _SEEN_FRACTION) & denser
    area_mm2 = seen.sum(axis=(2, 3)).T * pixel_mm2
    volume_mm3 = blood.sum(axis=(2, 3), dtype=np.float64).T * pixel_mm2 * scan.slice_spacing_mm
    return (area_mm2 > 0) & (area_mm2 >= config.visible_area_mm2), volume_mm3
