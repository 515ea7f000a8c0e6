"""Scalp that is swollen, bruised or full of air, outside the skull."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from examwise.phantom.head.soft_parts import FAT_HU, SKIN_HU
from examwise.phantom.mimics.scene import LARGEST_WAVE, OutsideScene
from examwise.phantom.mimics.vault_places import VaultPlace
from examwise.phantom.waves import SmoothField

_MOTTLED_HU = 5.0
_UNEVEN = 0.12


@dataclass(frozen=True)
class ScalpSwelling:
    """Blood or water under a scalp that is lifted off the skull.

    Attributes:
        place: Its middle.
        half_axes_mm: How far it reaches along the skull.
        thickness_mm: How far it lifts the scalp in the middle.
        hu: Density.
        outline: Field that makes its outline irregular.
        mottle: Field that makes its density uneven.
    """

    place: VaultPlace
    half_axes_mm: tuple[float, float]
    thickness_mm: float
    hu: float
    outline: SmoothField
    mottle: SmoothField

    def draw(self, scene: OutsideScene) -> None:
        """Mix it in, in place."""
        # Where the outline stands out most, the profile counts as positive down to this.
        wider = (1.0 + LARGEST_WAVE * _UNEVEN) ** 0.5
        reach = self.place.reach_mm(wider * max(self.half_axes_mm), self.thickness_mm + 10.0)
        patch = scene.patch(self.place.point_mm(), reach)
        if patch is None:
            return
        lift = self.place.profile(patch.grid, self.half_axes_mm)
        lift += np.float32(_UNEVEN) * patch.wave(self.outline)
        lift *= np.float32(self.thickness_mm)
        if not (lift > 0).any():
            return
        skull = patch.of(scene.fields.outer)
        skin = patch.of(scene.fields.skin)
        raised = np.maximum(lift, np.float32(0.0))
        here = patch.inside(-lift, 1.0) * patch.inside(-skull)
        patch.mix(SKIN_HU, here * patch.inside(skin - raised))
        patch.mix(FAT_HU, here * patch.inside(skin - raised + np.float32(scene.head.soft.skin_mm)))
        hu = self.mottle.on(patch.grid)
        hu *= np.float32(_MOTTLED_HU)
        hu += np.float32(self.hu)
        patch.mix(hu, here * patch.inside(skull - lift))


@dataclass(frozen=True)
class ScalpGas:
    """Bubbles of air in a torn scalp.

    Attributes:
        place: Where they gather.
        bubbles_mm: Each bubble's place along the skull (sideways, upwards), height above the skull
            and radius.
    """

    place: VaultPlace
    bubbles_mm: tuple[tuple[float, float, float, float], ...]

    def draw(self, scene: OutsideScene) -> None:
        """Mix them in, in place."""
        for sideways_mm, upwards_mm, height_mm, radius_mm in self.bubbles_mm:
            center = self.place.point_mm(-10.0, sideways_mm, upwards_mm)
            patch = scene.patch(center, self.place.reach_mm(2.0 * radius_mm))
            if patch is None:
                continue
            sideways, upwards = self.place.along(patch.grid)
            sideways -= np.float32(sideways_mm)
            upwards -= np.float32(upwards_mm)
            above = patch.of(scene.fields.outer) - np.float32(height_mm)
            # Bubbles are flat: the scalp lies on them.
            above *= np.float32(1.6)
            distance = np.sqrt(sideways * sideways + upwards * upwards + above * above)
            patch.mix(-950.0, patch.inside(distance - np.float32(radius_mm)))
