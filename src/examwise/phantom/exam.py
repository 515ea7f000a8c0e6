"""One exam, rendered: stored pixel values, geometry and truth, whatever layout it is written in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from examwise.core.randomness import generator
from examwise.phantom.bleeds.parameters import KINDS
from examwise.phantom.config import PhantomConfig
from examwise.phantom.densities import BlockDensities, slice_densities
from examwise.phantom.scanner.image import acquire_slice, outside_circle
from examwise.phantom.scanner.parameters import ScanParameters
from examwise.phantom.scanner.planes import SUB_PLANES
from examwise.phantom.study import Study, sample_study

_POINTS_AT_ONCE = 150_000
_MOST_GROWTHS = 12
_GROWTH = 1.2
_SEEN_FRACTION = 0.5
_SEEN_RISE_HU = 2.0


@dataclass(frozen=True)
class RenderedSeries:
    """A series before it is written.

    Attributes:
        scan: Geometry and image quality.
        pixels_hu: int16, shape (slices, matrix, matrix); slice 0 is the lowest.
        unscanned: Pixels outside the scanned circle, bool, shape (matrix, matrix).
        masks: Which kinds fill more than half of, and make denser, each voxel: uint8, shape
            (slices, matrix, matrix); bit k is kind k of ``KINDS``.
        positive: Whether each kind is visible, bool, shape (slices, 5): whether its mask has the
            stated area.
        volume_mm3: Blood of each kind in each slice, float64, shape (slices, 5).
    """

    scan: ScanParameters
    pixels_hu: npt.NDArray[np.int16]
    unscanned: npt.NDArray[np.bool_]
    masks: npt.NDArray[np.uint8]
    positive: npt.NDArray[np.bool_]
    volume_mm3: npt.NDArray[np.float64]

    def mask_of(self, kind: str) -> npt.NDArray[np.bool_]:
        """Return where one kind of blood is, in slices where it is visible; bool."""
        bit = KINDS.index(kind)
        shown = (self.masks >> bit & 1).astype(bool)
        return shown & self.positive[:, bit, None, None]


@dataclass(frozen=True)
class RenderedExam:
    """An exam before it is written.

    Attributes:
        study: What it was rendered from.
        series: The exam's own series.
        further: Other series of the study.
    """

    study: Study
    series: RenderedSeries
    further: tuple[RenderedSeries, ...]


def render_exam(
    config: PhantomConfig, exam_number: int, patient_number: int, *, further_series: bool = False
) -> RenderedExam:
    """Render an exam; a function of its arguments alone.

    Args:
        config: The archive.
        exam_number: Which exam.
        patient_number: Of which patient.
        further_series: Whether to render other series of the study as well.

    Example:
        >>> config = PhantomConfig(matrix=16, min_slices=2, max_slices=2)
        >>> render_exam(config, 0, 0).series.pixels_hu.shape
        (2, 16, 16)
    """
    study = sample_study(config, exam_number, patient_number)
    # Matrix products must not depend on how many threads a process happens to have.
    with threadpool_limits(1):
        study, series = _visible(config, study)
        scans = study.further_scans if further_series else ()
        further = tuple(
            _render(config, study, scan, name=f"series {number}")
            for number, scan in enumerate(scans)
        )
    return RenderedExam(study, series, further)


def _visible(config: PhantomConfig, study: Study) -> tuple[Study, RenderedSeries]:
    """Render the exam's own series; every kind that stays in the study is visible in it."""
    for growths in range(_MOST_GROWTHS + 2):
        series = _render(config, study, study.scan, name="exam")
        seen = {KINDS[kind] for kind in np.flatnonzero(series.positive.any(axis=0)).tolist()}
        if all(bleed.kind in seen for bleed in study.bleeds):
            break
        # A bleed too small to be seen would make the exam's label a matter of opinion.
        kept = [b for b in study.bleeds if b.kind in seen or growths < _MOST_GROWTHS]
        grown = tuple(b if b.kind in seen else b.grown(_GROWTH) for b in kept)
        study = replace(study, bleeds=grown)
    return study, series


def _render(
    config: PhantomConfig, study: Study, scan: ScanParameters, *, name: str
) -> RenderedSeries:
    shape = (scan.n_slices, config.matrix, config.matrix)
    pixels = np.empty(shape, np.int16)
    masks = np.zeros(shape, np.uint8)
    volume_mm3 = np.zeros((scan.n_slices, len(KINDS)))
    voxel_mm3 = scan.pixel_spacing_mm**2 * scan.slice_share_mm()
    for block, found in _blocks(study, scan, config.matrix):
        for kind, fraction in found.blood.items():
            bit = KINDS.index(kind)
            # Blood in a voxel that is part bone is darker than the bone it displaces: nobody can
            # see it.
            seen = (fraction > _SEEN_FRACTION) & (found.rise_hu > _SEEN_RISE_HU)
            masks[block] |= seen.astype(np.uint8) << np.uint8(bit)
            total = fraction.sum(axis=(1, 2), dtype=np.float64)
            volume_mm3[block, bit] = total * voxel_mm3[block]
        for index, hu in zip(range(block.start, block.stop), found.hu, strict=True):
            of_slice = generator(
                config.seed, "noise", config.hospital, study.exam_number, name, index
            )
            pixels[index] = acquire_slice(hu, scan, index, of_slice)
    areas = [(masks >> bit & 1).sum(axis=(1, 2)) for bit in range(len(KINDS))]
    area_mm2 = np.stack(areas, axis=1) * scan.pixel_spacing_mm**2
    return RenderedSeries(
        scan=scan,
        pixels_hu=pixels,
        unscanned=outside_circle(config.matrix),
        masks=masks,
        positive=(area_mm2 > 0) & (area_mm2 >= config.visible_area_mm2),
        volume_mm3=volume_mm3,
    )


def _blocks(
    study: Study, scan: ScanParameters, matrix: int
) -> Iterator[tuple[slice, BlockDensities]]:
    at_once = max(1, _POINTS_AT_ONCE // (SUB_PLANES * matrix * matrix))
    for first in range(0, scan.n_slices, at_once):
        block = range(first, min(first + at_once, scan.n_slices))
        yield slice(block.start, block.stop), slice_densities(study, scan, block, matrix=matrix)
