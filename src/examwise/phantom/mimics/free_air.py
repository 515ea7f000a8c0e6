"""Air inside the skull after an operation: it gathers in front, under the vault."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from examwise.phantom.mimics.lumps import Lump
from examwise.phantom.mimics.mimic import happens
from examwise.phantom.mimics.scene import InsideScene
from examwise.phantom.mimics.vault_places import VaultPlace
from examwise.phantom.shapes import Ellipsoid

AIR_HU = -980.0
_BOTH_SIDES_CHANCE = 0.3


@dataclass(frozen=True)
class FreeAir:
    """A pocket of air over one hemisphere of a patient who lies on the back.

    Attributes:
        side: 1 left, -1 right.
        level_mm: It lies in front of this y, which is flat as a liquid's surface is.
        depth_mm: It lies within this distance of the skull.
        lowest_mm: It lies above this z.
    """

    side: int
    level_mm: float
    depth_mm: float
    lowest_mm: float

    def draw(self, scene: InsideScene) -> None:
        """Mix it in, in place."""
        patch = scene.patch(
            (self.side * 38.0, 0.5 * (self.level_mm - 100.0), 0.5 * (self.lowest_mm + 95.0)),
            (38.0, 0.5 * (self.level_mm + 100.0), 0.5 * (95.0 - self.lowest_mm)),
        )
        if patch is None:
            return
        distance = -patch.of(scene.fields.head.vault) - np.float32(self.depth_mm)
        np.maximum(distance, patch.grid.y - np.float32(self.level_mm), out=distance)
        np.maximum(distance, np.float32(self.lowest_mm) - patch.grid.z, out=distance)
        beyond = np.float32(2.0) - np.float32(self.side) * patch.grid.x
        np.maximum(distance, beyond, out=distance)
        patch.mix(AIR_HU, patch.inside(distance))


def sample_air(
    random: np.random.Generator, place: VaultPlace, side: int
) -> tuple[FreeAir | Lump, ...]:
    """Draw a pocket in front and bubbles where the skull was opened.

    Args:
        random: Source of randomness.
        place: Where the skull was opened.
        side: 1 left, -1 right.
    """
    pocket, other = (
        FreeAir(
            side=which,
            level_mm=random.uniform(-74.0, -50.0),
            depth_mm=random.uniform(2.0, 14.0),
            lowest_mm=random.uniform(-10.0, 30.0),
        )
        for which in (side, -side)
    )
    bubbles = []
    for _number in range(int(random.integers(1, 6))):
        sideways, upwards = random.normal(0.0, 14.0, size=2).tolist()
        center = place.point_mm(random.uniform(2.0, 6.0), sideways, upwards)
        a, b, c = random.uniform(0.8, 3.0, size=3).tolist()
        bubbles.append(Lump(Ellipsoid(center, (a, b, c)), AIR_HU))
    pockets = (pocket, other) if happens(random, _BOTH_SIDES_CHANCE) else (pocket,)
    return (*pockets, *bubbles)
