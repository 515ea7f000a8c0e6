"""Round things of another density: specks, nodules, cysts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from examwise.phantom.grid import FloatArray, Vector
from examwise.phantom.mimics.scene import LARGEST_WAVE, InsideScene, OutsideScene, Patch
from examwise.phantom.shapes import Ellipsoid
from examwise.phantom.waves import SmoothField


@dataclass(frozen=True)
class Lump:
    """An ellipsoid, irregular and grainy if wanted.

    Attributes:
        shape: Where and how large.
        hu: Density.
        opacity: Share of that density in the middle, 0 to 1.
        softness_mm: Width of its edge, beside the voxel's size.
        wobble: Field that makes its outline irregular.
        wobble_mm: How far.
        grain: Field of denser grains within.
        grain_hu: How dense, per unit of the field where it is positive.
    """

    shape: Ellipsoid
    hu: float
    opacity: float = 1.0
    softness_mm: float = 0.0
    wobble: SmoothField | None = None
    wobble_mm: float = 0.0
    grain: SmoothField | None = None
    grain_hu: float = 0.0

    @property
    def reach_mm(self) -> Vector:
        """Half the edges of a box that holds it."""
        a, b, c = self.shape.radii_mm
        if self.shape.turn_degree:
            a = b = max(a, b)
        more = 0.5 * self.softness_mm + LARGEST_WAVE * self.wobble_mm
        return a + more, b + more, c + more

    def draw(self, scene: InsideScene | OutsideScene) -> None:
        """Mix it in, in place."""
        self.draw_on(scene.patch(self.shape.center_mm, self.reach_mm))

    def draw_on(self, patch: Patch | None, within_mm: FloatArray | None = None) -> None:
        """Mix it into a patch, in place.

        Args:
            patch: Where; nothing is done if there is none.
            within_mm: A signed distance to what it is confined to.
        """
        if patch is None:
            return
        distance = self.shape.distance_mm(patch.points)
        if self.wobble is not None:
            distance += np.float32(self.wobble_mm) * patch.wave(self.wobble)
        if within_mm is not None:
            np.maximum(distance, within_mm, out=distance)
        fraction = patch.inside(distance, self.softness_mm)
        fraction *= np.float32(self.opacity)
        if self.grain is None:
            patch.mix(self.hu, fraction)
            return
        grains = np.maximum(self.grain.on(patch.grid), np.float32(0.0))
        grains *= np.float32(self.grain_hu)
        grains += np.float32(self.hu)
        patch.mix(grains, fraction)


@dataclass(frozen=True)
class BrainLump:
    """A lump that belongs to the brain's anatomy: its place is one in the average brain.

    Attributes:
        lump: The lump.
        ventricle: The ventricle that it is confined to, if any.
    """

    lump: Lump
    ventricle: str | None = None

    def draw(self, scene: InsideScene) -> None:
        """Mix it in, in place."""
        patch = scene.brain_patch(self.lump.shape.center_mm, self.lump.reach_mm)
        if patch is None or self.ventricle is None:
            self.lump.draw_on(patch)
        else:
            self.lump.draw_on(patch, patch.of(scene.fields.ventricles[self.ventricle]))


def speck(center_mm: Vector, radius_mm: float, hu: float, *, height_mm: float = 0.0) -> Lump:
    """Return a small round lump; taller than wide if a height is given."""
    return Lump(Ellipsoid(center_mm, (radius_mm, radius_mm, max(radius_mm, height_mm))), hu)


def cluster(
    random: np.random.Generator,
    center_mm: Vector,
    *,
    spread_mm: Vector,
    most: int,
    radius_mm: tuple[float, float],
    hu: tuple[float, float],
) -> tuple[BrainLump, ...]:
    """Draw specks around a point of the average brain.

    Args:
        random: Source of randomness.
        center_mm: Where they gather.
        spread_mm: Standard deviation of their places.
        most: Largest number of specks; at least one is drawn.
        radius_mm: Smallest and largest radius.
        hu: Smallest and largest density.
    """
    count = int(random.integers(1, most + 1))
    places = random.normal(center_mm, spread_mm, size=(count, 3)).tolist()
    return tuple(
        BrainLump(speck((x, y, z), random.uniform(*radius_mm), random.uniform(*hu)))
        for x, y, z in places
    )
