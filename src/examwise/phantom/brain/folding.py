"""Patterns of sulci on maps of the brain's surface: evenly spaced furrows that branch and end.

Furrows are the valleys of a field that is made stripy by filtering and saturating it in turn, as
in pattern formation by local growth and lateral inhibition (Swift and Hohenberg, 1977); the named
sulci are kept as valleys all along. Maps are square; a map's value is looked up by the nearest
point, so they are finer than the pattern needs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage

from examwise.phantom.grid import FloatArray

_COARSE = 96
_FINER = 4
_STEPS = 6
_BAND = 0.22
_FORCE = 1.6
_GAIN = 1.5


@dataclass(frozen=True)
class MappedSulcus:
    """A named sulcus on a map.

    Attributes:
        path: Points along it, in units of the map's half width, float64, shape (points, 2).
        depth_mm: How deep it is.
        opening_mm: By how much it is wider than others.
    """

    path: npt.NDArray[np.float64]
    depth_mm: float
    opening_mm: float


@dataclass(frozen=True)
class FoldMap:
    """Furrows on a map.

    Attributes:
        distance_mm: To the nearest furrow's middle, less its opening, float32, square.
        depth_mm: How deep the nearest furrow is, float32, square.
    """

    distance_mm: FloatArray
    depth_mm: FloatArray


class FoldAtlas:
    """Maps of the left and the right side, to be looked up together.

    Args:
        left: The left side's map.
        right: The right side's, as large.
        reach: Half width of the maps in the coordinates points are given by.
    """

    def __init__(self, left: FoldMap, right: FoldMap, *, reach: float) -> None:
        self._size = len(left.distance_mm)
        self._reach = reach
        self._distance = np.concatenate([left.distance_mm.ravel(), right.distance_mm.ravel()])
        self._depth = np.concatenate([left.depth_mm.ravel(), right.depth_mm.ravel()])

    def look_up(
        self, row: FloatArray, column: FloatArray, on_right: npt.NDArray[np.bool_]
    ) -> tuple[FloatArray, FloatArray]:
        """Return distance and depth at points given by side and coordinates on the maps."""
        scale = np.float32(0.5 * self._size / self._reach)
        middle = np.float32(0.5 * self._size)
        index = (row * scale + middle).astype(np.int32)
        index += on_right * np.int32(self._size)
        index *= np.int32(self._size)
        index += (column * scale + middle).astype(np.int32)
        return self._distance.take(index, mode="clip"), self._depth.take(index, mode="clip")


def fold_map(
    random: np.random.Generator,
    sulci: Iterable[MappedSulcus],
    *,
    half_width_mm: float,
    spacing_mm: float,
    depth_mm: tuple[float, float],
) -> FoldMap:
    """Return a map of furrows.

    Args:
        random: Source of randomness.
        sulci: Named sulci.
        half_width_mm: Half width of the map.
        spacing_mm: Mean distance between neighbouring furrows.
        depth_mm: Depth of unnamed furrows, shallowest and deepest.
    """
    sulci = tuple(sulci)
    pixel_mm = 2 * half_width_mm / _COARSE
    waves = np.hypot(
        fft.fftfreq(_COARSE, pixel_mm)[:, None], fft.rfftfreq(_COARSE, pixel_mm)[None, :]
    )
    band = np.exp(-0.5 * ((waves * spacing_mm - 1.0) / _BAND) ** 2).astype(np.float32)
    slow = np.exp(-0.5 * (waves * 2.2 * spacing_mm) ** 2).astype(np.float32)
    lines, depth, opening = _drawn(sulci, pixel_mm)
    noise = random.standard_normal((2, _COARSE, _COARSE)).astype(np.float32)
    near = np.exp(-0.5 * (lines / (0.22 * spacing_mm)) ** 2)
    flank = np.exp(-0.5 * ((lines - 0.5 * spacing_mm) / (0.22 * spacing_mm)) ** 2)
    force = np.float32(_FORCE) * (flank - near)
    level = _filtered(noise[0], band)
    for _ in range(_STEPS):
        level *= np.float32(_GAIN) / level.std()
        level = _filtered(np.tanh(level + force), band)
    varied = _filtered(noise[1], slow)
    varied *= np.float32(1.0 / varied.std())
    shallow, deep = depth_mm
    unnamed = np.clip(
        np.float32(0.5 * (shallow + deep)) + np.float32(0.35 * (deep - shallow)) * varied,
        np.float32(shallow),
        np.float32(deep),
    )
    weight = np.exp(-0.5 * (lines / (0.35 * spacing_mm)) ** 2)
    depth = unnamed + weight * (depth - unnamed)
    opening *= np.exp(-0.5 * (lines / 4.0) ** 2)
    distance = _valley_phase(level)
    distance *= np.float32(0.5 * spacing_mm / math.pi)
    distance -= _enlarged(fft.rfft2(opening))
    return FoldMap(distance, _enlarged(fft.rfft2(depth)))


def _valley_phase(level: FloatArray) -> FloatArray:
    """Return the phase of a stripy field from its valleys, 0 to pi, on the finer map.

    The Riesz transform turns a stripe by a quarter of its period, whatever its direction and
    height (Felsberg and Sommer, 2001).
    """
    spectrum = fft.rfft2(level)
    down = fft.fftfreq(_COARSE)[:, None].astype(np.float32)
    across = fft.rfftfreq(_COARSE)[None, :].astype(np.float32)
    length = np.hypot(down, across)
    length[0, 0] = 1.0
    turned = np.hypot(
        _enlarged(spectrum * (1j * down / length)), _enlarged(spectrum * (1j * across / length))
    )
    return np.arctan2(turned, -_enlarged(spectrum))


def _enlarged(spectrum: npt.NDArray[np.complex64]) -> FloatArray:
    """Return a periodic field, given by its spectrum, on the finer map."""
    half = _COARSE // 2
    fine = _FINER * _COARSE
    padded = np.zeros((fine, fine // 2 + 1), np.complex64)
    padded[:half, : half + 1] = spectrum[:half]
    padded[-half:, : half + 1] = spectrum[half:]
    padded *= np.float32(_FINER**2)
    found: FloatArray = fft.irfft2(padded, s=(fine, fine))
    return found


def _filtered(values: FloatArray, band: FloatArray) -> FloatArray:
    found: FloatArray = fft.irfft2(fft.rfft2(values) * band, s=values.shape)
    return found


def _drawn(
    sulci: tuple[MappedSulcus, ...], pixel_mm: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return each map point's distance to the nearest named sulcus, its depth and opening."""
    number = np.full((_COARSE, _COARSE), -1, np.int32)
    for index, sulcus in enumerate(sulci):
        along = np.arange(len(sulcus.path))
        fine = np.linspace(0, len(sulcus.path) - 1, 60)
        points = np.stack([np.interp(fine, along, axis) for axis in sulcus.path.T])
        rows, columns = ((points + 1.0) * (0.5 * _COARSE)).astype(np.int64)
        inside = (rows >= 0) & (rows < _COARSE) & (columns >= 0) & (columns < _COARSE)
        number[rows[inside], columns[inside]] = index
    distance, nearest = ndimage.distance_transform_edt(
        number < 0, sampling=pixel_mm, return_indices=True
    )
    of = number[tuple(nearest)]
    depths = np.array([sulcus.depth_mm for sulcus in sulci], np.float32)
    openings = np.array([sulcus.opening_mm for sulcus in sulci], np.float32)
    return distance.astype(np.float32), depths[of], openings[of]
