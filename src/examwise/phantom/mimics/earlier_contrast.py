"""Contrast medium left from an examination some hours before: vessels and dura shine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from examwise.phantom.brain.vessels import ARTERIES, VEINS
from examwise.phantom.mimics.mimic import Circumstances, Mimic, happens
from examwise.phantom.mimics.scene import InsideScene

_CHANCE = 0.05
_WHOLE_MM = 250.0
_ARTERY_SHARE = 0.85


@dataclass(frozen=True)
class EarlierContrast:
    """Diluted contrast medium in all blood.

    Attributes:
        blood_hu: Density of blood in the sinuses.
        dura_hu: Density of falx and tentorium.
    """

    blood_hu: float
    dura_hu: float

    def draw(self, scene: InsideScene) -> None:
        """Mix it in, in place."""
        patch = scene.patch((0.0, 0.0, 0.0), (_WHOLE_MM, _WHOLE_MM, _WHOLE_MM))
        if patch is None:
            return
        fields = scene.fields
        for distance, hu in ((fields.falx, self.dura_hu), (fields.sinuses, self.blood_hu)):
            fraction = patch.inside(patch.of(distance))
            fraction *= patch.hu < np.float32(hu)
            patch.mix(hu, fraction)
        for rod in (*ARTERIES, *VEINS):
            rod.mix(fields.points, scene.hu, _ARTERY_SHARE * self.blood_hu, edge_mm=patch.edge_mm)


def sample_earlier_contrast(
    _: np.random.Generator, of_exam: np.random.Generator, who: Circumstances
) -> tuple[Mimic, ...]:
    """Draw what is left of contrast medium given before the scan."""
    del who
    left = of_exam.uniform(0.0, 1.0)
    part = EarlierContrast(blood_hu=60.0 + 35.0 * left, dura_hu=55.0 + 20.0 * left)
    return (Mimic("earlier contrast medium", (part,)),) if happens(of_exam, _CHANCE) else ()
