"""Long thin things of another density: catheters, vessel walls, pins."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from examwise.phantom.grid import FloatArray, Vector
from examwise.phantom.mimics.scene import InsideScene, OutsideScene
from examwise.phantom.shapes import Points


@dataclass(frozen=True)
class Tube:
    """A tube along straight pieces.

    Attributes:
        path_mm: Its corners, from one end to the other.
        radius_mm: Radius.
        hu: Density.
        of_brain: Whether its path is one in the average brain.
    """

    path_mm: tuple[Vector, ...]
    radius_mm: float
    hu: float
    of_brain: bool = False

    def draw(self, scene: InsideScene | OutsideScene) -> None:
        """Mix it in, in place."""
        for start, end in pairwise(self.path_mm):
            center = tuple(0.5 * (a + b) for a, b in zip(start, end, strict=True))
            reach = tuple(
                0.5 * abs(b - a) + self.radius_mm for a, b in zip(start, end, strict=True)
            )
            box = (center[0], center[1], center[2]), (reach[0], reach[1], reach[2])
            if self.of_brain and isinstance(scene, InsideScene):
                patch = scene.brain_patch(*box)
            else:
                patch = scene.patch(*box)
            if patch is not None:
                distance = segment_distance(patch.points, start, end)
                distance -= np.float32(self.radius_mm)
                patch.mix(self.hu, patch.inside(distance))


def segment_distance(points: Points, start_mm: Vector, end_mm: Vector) -> FloatArray:
    """Return the distance to a straight piece, float32.

    Example:
        >>> from examwise.phantom.shapes import FreePoints
        >>> one = np.ones(1, np.float32)
        >>> segment_distance(FreePoints(3 * one, one, 0 * one), (0, 0, 0), (0, 5, 0)).tolist()
        [3.0]
    """
    start = np.asarray(start_mm, np.float32)
    along = np.asarray(end_mm, np.float32) - start
    length_squared = np.float32(max(float(along @ along), 1e-6))
    x, y, z = points.x - start[0], points.y - start[1], points.z - start[2]
    share = (x * along[0] + y * along[1] + z * along[2]) / length_squared
    np.clip(share, 0.0, 1.0, out=share)
    x -= share * along[0]
    y -= share * along[1]
    z -= share * along[2]
    return np.sqrt(x * x + y * y + z * z)
