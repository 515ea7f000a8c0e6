"""Soft-edged shapes: signed distances in mm, negative inside, and smooth random fields."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Points:
    """Where to sample: three float32 arrays of one shape, mm, in one frame of reference.

    In the head's own frame the origin is the middle of the brain; x points to the patient's left,
    y to the back, z to the top, as in DICOM's patient coordinates.
    """

    x: FloatArray
    y: FloatArray
    z: FloatArray


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid, turned about the vertical axis.

    Attributes:
        center_mm: Centre (x, y, z).
        radii_mm: Semi-axes before turning.
        turn_degree: Turn about z.
    """

    center_mm: tuple[float, float, float]
    radii_mm: tuple[float, float, float]
    turn_degree: float = 0.0

    def distance_mm(self, points: Points) -> FloatArray:
        """Return the signed distance to the surface, exact to first order near it."""
        x = points.x - self.center_mm[0]
        y = points.y - self.center_mm[1]
        z = points.z - self.center_mm[2]
        if self.turn_degree:
            cosine = math.cos(math.radians(self.turn_degree))
            sine = math.sin(math.radians(self.turn_degree))
            x, y = cosine * x + sine * y, cosine * y - sine * x
        return axes_distance(x, y, z, self.radii_mm)


def axes_distance(
    x: FloatArray,
    y: FloatArray,
    z: FloatArray,
    radii_mm: tuple[float | FloatArray, float, float | FloatArray],
) -> FloatArray:
    """Return the first-order signed distance to the ellipsoid with these semi-axes.

    Example:
        >>> one = np.ones(1, np.float32)
        >>> float(axes_distance(12 * one, 0 * one, 0 * one, (10, 20, 30)).round(2)[0])
        2.0
    """
    a, b, c = radii_mm
    qx, qy, qz = x / a, y / b, z / c
    level = np.sqrt(qx * qx + qy * qy + qz * qz)
    qx /= a
    qy /= b
    qz /= c
    slope = np.sqrt(qx * qx + qy * qy + qz * qz)
    # At the very centre level / slope is 0 / 0; any semi-axis is a good enough depth there.
    return (level - 1.0) * ((level + 1e-4) / (slope + 1e-4 / b))


def fraction_inside(distance_mm: FloatArray, edge_mm: float) -> FloatArray:
    """Return how much of a voxel is inside, 0 to 1, for an edge as wide as the voxel or softer.

    Example:
        >>> fraction_inside(np.array([-2, 0, 2], np.float32), 2.0).tolist()
        [1.0, 0.5, 0.0]
    """
    fraction = distance_mm * (-1.0 / edge_mm)
    fraction += 0.5
    return np.clip(fraction, 0.0, 1.0, out=fraction)


@dataclass(frozen=True)
class SmoothField:
    """A random field of about zero mean and unit variance: a sum of plane waves.

    Attributes:
        waves: Wave vector (radians per mm) and phase of each wave.
    """

    waves: tuple[tuple[float, float, float, float], ...]

    @classmethod
    def sample(
        cls, random: np.random.Generator, *, wavelength_mm: float, n_waves: int
    ) -> SmoothField:
        """Draw waves of random directions and of lengths within a quarter of the given one."""
        directions = random.normal(size=(n_waves, 3))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        lengths = wavelength_mm * random.uniform(0.75, 1.25, size=(n_waves, 1))
        phases = random.uniform(0, 2 * math.pi, size=(n_waves, 1))
        rows = np.hstack([directions * (2 * math.pi / lengths), phases]).tolist()
        return cls(tuple((x, y, z, phase) for x, y, z, phase in rows))

    @property
    def wave_number(self) -> float:
        """Root mean square of the field's gradient, per mm."""
        squares = [x * x + y * y + z * z for x, y, z, _ in self.waves]
        return math.sqrt(sum(squares) / len(squares))

    def at(self, points: Points) -> FloatArray:
        """Return the field's values."""
        total = np.zeros_like(points.x)
        for x, y, z, phase in self.waves:
            angle = points.x * x
            angle += points.y * y
            angle += points.z * z
            angle += phase
            total += np.sin(angle, out=angle)
        total *= math.sqrt(2 / len(self.waves))
        return total
