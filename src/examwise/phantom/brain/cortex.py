"""The folded cortex: where a point lies among the furrows of a patient's brain."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from examwise.phantom.brain.folding import FoldAtlas, MappedSulcus, fold_map
from examwise.phantom.brain.frame import BrainPoints
from examwise.phantom.brain.sulci import LATERAL_SULCI, MEDIAL_SULCI
from examwise.phantom.grid import FloatArray, PlaneGrid, Vector
from examwise.phantom.waves import SmoothField

# Semi-axes of the average brain: directions from its middle, seen on these, run across the cortex.
_RADII_MM: Vector = (67.0, 83.0, 80.0)
_MEAN_RADIUS_MM = 76.0
_LATERAL_REACH = 1.42
_MEDIAL_REACH_MM = 92.0
_LATERAL_SPACING_MM = 13.0
_MEDIAL_SPACING_MM = 13.0
_LATERAL_DEPTH_MM = (9.0, 19.0)
_MEDIAL_DEPTH_MM = (3.0, 13.0)
_JITTER_MM = 3.0
_BEND_MM = 1.8


@dataclass(frozen=True)
class Cortex:
    """A patient's pattern of furrows.

    The outer side of each hemisphere is mapped as seen from the side, equal areas kept; the inner
    side as it is in the midline. Furrows run inwards: towards the brain's middle, and away from
    the midline.

    Attributes:
        seed: What the pattern is a function of.
        openness: How much wider than others the named wide furrows are, 0 to 1; grows with age.
        bends: Fields that bend the furrows, as they run and as they go inwards.
    """

    seed: int
    openness: float
    bends: tuple[SmoothField, SmoothField]

    @cached_property
    def lateral(self) -> FoldAtlas:
        """Maps of the left and the right hemisphere's outer side."""
        left, right = (
            fold_map(
                random,
                [
                    MappedSulcus(
                        _side_view(_jittered(random, sulcus.path)) / _LATERAL_REACH,
                        sulcus.depth_mm,
                        self.openness * sulcus.opening_mm,
                    )
                    for sulcus in LATERAL_SULCI.values()
                ],
                half_width_mm=_LATERAL_REACH * _MEAN_RADIUS_MM,
                spacing_mm=_LATERAL_SPACING_MM,
                depth_mm=_LATERAL_DEPTH_MM,
            )
            for random in self._streams(0)
        )
        return FoldAtlas(left, right, reach=_LATERAL_REACH)

    @cached_property
    def medial(self) -> FoldAtlas:
        """Maps of the left and the right hemisphere's inner side."""
        left, right = (
            fold_map(
                random,
                [
                    MappedSulcus(
                        _jittered(random, sulcus.path)[:, 1:] / _MEDIAL_REACH_MM,
                        sulcus.depth_mm,
                        self.openness * sulcus.opening_mm,
                    )
                    for sulcus in MEDIAL_SULCI.values()
                ],
                half_width_mm=_MEDIAL_REACH_MM,
                spacing_mm=_MEDIAL_SPACING_MM,
                depth_mm=_MEDIAL_DEPTH_MM,
            )
            for random in self._streams(1)
        )
        return FoldAtlas(left, right, reach=_MEDIAL_REACH_MM)

    def lateral_folds(
        self,
        points: BrainPoints,
        bend: tuple[FloatArray, FloatArray],
        depth: FloatArray,
        half_mm: FloatArray,
    ) -> FloatArray:
        """Return the distance to the fluid in the outer side's furrows.

        Args:
            points: Where.
            bend: The fields that bend furrows, from :meth:`bends_on`.
            depth: Depth below the brain's outer surface.
            half_mm: Half the width of furrows.
        """
        a, b, c = (np.float32(radius) for radius in _RADII_MM)
        x, y, z = points.across / a, _bent(points.y, bend[0]) / b, _bent(points.z, bend[1]) / c
        radius = np.sqrt(x * x + y * y + z * z)
        radius += np.float32(1e-3)
        # Lambert's azimuthal projection, equal in area.
        stretch = np.sqrt(np.float32(2.0) / (radius * (radius + x)))
        y *= stretch
        z *= stretch
        return self._folds(self.lateral, points, (y, z), radius, depth, half_mm)

    def medial_folds(
        self,
        points: BrainPoints,
        bend: tuple[FloatArray, FloatArray],
        depth: FloatArray,
        half_mm: FloatArray,
    ) -> FloatArray:
        """Return the distance to the fluid in the inner side's furrows.

        Args:
            points: Where.
            bend: The fields that bend furrows, from :meth:`bends_on`.
            depth: Depth below the inner surface, that is from the midline.
            half_mm: Half the width of furrows.
        """
        place = (_bent(points.y, bend[0]), _bent(points.z, bend[1]))
        return self._folds(self.medial, points, place, None, depth, half_mm)

    def bends_on(self, grid: PlaneGrid) -> tuple[FloatArray, FloatArray]:
        """Return the fields that bend furrows, along y and z, of unit variance."""
        along, up = (bend.on(grid) for bend in self.bends)
        return along, up

    def _folds(
        self,
        atlas: FoldAtlas,
        points: BrainPoints,
        place: tuple[FloatArray, FloatArray],
        radius: FloatArray | None,
        depth: FloatArray,
        half_mm: FloatArray,
    ) -> FloatArray:
        distance, deep = atlas.look_up(*place, points.x < 0)
        if radius is not None:
            distance *= radius
        distance -= half_mm
        deep -= depth
        return np.maximum(distance, np.negative(deep, out=deep), out=distance)

    def _streams(self, part: int) -> tuple[np.random.Generator, np.random.Generator]:
        left, right = (np.random.default_rng((self.seed, part, side)) for side in range(2))
        return left, right


def _jittered(random: np.random.Generator, path: tuple[Vector, ...]) -> npt.NDArray[np.float64]:
    shifts = random.normal(scale=_JITTER_MM, size=(2, 3))
    return np.array(path) + shifts[0] + np.linspace(-1, 1, len(path))[:, None] * shifts[1]


def _bent(axis: FloatArray, bend: FloatArray) -> FloatArray:
    return axis + np.float32(_BEND_MM) * bend


def _side_view(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    directions = points / np.array(_RADII_MM)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return directions[:, 1:] * (math.sqrt(2.0) / np.sqrt(1.0 + directions[:, :1]))
