"""Infarcts of a territory: fresh ones, slightly dark and swollen; old ones, holes of fluid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from examwise.phantom.grid import FloatArray
from examwise.phantom.mimics.mimic import Circumstances, Mimic, happens, some_side
from examwise.phantom.mimics.scene import InsideScene, Patch
from examwise.phantom.mimics.territories import Wedge, sample_territory
from examwise.phantom.mimics.tubes import Tube
from examwise.phantom.pushes import Push
from examwise.phantom.waves import SmoothField

OLD_SHARE = 0.6
"""Share of infarcts that are old."""

_DENSE_ARTERY_SHARE = 0.35
_LAYER_DEPTH_MM, _LAYER_HALF_MM = 1.4, 0.9
_SCAR_HU = 20.0
_SWELLING_SOFT_MM = 5.0
_BRIGHTER_THAN_TISSUE_HU = 48.0


@dataclass(frozen=True)
class FreshInfarct:
    """Grey and white matter of a wedge, alike and darker than either, folds closed by swelling.

    Attributes:
        wedge: Where.
        hu: Density that tissue goes to.
        opacity: How far it has gone there, 0 to 1.
        closed: How far folds are closed, 0 to 1.
        cortex_hu: Density of a cortex that has died in layers and shines, or None.
    """

    wedge: Wedge
    hu: float
    opacity: float
    closed: float
    cortex_hu: float | None = None

    def draw(self, scene: InsideScene) -> None:
        """Mix it in, in place."""
        patch = _patch(self.wedge, scene, more_mm=0.5 * _SWELLING_SOFT_MM)
        if patch is None:
            return
        fraction = _fraction(self.wedge, scene, patch, softness_mm=_SWELLING_SOFT_MM)
        if not fraction.any():
            return
        for ventricle in scene.fields.ventricles.values():
            fraction *= patch.inside(-patch.of(ventricle))
        fraction *= patch.inside(-patch.of(scene.fields.cisterns))
        # Dura, vessels and calcifications stay.
        bright = np.float32(_BRIGHTER_THAN_TISSUE_HU) - patch.hu
        fraction *= np.clip(bright * np.float32(0.15), 0.0, 1.0)
        fluid = patch.hu < np.float32(self.hu)
        share = np.where(fluid, np.float32(self.closed), np.float32(self.opacity))
        patch.mix(self.hu, share * fraction)
        if self.cortex_hu is not None:
            fields = scene.fields
            depth = np.minimum(-patch.of(fields.surface), patch.of(fields.folds))
            ribbon = np.abs(depth - np.float32(_LAYER_DEPTH_MM)) - np.float32(_LAYER_HALF_MM)
            # Not all of the cortex has died.
            fraction *= np.clip(np.float32(0.6) + self.wedge.wobble.on(patch.grid), 0.0, 1.0)
            patch.mix(self.cortex_hu, patch.inside(ribbon) * fraction)


@dataclass(frozen=True)
class OldInfarct:
    """A wedge that has become fluid, with strands of scar and a darker rim.

    Attributes:
        wedge: Where.
        hu: Density of the fluid.
        rim_mm: Width of the scarred rim.
        strands: Field of remnants.
        strands_hu: How much denser these are, per unit of the field where it is positive.
    """

    wedge: Wedge
    hu: float
    rim_mm: float
    strands: SmoothField
    strands_hu: float

    def draw(self, scene: InsideScene) -> None:
        """Mix it in, in place."""
        patch = _patch(self.wedge, scene, more_mm=self.rim_mm)
        if patch is None:
            return
        core = _fraction(self.wedge, scene, patch, softness_mm=2.0)
        rim = _fraction(
            self.wedge, scene, patch, softness_mm=self.rim_mm, wider_mm=0.5 * self.rim_mm
        )
        if not rim.any():
            return
        rim *= np.clip((patch.hu - np.float32(self.hu)) * np.float32(0.1), 0.0, 1.0)
        rim *= np.float32(0.5)
        patch.mix(_SCAR_HU, rim)
        value = np.maximum(self.strands.on(patch.grid), np.float32(0.0))
        value *= np.float32(self.strands_hu)
        value += np.float32(self.hu)
        kept = np.maximum(
            patch.inside(patch.of(scene.fields.falx)),
            patch.inside(patch.of(scene.fields.tentorium)),
        )
        core -= core * kept
        patch.mix(value, core)


def sample_old_infarct(
    of_patient: np.random.Generator, _: np.random.Generator, who: Circumstances
) -> tuple[Mimic, ...]:
    """Draw an old infarct."""
    artery, wedge = sample_territory(of_patient, some_side(of_patient))
    part = OldInfarct(
        wedge=wedge,
        hu=of_patient.uniform(7.0, 14.0),
        rim_mm=of_patient.uniform(3.0, 7.0),
        strands=SmoothField.sample(of_patient, wavelength_mm=11.0, n_waves=5),
        strands_hu=of_patient.uniform(0.0, 9.0),
    )
    if not happens(of_patient, OLD_SHARE * who.cases.infarct_fraction):
        return ()
    # What is lost draws the brain towards it: the ventricle beside it widens.
    x, y, z = wedge.center_mm
    loss_mm = (0.02 if wedge.below_tentorium else 0.09) * wedge.half_height_mm
    toward = loss_mm if x > 0 else -loss_mm
    pull = Push((0.35 * x, y, z), (toward, 0.0, 0.0), reach_mm=16.0)
    return (Mimic(f"old {artery} infarct", (part,), pushes=(pull,)),)


def sample_fresh_infarct(
    _: np.random.Generator, of_exam: np.random.Generator, who: Circumstances
) -> tuple[Mimic, ...]:
    """Draw a fresh infarct, now and then with a dense artery: the clot that caused it."""
    side = some_side(of_exam)
    artery, wedge = sample_territory(of_exam, side)
    # From hours, hardly to be seen, to days: dark and swollen.
    ripe = of_exam.uniform(0.25, 1.0)
    layered = happens(of_exam, 0.12)
    infarct = FreshInfarct(
        wedge=wedge,
        hu=26.0 - 9.0 * ripe,
        opacity=0.5 + 0.4 * ripe,
        closed=0.8 * ripe,
        cortex_hu=of_exam.uniform(45.0, 58.0) if layered else None,
    )
    clot = _dense_artery(of_exam, side)
    dense = happens(of_exam, _DENSE_ARTERY_SHARE) and artery == "middle cerebral"
    shift_mm = of_exam.uniform(0.0, 5.0) * ripe * min(1.0, wedge.half_height_mm / 25.0)
    share = OLD_SHARE * who.cases.infarct_fraction
    # An old and a fresh one may meet in one exam: together they are as frequent as stated.
    if not happens(of_exam, (who.cases.infarct_fraction - share) / (1.0 - share)):
        return ()
    name = f"{'layered' if layered else 'fresh'} {artery} infarct"
    swells = shift_mm > 1.5 and not wedge.below_tentorium
    push = Push((side * 25.0, 0.0, wedge.apex_mm[2]), (-side * shift_mm, 0.0, 0.0), reach_mm=30.0)
    found = [Mimic(name, (infarct,), pushes=(push,) if swells else ())]
    if dense:
        found.append(Mimic("dense middle cerebral artery", (clot,)))
    return tuple(found)


def _dense_artery(random: np.random.Generator, side: int) -> Tube:
    rise, reach = random.uniform(1.0, 4.0), random.uniform(2.0, 15.0)
    path = (
        (side * 9.0, -18.0, -22.0),
        (side * 20.0, -21.5, -19.0),
        (side * (20.0 + reach), -22.0, -18.0 + rise),
    )
    radius, hu = random.uniform(1.3, 1.9), random.uniform(52.0, 72.0)
    return Tube(path, radius, hu, of_brain=True)


def _patch(wedge: Wedge, scene: InsideScene, *, more_mm: float) -> Patch | None:
    center, (a, b, c) = wedge.box
    return scene.brain_patch(center, (a + more_mm, b + more_mm, c + more_mm))


def _fraction(
    wedge: Wedge, scene: InsideScene, patch: Patch, *, softness_mm: float, wider_mm: float = 0.0
) -> FloatArray:
    distance = wedge.distance_mm(patch.points)
    distance += np.float32(wedge.wobble_mm) * patch.wave(wedge.wobble)
    distance -= np.float32(wider_mm)
    fraction = patch.inside(distance, softness_mm)
    above = patch.of(scene.fields.above_tentorium)
    fraction *= patch.inside(above if wedge.below_tentorium else -above)
    return fraction
