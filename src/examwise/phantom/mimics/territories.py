"""Wedges of brain that one artery feeds."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from examwise.phantom.grid import FloatArray, Vector
from examwise.phantom.mimics.scene import LARGEST_WAVE
from examwise.phantom.shapes import Points
from examwise.phantom.waves import SmoothField

_OUTERMOST_MM = 100.0


@dataclass(frozen=True)
class Wedge:
    """A wedge that opens from a point in the depth towards the brain's surface.

    Attributes:
        apex_mm: Where it starts.
        facing_degree: Where it opens to, seen from above: 0 left, 90 back, 180 right, -90 front.
        half_angle_degree: Half of its opening.
        start_mm: How far from the apex it begins: deeper branches may be spared.
        half_height_mm: Half its height.
        below_tentorium: Whether it is of the posterior fossa; else it is of the hemispheres.
        wobble: Field that makes its outline irregular.
        wobble_mm: How far.
    """

    apex_mm: Vector
    facing_degree: float
    half_angle_degree: float
    start_mm: float
    half_height_mm: float
    below_tentorium: bool
    wobble: SmoothField
    wobble_mm: float

    @cached_property
    def box(self) -> tuple[Vector, Vector]:
        """Middle, and half the edges, of a box that holds it."""
        more = LARGEST_WAVE * self.wobble_mm
        angles = np.radians(
            self.facing_degree + np.linspace(-1.0, 1.0, 13) * self.half_angle_degree
        )
        xs = self.apex_mm[0] + _OUTERMOST_MM * np.append(np.cos(angles), 0.0)
        ys = self.apex_mm[1] + _OUTERMOST_MM * np.append(np.sin(angles), 0.0)
        middle = 0.5 * (xs.min() + xs.max()), 0.5 * (ys.min() + ys.max())
        return (
            (float(middle[0]), float(middle[1]), self.apex_mm[2]),
            (
                float(np.ptp(xs)) / 2 + more,
                float(np.ptp(ys)) / 2 + more,
                self.half_height_mm + more,
            ),
        )

    @property
    def center_mm(self) -> Vector:
        """About its middle."""
        x, y, z = self.apex_mm
        facing = math.radians(self.facing_degree)
        half_way = 0.5 * (self.start_mm + _OUTERMOST_MM) * 0.8
        return x + half_way * math.cos(facing), y + half_way * math.sin(facing), z

    def distance_mm(self, points: Points) -> FloatArray:
        """Return the signed distance to its sides, without the wobble, float32."""
        x, y, z = (np.float32(value) for value in self.apex_mm)
        facing, half = math.radians(self.facing_degree), math.radians(self.half_angle_degree)
        dx, dy = points.x - x, points.y - y
        along = dx * np.float32(math.cos(facing)) + dy * np.float32(math.sin(facing))
        across = np.abs(dy * np.float32(math.cos(facing)) - dx * np.float32(math.sin(facing)))
        distance = across * np.float32(math.cos(half)) - along * np.float32(math.sin(half))
        away = np.sqrt(dx * dx + dy * dy)
        # Behind the apex nothing of the wedge is nearer than the apex itself.
        behind = along * np.float32(math.cos(half)) + across * np.float32(math.sin(half)) < 0
        distance[behind] = away[behind]
        # Round at its inner end.
        np.maximum(distance, np.float32(self.start_mm) - away, out=distance)
        height = np.abs(points.z - z)
        # Narrower above and below than in the middle, as branches fan out.
        height -= np.float32(self.half_height_mm)
        distance += np.maximum(height + np.float32(8.0), np.float32(0.0)) * np.float32(0.6)
        return np.maximum(distance, height, out=distance)


@dataclass(frozen=True)
class _Territory:
    apex_mm: Vector
    facing_degree: tuple[float, float]
    half_angle_degree: tuple[float, float]
    start_mm: tuple[float, float]
    height_mm: tuple[float, float]
    half_height_mm: tuple[float, float]
    below_tentorium: bool = False


TERRITORIES = {
    "middle cerebral": _Territory(
        (15.0, -4.0, 0.0), (-28.0, 42.0), (14.0, 40.0), (8.0, 24.0), (-8.0, 38.0), (10.0, 34.0)
    ),
    "posterior cerebral": _Territory(
        (9.0, 18.0, 0.0), (62.0, 84.0), (12.0, 24.0), (10.0, 20.0), (-6.0, 18.0), (9.0, 20.0)
    ),
    "anterior cerebral": _Territory(
        (4.0, 8.0, 0.0), (-92.0, -78.0), (7.0, 12.0), (12.0, 30.0), (14.0, 50.0), (10.0, 22.0)
    ),
    "cerebellar": _Territory(
        (6.0, 28.0, 0.0),
        (30.0, 80.0),
        (16.0, 34.0),
        (4.0, 12.0),
        (-54.0, -36.0),
        (6.0, 14.0),
        below_tentorium=True,
    ),
}
"""Arteries, with the ranges that their wedges are drawn from, on the left side."""

_FREQUENCY = {
    "middle cerebral": 0.6,
    "posterior cerebral": 0.18,
    "anterior cerebral": 0.07,
    "cerebellar": 0.15,
}


def sample_territory(random: np.random.Generator, side: int) -> tuple[str, Wedge]:
    """Draw an artery, and the part of its territory that is affected.

    Args:
        random: Source of randomness.
        side: 1 left, -1 right.
    """
    names = tuple(_FREQUENCY)
    artery = names[int(random.choice(len(names), p=tuple(_FREQUENCY.values())))]
    of = TERRITORIES[artery]
    x, y, _ = of.apex_mm
    wedge = Wedge(
        apex_mm=(x, y, random.uniform(*of.height_mm)),
        facing_degree=random.uniform(*of.facing_degree),
        half_angle_degree=random.uniform(*of.half_angle_degree),
        start_mm=random.uniform(*of.start_mm),
        half_height_mm=random.uniform(*of.half_height_mm),
        below_tentorium=of.below_tentorium,
        wobble=SmoothField.sample(random, wavelength_mm=21.0, n_waves=7),
        wobble_mm=random.uniform(2.0, 4.5),
    )
    return artery, wedge if side > 0 else _mirrored(wedge)


def _mirrored(wedge: Wedge) -> Wedge:
    x, y, z = wedge.apex_mm
    return replace(wedge, apex_mm=(-x, y, z), facing_degree=180.0 - wedge.facing_degree)
