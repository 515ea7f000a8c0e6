"""Projections on a coarse grid: line integrals, and the image that errors in them give.

Images are squares of :data:`CELLS` × :data:`CELLS` cells on the scanned circle; lengths are in
cells. Projections of an image, its transpose and their mirror images at angles from 0 to 45 degrees
are all its projections, so one small matrix serves for every angle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.interpolate import BSpline
from scipy.sparse import csr_array

from examwise.phantom.grid import FloatArray

CELLS = 80
_OCTANT_ANGLES = 20
N_VIEWS = 4 * _OCTANT_ANGLES

SINOGRAM_SHAPE = (4, _OCTANT_ANGLES, CELLS)
"""Symmetry, angle, detector: the shape of the projections of one image."""


@dataclass(frozen=True)
class Projector:
    """Projects images and projects back.

    Attributes:
        weights: Length of each ray in each cell, sparse, (angles × detectors, cells).
        back_weights: Its transpose.
        ramp: Filters a view, float32, shape (detectors, detectors).
        across: Direction along the detector of each view (x, y), shape (2, 4, angles).
    """

    weights: Any
    back_weights: Any
    ramp: FloatArray
    across: FloatArray

    def forward(self, images: FloatArray) -> FloatArray:
        """Return the projections of images.

        Args:
            images: float32, shape (images, CELLS, CELLS).

        Returns:
            float32, shape (images, 4, angles, CELLS).
        """
        turned = images.transpose(0, 2, 1)
        views = np.stack([images, turned, images[:, :, ::-1], turned[:, :, ::-1]], axis=1)
        stacked = np.ascontiguousarray(views.reshape(-1, CELLS * CELLS).T)
        rays = np.asarray(self.weights @ stacked)
        return np.ascontiguousarray(rays.T).reshape(len(images), *SINOGRAM_SHAPE)

    def back(self, projections: FloatArray) -> FloatArray:
        """Return the mean over views of what each lays upon the image.

        Args:
            projections: float32, shape (images, 4, angles, CELLS).

        Returns:
            float32, shape (images, CELLS, CELLS).
        """
        count = len(projections)
        stacked = np.ascontiguousarray(projections.reshape(count * 4, -1).T)
        found = np.asarray(self.back_weights @ stacked).T.reshape(count, 4, CELLS, CELLS)
        total = found[:, 0] + found[:, 1].transpose(0, 2, 1)
        total += found[:, 2, :, ::-1]
        total += found[:, 3, :, ::-1].transpose(0, 2, 1)
        total *= np.float32(1.0 / N_VIEWS)
        return total

    def filtered(self, projections: FloatArray) -> FloatArray:
        """Return projections as they must be for their back-projection to be the image."""
        return (projections @ self.ramp) * np.float32(math.pi)


@lru_cache(maxsize=1)
def projector() -> Projector:
    """Return the one projector of this process.

    Example:
        >>> images = np.zeros((1, CELLS, CELLS), np.float32)
        >>> images[0, 24:40, 24:40] = 100.0
        >>> found = projector()
        >>> again = found.back(found.filtered(found.forward(images)))
        >>> bool(95.0 < again[0, 28:36, 28:36].mean() < 105.0)
        True
    """
    angles = (np.arange(_OCTANT_ANGLES, dtype=np.float64) + 0.5) * (math.pi / 4 / _OCTANT_ANGLES)
    weights = csr_array(_ray_weights(angles).astype(np.float32))
    cosine, sine = np.cos(angles), np.sin(angles)
    across = np.array([[cosine, sine, -cosine, sine], [sine, cosine, sine, -cosine]], np.float32)
    return Projector(weights, csr_array(weights.T), _ramp(), across)


def _ray_weights(angles: npt.NDArray[np.float64]) -> csr_array:
    # The share of a square cell that a detector element sees, as an area: three boxes convolved.
    middles = np.arange(CELLS) - (CELLS - 1) / 2
    y, x = (axis.ravel() for axis in np.meshgrid(middles, middles, indexing="ij"))
    cells = np.flatnonzero(np.hypot(x, y) <= CELLS / 2)
    rays, seen, shares = [], [], []
    for number, angle in enumerate(angles.tolist()):
        cosine, sine = math.cos(angle), math.sin(angle)
        place = x[cells] * cosine + y[cells] * sine + (CELLS - 1) / 2
        nearest = np.rint(place).astype(np.int64)
        for step in (-1, 0, 1):
            detector = nearest + step
            share = _three_boxes(detector - place, cosine, sine)
            kept = (share > 1e-9) & (detector >= 0) & (detector < CELLS)
            rays.append((number * CELLS + detector[kept]).astype(np.int32))
            seen.append(cells[kept].astype(np.int32))
            shares.append(share[kept])
    pairs = (np.concatenate(rays), np.concatenate(seen))
    shape = (len(angles) * CELLS, CELLS * CELLS)
    found = csr_array((np.concatenate(shares), pairs), shape=shape)
    found.sort_indices()
    return found


def _three_boxes(
    place: npt.NDArray[np.float64], first: float, second: float
) -> npt.NDArray[np.float64]:
    """Return the convolution of boxes of widths ``first``, ``second`` and 1 and of unit areas."""
    total = np.zeros_like(place)
    for signs in np.ndindex(2, 2, 2):
        a, b, c = (0.5 - sign for sign in signs)
        ahead = np.maximum(place + a * first + b * second + c, 0.0)
        total += (-1.0) ** sum(signs) * ahead**2
    return np.asarray(total / (2.0 * first * second))


def _ramp() -> FloatArray:
    # The kernel of Shepp and Logan, 1974.
    apart = np.arange(CELLS)[:, None] - np.arange(CELLS)
    return (-2.0 / (math.pi**2 * (4.0 * apart**2 - 1.0))).astype(np.float32)


@lru_cache(maxsize=4)
def to_cells(matrix: int) -> FloatArray:
    """Return what averages a matrix's rows into cells, float32, shape (CELLS, matrix)."""
    return _mean_weights(CELLS, matrix).astype(np.float32)


@lru_cache(maxsize=4)
def from_cells(matrix: int) -> FloatArray:
    """Return what spreads cells smoothly over a matrix's rows, float32, shape (matrix, CELLS)."""
    if matrix >= CELLS:
        return _spline_weights(matrix).astype(np.float32)
    finer = 4 * CELLS
    return (_mean_weights(matrix, finer) @ _spline_weights(finer)).astype(np.float32)


def _mean_weights(coarse: int, fine: int) -> npt.NDArray[np.float64]:
    """Return each coarse pixel's mean over the fine ones it covers, shape (coarse, fine)."""
    edges = np.arange(coarse + 1) / coarse
    ticks = np.arange(fine + 1) / fine
    low = np.maximum(edges[:-1, None], ticks[:-1])
    high = np.minimum(edges[1:, None], ticks[1:])
    return np.asarray(np.maximum(high - low, 0.0) * coarse)


def _spline_weights(matrix: int) -> npt.NDArray[np.float64]:
    place = (np.arange(matrix) + 0.5) * CELLS / matrix - 0.5
    hump = BSpline.basis_element(np.arange(-2, 3), extrapolate=False)
    weights = np.nan_to_num(hump(place[:, None] - np.arange(CELLS)))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))
