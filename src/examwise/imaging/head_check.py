"""Whether a series' pixels are those of a plain head, whatever its headers say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from examwise.imaging.volume import Volume

COARSEST_MM = 6.0
"""Pixels wider than this show no skull: nothing is said of such a series."""

LEAST_CRANIAL_MM = 40.0
"""Less extent of skull around brain is no whole head; the smallest synthetic head has 55 mm."""

LEAST_CLOSED_MM = 15.0
"""Of that, with bone nearly all around; where a flap was taken out the rest may be open."""

LEAST_CRANIAL_SHARE = 0.25
"""Of all slices; head and neck together have more, a whole body less."""

LEAST_ENHANCED_ML = 1.2
LEAST_ENHANCED_MM2 = 3.0
"""From both on a head counts as enhanced; how they were chosen stands in :func:`head_refusal`."""

_COARSE_MM, _THROUGH_MM = 3.0, 4.0
_FINE_MM, _COARSEST_VESSEL_MM = 1.5, 4.0
_TISSUE_HU, _BONE_HU, _DENSE_BONE_HU = -300, 180, 250
_BRAIN_HU, _BRAIN_MEDIAN_HU, _LEAST_BRAIN = (-10.0, 100.0), (5.0, 65.0), 0.75
_HALF_AXES_MM = (40.0, 150.0)
_DIRECTIONS, _LEAST_RING, _CLOSED_RING = 36, 0.6, 0.9
# Squared distances from the centre, in units of the surface's.
_CORE, _OUTER, _WITHIN = 0.4, 0.25, 0.72
_VESSEL_HU, _VESSEL_PEAK_HU, _FROM_BONE_MM = 80, 100, 3.5

_Floats = npt.NDArray[np.float32]
_Spacing = npt.NDArray[np.float64]


@dataclass(frozen=True)
class HeadFacts:
    """What a series' pixels show.

    Attributes:
        cranial_mm: Extent of the slices that show a skull around brain.
        cranial_share: Share of slices that do.
        closed_mm: Extent of those with bone nearly all around.
        enhanced_ml: Volume of what is as dense as enhanced vessels, within the skull and away
            from bone, 0 where it is in less than half of the slices; None where pixels are too
            wide to tell.
        enhanced_mm2: Its area in a slice, the median of these slices.
    """

    cranial_mm: float
    cranial_share: float
    closed_mm: float
    enhanced_ml: float | None
    enhanced_mm2: float | None


def head_refusal(volume: Volume) -> str:
    """Return why a series is no plain head by its pixels; empty if it may be one.

    A head is a ring of bone of a head's size around what has the density of brain, over at least
    40 mm and a quarter of the slices. Post-contrast is a head in which vessels stand out all
    over: parts above 80 HU with a peak above 100 HU, 3.5 mm away from dense bone, together at
    least 1.2 ml, in half of the slices at least 3 mm². Bleeds have 50 to 90 HU, and calcified
    choroid, pineal body or falx lie in fewer slices (up to 44% of them in the heads below).

    The thresholds come from 319 plain and 43 enhanced synthetic series (vessels of 130 to 220 HU;
    bleeds, calcifications and diluted contrast medium of an earlier scan among the plain ones)
    and a real plain head: none of the plain ones reaches the area. That costs a fifth of the
    enhanced ones, which pass.

    Args:
        volume: The series, as acquired.

    Returns:
        ``not_head``, ``contrast`` or nothing. A sharp kernel is not told: its noise cannot be
        told from that of a thin slice once pixels are wide.
    """
    facts = head_facts(volume)
    if facts is None:
        return ""
    if (
        facts.cranial_mm < LEAST_CRANIAL_MM
        or facts.closed_mm < LEAST_CLOSED_MM
        or facts.cranial_share < LEAST_CRANIAL_SHARE
    ):
        return "not_head"
    if facts.enhanced_ml is None or facts.enhanced_mm2 is None:
        return ""
    enhanced = facts.enhanced_ml >= LEAST_ENHANCED_ML and facts.enhanced_mm2 >= LEAST_ENHANCED_MM2
    return "contrast" if enhanced else ""


def head_facts(volume: Volume) -> HeadFacts | None:
    """Measure a series on a coarse copy; None where its pixels are too wide to show a skull.

    Args:
        volume: The series, as acquired.
    """
    if max(volume.row_spacing_mm, volume.column_spacing_mm) > COARSEST_MM:
        return None
    first_slices = _first_slices(volume.positions_mm)
    heights = _mean_of_runs(volume.positions_mm, first_slices)
    extents = np.gradient(heights) if len(heights) > 1 else np.zeros(1)
    spacing_mm = np.array([volume.row_spacing_mm, volume.column_spacing_mm])
    every = max(1, round(_COARSE_MM / spacing_mm.max()))
    coarse = _sample(volume.pixels_hu, first_slices, every)
    tissue = _tissue(coarse, spacing_mm * every)
    cranial, ring = _cranial(coarse, tissue, spacing_mm * every)
    closed = cranial & (ring >= _CLOSED_RING)
    enhanced: tuple[float | None, float | None] = None, None
    if closed.any() and spacing_mm.max() <= _COARSEST_VESSEL_MM:
        areas_mm2 = _enhanced_mm2(volume.pixels_hu, first_slices, closed, tissue, spacing_mm)
        enhanced = float(areas_mm2 @ extents) / 1000, float(np.median(areas_mm2[closed]))
    return HeadFacts(
        cranial_mm=float(extents[cranial].sum()),
        cranial_share=float(cranial.mean()),
        closed_mm=float(extents[closed].sum()),
        enhanced_ml=enhanced[0],
        enhanced_mm2=enhanced[1],
    )


class _Tissue(NamedTuple):
    """Each slice's tissue, taken for an ellipse: (rows, columns) in mm, shape (slices, 2)."""

    centre_mm: _Floats
    half_axes_mm: _Floats

    def places(self, shape: tuple[int, ...], spacing_mm: _Spacing) -> tuple[_Floats, _Floats]:
        """Return each row's and column's distance from the centre, 1 and -1 on the surface.

        Shapes (slices, rows, 1) and (slices, 1, columns).
        """
        rows, columns = (
            (np.arange(size, dtype=np.float32) * np.float32(spacing) - self.centre_mm[:, [axis]])
            / self.half_axes_mm[:, [axis]]
            for axis, (size, spacing) in enumerate(zip(shape, spacing_mm, strict=True))
        )
        return rows[:, :, None], columns[:, None, :]


def _first_slices(positions_mm: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    """Return where each run of neighbours starts that is looked at as one: thin ones are noisy."""
    n_slices = len(positions_mm)
    step = float(np.median(np.diff(positions_mm))) if n_slices > 1 else _THROUGH_MM
    return np.arange(0, n_slices, max(1, round(_THROUGH_MM / step)))


def _mean_of_runs(
    values: npt.NDArray[np.floating[Any]], first: npt.NDArray[np.intp]
) -> npt.NDArray[np.floating[Any]]:
    if len(first) == len(values):
        return values
    lengths = np.diff(first, append=len(values)).astype(values.dtype)
    return np.add.reduceat(values, first) / lengths.reshape(-1, *(1,) * (values.ndim - 1))


def _sample(
    pixels_hu: npt.NDArray[np.int16], first_slices: npt.NDArray[np.intp], every: int
) -> npt.NDArray[np.floating[Any]]:
    """Return every so many pixels, each the mean of two so that noise counts less."""
    rows, columns = (size // every * every for size in pixels_hu.shape[1:])
    sampled = pixels_hu[:, :rows:every, :columns:every].astype(np.float32)
    if every > 1:
        half = every // 2
        sampled += pixels_hu[:, half:rows:every, half:columns:every]
        sampled /= 2
    return _mean_of_runs(sampled, first_slices)


def _tissue(coarse: npt.NDArray[np.floating[Any]], spacing_mm: _Spacing) -> _Tissue:
    is_tissue = coarse > _TISSUE_HU
    found = []
    for axis, spacing in zip((2, 1), spacing_mm, strict=True):
        profile = is_tissue.sum(axis=axis, dtype=np.float32)
        places = np.arange(profile.shape[1], dtype=np.float32) * np.float32(spacing)
        total = np.maximum(profile.sum(axis=1), 1)
        centre = profile @ places / total
        variance = (profile * (places - centre[:, None]) ** 2).sum(axis=1) / total
        # Of an ellipse the variance along an axis is a quarter of the squared half axis.
        found.append((centre, np.maximum(2 * np.sqrt(variance), np.float32(1e-3))))
    centres, half_axes = zip(*found, strict=True)
    return _Tissue(np.stack(centres, axis=1), np.stack(half_axes, axis=1))


def _cranial(
    coarse: npt.NDArray[np.floating[Any]], tissue: _Tissue, spacing_mm: _Spacing
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]]:
    """Tell which slices show a skull around brain, and the share of directions with bone."""
    from_row, from_column = tissue.places(coarse.shape[1:], spacing_mm)
    distance = from_row**2 + from_column**2
    slices, rows, columns = np.nonzero((coarse > _BONE_HU) & (distance > _OUTER))
    angles = np.arctan2(from_row[slices, rows, 0], from_column[slices, 0, columns])
    directions = np.floor((angles / (2 * np.pi) + 0.5) * _DIRECTIONS).astype(int) % _DIRECTIONS
    seen = np.zeros((len(coarse), _DIRECTIONS), bool)
    seen[slices, directions] = True
    ring = seen.mean(axis=1)
    smallest, largest = _HALF_AXES_MM
    of_a_size = ((tissue.half_axes_mm >= smallest) & (tissue.half_axes_mm <= largest)).all(axis=1)
    cranial = of_a_size & (ring >= _LEAST_RING)
    for index in np.flatnonzero(cranial):
        core = coarse[index][distance[index] < _CORE]
        brain = (core > _BRAIN_HU[0]) & (core < _BRAIN_HU[1])
        low, high = _BRAIN_MEDIAN_HU
        cranial[index] = brain.mean() >= _LEAST_BRAIN and low <= np.median(core) <= high
    return cranial, ring


def _enhanced_mm2(
    pixels_hu: npt.NDArray[np.int16],
    first_slices: npt.NDArray[np.intp],
    closed: npt.NDArray[np.bool_],
    tissue: _Tissue,
    spacing_mm: _Spacing,
) -> npt.NDArray[np.float64]:
    """Return each slice's area of what is as dense as enhanced vessels.

    All zero where less than half of the slices have any such density, whatever it is.
    """
    areas = np.zeros(len(closed))
    places = np.flatnonzero(closed)
    # With the next slices: their bone blurs into these.
    looked_at = slice(max(places[0] - 1, 0), places[-1] + 2)
    ends = np.append(first_slices, len(pixels_hu))[looked_at.start : looked_at.stop + 1]
    low = (tissue.centre_mm - tissue.half_axes_mm)[closed].min(axis=0) / spacing_mm
    high = (tissue.centre_mm + tissue.half_axes_mm)[closed].max(axis=0) / spacing_mm
    corner, (row_stop, column_stop) = np.maximum(low, 0).astype(int), high.astype(int) + 1
    every = max(1, round(_FINE_MM / spacing_mm.max()))
    cropped = pixels_hu[ends[0] : ends[-1], corner[0] : row_stop, corner[1] : column_stop]
    fine = _sample(cropped, ends[:-1] - ends[0], every)
    of_these = _Tissue(
        tissue.centre_mm[looked_at] - (corner * spacing_mm).astype(np.float32),
        tissue.half_axes_mm[looked_at],
    )
    from_row, from_column = of_these.places(fine.shape[1:], spacing_mm * every)
    dense = (fine > _VESSEL_HU) & (from_row**2 + from_column**2 < _WITHIN)
    dense &= ~_near(fine > _DENSE_BONE_HU, spacing_mm * every)
    dense &= closed[looked_at, None, None]
    if np.median(dense[closed[looked_at]].sum(axis=(1, 2))):
        parts, n_parts = ndimage.label(dense, np.ones((3, 3, 3), int))
        has_peak = np.zeros(n_parts + 1, bool)
        has_peak[parts[dense & (fine > _VESSEL_PEAK_HU)]] = True
        areas[looked_at] = has_peak[parts].sum(axis=(1, 2)) * (spacing_mm * every).prod()
    return areas


def _near(bone: npt.NDArray[np.bool_], spacing_mm: _Spacing) -> npt.NDArray[np.bool_]:
    """Widen bone to its neighbourhood, and to the next slices."""
    near = bone.copy()
    near[1:] |= bone[:-1]
    near[:-1] |= bone[1:]
    for axis, spacing in enumerate(spacing_mm, start=1):
        line = np.moveaxis(near, axis, 0)
        seed = line.copy()
        for shift in range(1, max(1, round(_FROM_BONE_MM / spacing)) + 1):
            line[shift:] |= seed[:-shift]
            line[:-shift] |= seed[shift:]
    return near
