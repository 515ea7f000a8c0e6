"""A patient's brain: shape, fluid, and densities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from examwise.phantom.brain.cortex import Cortex
from examwise.phantom.brain.deep_grey import deep_grey
from examwise.phantom.brain.frame import BrainFrame
from examwise.phantom.brain.ventricles import (
    VENTRICLES,
    LateralVentricle,
    MidlineVentricle,
    Ventricle,
    sample_ventricles,
)
from examwise.phantom.shapes import Ellipsoid
from examwise.phantom.waves import SmoothField

__all__ = ["VENTRICLES", "BrainParameters", "sample_brain"]


@dataclass(frozen=True)
class BrainParameters:
    """The brain.

    Attributes:
        frame: How it differs from the average brain in size and regularity.
        grey_hu: Density of grey matter.
        white_hu: Density of white matter.
        texture: Field of slow density changes.
        texture_hu: Their standard deviation.
        pale_hu: How much darker white matter around the ventricles is.
        cortex: Its furrows.
        fold_mm: Width of the furrows (sulci).
        roughness: Field by which furrows differ in width, and what is near them is uneven.
        gap_mm: Width of the fluid between brain and skull.
        fissure_mm: Width of the fluid between the hemispheres.
        sylvian_mm: Width of the fluid over the insula.
        cistern_width: Width of the cisterns, 1 at middle age.
        ventricles: Each part of the ventricles; keys as in :data:`VENTRICLES`.
        nuclei: The deep grey matter.
        transverse_mm: Radius of the left and the right transverse sinus.
        falx_hu: Density of falx and tentorium.
        blood_hu: Density of blood in large vessels: the denser, the more red cells.
        contrast_hu: Density of the same with contrast medium.
    """

    frame: BrainFrame
    grey_hu: float
    white_hu: float
    texture: SmoothField
    texture_hu: float
    pale_hu: float
    cortex: Cortex
    fold_mm: float
    roughness: SmoothField
    gap_mm: float
    fissure_mm: float
    sylvian_mm: float
    cistern_width: float
    ventricles: dict[str, Ventricle]
    nuclei: tuple[Ellipsoid, ...]
    transverse_mm: tuple[float, float]
    falx_hu: float
    blood_hu: float
    contrast_hu: float


def sample_brain(random: np.random.Generator, *, age: float, size: float) -> BrainParameters:
    """Draw a patient's brain.

    Args:
        random: Source of randomness.
        age: Age in years; the old have wider furrows and ventricles.
        size: Size of the head, 1 on average.
    """
    # Shrinkage begins in middle age, and people differ.
    shrunk = float(np.clip((age - 22.0) / 68.0 + random.normal(0.0, 0.1), 0.0, 1.1))
    inner = max(0.0, shrunk + random.normal(0.0, 0.15))
    ventricle_width = float((0.36 + 1.2 * inner**1.3) * np.exp(random.normal(0.0, 0.15)))
    outer = shrunk**1.3
    mean_hu = random.normal(32.0, 1.5)
    contrast = float(np.clip(random.normal(7.5, 1.3), 4.5, 11.0))
    pale = max(0.0, shrunk - 0.35) * 1.5 * random.uniform(0.0, 1.0) ** 1.5
    ventricles = sample_ventricles(random, width=ventricle_width)
    scale_x, scale_y, scale_z = (size * random.normal(1.0, 0.015, size=3)).tolist()
    warps = [SmoothField.sample(random, wavelength_mm=80.0, n_waves=6) for _ in range(3)]
    third = ventricles["third"]
    sides = [ventricles["left"], ventricles["right"]]
    half = third.parts[-1].radii_mm[0] if isinstance(third, MidlineVentricle) else 2.0
    return BrainParameters(
        frame=BrainFrame((scale_x, scale_y, scale_z), (warps[0], warps[1], warps[2]), 1.0),
        grey_hu=mean_hu + 0.55 * contrast,
        white_hu=mean_hu - 0.45 * contrast,
        texture=SmoothField.sample(random, wavelength_mm=45.0, n_waves=8),
        texture_hu=random.uniform(0.4, 1.0),
        pale_hu=1.0 + 11.0 * pale,
        cortex=Cortex(
            seed=int(random.integers(2**62)),
            openness=min(outer, 1.0),
            bends=(
                SmoothField.sample(random, wavelength_mm=16.5, n_waves=24),
                SmoothField.sample(random, wavelength_mm=16.5, n_waves=24),
            ),
        ),
        fold_mm=1.0 + 2.1 * outer * random.uniform(0.75, 1.25),
        roughness=SmoothField.sample(random, wavelength_mm=26.0, n_waves=24),
        gap_mm=0.8 + 1.4 * shrunk**2 * random.uniform(0.7, 1.3),
        fissure_mm=1.5 + 2.2 * outer,
        sylvian_mm=1.2 + 3.6 * outer * random.uniform(0.7, 1.3),
        cistern_width=0.55 + 0.85 * shrunk * random.uniform(0.8, 1.2),
        ventricles=ventricles,
        nuclei=deep_grey(
            third_mm=half,
            caudates=tuple(one.caudate for one in sides if isinstance(one, LateralVentricle)),
        ),
        transverse_mm=(random.uniform(1.6, 3.2), random.uniform(2.0, 3.6)),
        falx_hu=random.uniform(44.0, 58.0),
        blood_hu=float(np.clip(random.normal(52.0, 6.0), 36.0, 70.0)),
        contrast_hu=random.uniform(130.0, 220.0),
    )
