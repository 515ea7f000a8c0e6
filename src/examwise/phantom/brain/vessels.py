"""Arteries of the brain's base and the inner veins, as chains of thin rods.

Places are those of an average brain (see :mod:`examwise.phantom.brain.frame`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from examwise.phantom.brain.frame import BrainPoints
from examwise.phantom.grid import FloatArray, Vector
from examwise.phantom.shapes import fraction_inside


@dataclass(frozen=True)
class Rod:
    """A straight piece of a vessel.

    Attributes:
        start_mm: One end.
        stop_mm: The other.
        radius_mm: Its radius.
    """

    start_mm: Vector
    stop_mm: Vector
    radius_mm: float

    def mix(self, points: BrainPoints, hu: FloatArray, value: float, *, edge_mm: float) -> None:
        """Mix blood into densities, in place."""
        start, stop = np.array(self.start_mm), np.array(self.stop_mm)
        middle, half = 0.5 * (start + stop), 0.5 * np.abs(stop - start)
        reach = half + self.radius_mm + 0.5 * edge_mm
        x, y, z = middle.tolist()
        a, b, c = reach.tolist()
        window = points.window((x, y, z), (a, b, c))
        if window is None:
            return
        near = points.crop(window)
        length = float(np.linalg.norm(stop - start))
        offsets = [
            axis - np.float32(at) for axis, at in zip((near.x, near.y, near.z), middle, strict=True)
        ]
        direction = ((stop - start) / length).astype(np.float32)
        along = sum(o * d for o, d in zip(offsets, direction, strict=True))
        square = sum(o * o for o in offsets)
        outside = np.maximum(np.abs(along) - np.float32(0.5 * length), 0.0)
        distance = np.sqrt(np.maximum(square - along * along, 0.0) + outside * outside)
        distance -= np.float32(self.radius_mm)
        # A vessel thinner than a voxel fills a part of it.
        part = hu[window]
        part += fraction_inside(distance, edge_mm) * (np.float32(value) - part)


def _both(*rods: Rod) -> tuple[Rod, ...]:
    mirrored = tuple(
        Rod(
            (-rod.start_mm[0], *rod.start_mm[1:]),
            (-rod.stop_mm[0], *rod.stop_mm[1:]),
            rod.radius_mm,
        )
        for rod in rods
    )
    return rods + mirrored


ARTERIES = (
    Rod((0.0, 2.0, -48.0), (0.0, -6.5, -36.0), 1.6),
    Rod((0.0, -6.5, -36.0), (0.0, -5.0, -24.0), 1.6),
    *_both(
        Rod((6.0, 15.0, -66.0), (0.0, 3.0, -49.0), 1.4),
        Rod((9.0, -17.0, -30.0), (8.0, -18.0, -22.0), 2.0),
        Rod((8.0, -18.0, -22.0), (20.0, -21.5, -19.0), 1.3),
        Rod((20.0, -21.5, -19.0), (33.0, -22.0, -15.0), 1.2),
        Rod((8.0, -18.0, -22.0), (1.5, -28.0, -18.0), 1.0),
        Rod((1.5, -28.0, -18.0), (1.2, -45.0, -6.0), 0.9),
        Rod((0.0, -5.0, -24.0), (13.0, 4.0, -21.0), 0.9),
    ),
)
VEINS = (
    Rod((0.0, 26.0, -1.0), (0.0, 35.0, -1.5), 1.9),
    *_both(Rod((1.6, -6.0, 5.0), (1.2, 26.0, 0.0), 0.8)),
)
