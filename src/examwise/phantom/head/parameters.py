"""A patient's skull and what lies outside of it: size, shape and densities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from examwise.phantom.grid import Vector
from examwise.phantom.head.air_spaces import AirSpaces
from examwise.phantom.head.bone import BoneTissue
from examwise.phantom.head.face_bones import FaceBones
from examwise.phantom.head.fossae import BaseShape
from examwise.phantom.head.orbits import Orbits
from examwise.phantom.head.painter import Warp
from examwise.phantom.head.ridges import InnerRidges
from examwise.phantom.head.skin import SoftShape
from examwise.phantom.head.soft_parts import SoftTissue
from examwise.phantom.head.vault_shape import MEAN_DEPTH_MM, MEAN_RADII_MM, VaultShape
from examwise.phantom.waves import SmoothField


@dataclass(frozen=True)
class HeadParameters:
    """The head around the brain, in the head's own frame.

    Attributes:
        size: Size of the head, 1 on average.
        radii_mm: Semi-axes of the skull's inner table: to the side, front to back, upwards.
        depth_mm: Semi-axis of the inner table downwards.
        vault: How the vault departs from an ellipsoid, and its thickness.
        ridges: Ridges of the inner table.
        base: The skull base.
        bone: How dense bone is.
        soft: Shape of the soft parts.
        tissue: What they are made of.
        face: Bones of the face.
        air: Air spaces.
        orbits: Eyes.
        warp: Irregularity of face and neck.
    """

    size: float
    radii_mm: Vector
    depth_mm: float
    vault: VaultShape
    ridges: InnerRidges
    base: BaseShape
    bone: BoneTissue
    soft: SoftShape
    tissue: SoftTissue
    face: FaceBones
    air: AirSpaces
    orbits: Orbits
    warp: Warp

    @property
    def skull_mm(self) -> float:
        """Mean thickness of the skull's vault."""
        return self.size * self.vault.thickness_mm

    @property
    def scalp_mm(self) -> float:
        """Mean thickness of the scalp."""
        return self.size * self.soft.scalp_mm

    @property
    def skull_hu(self) -> float:
        """Density of compact bone."""
        return self.bone.compact_hu


def sample_head(random: np.random.Generator, *, age: float, size: float) -> HeadParameters:
    """Draw a patient's head.

    Args:
        random: Source of randomness.
        age: Age in years.
        size: Size of the head, 1 on average.
    """
    aged = float(np.clip((age - 20.0) / 65.0, 0.0, 1.0))
    # Robust skulls, as most men have: large brow, mastoids, protuberances and muscles.
    robust = random.uniform()
    fat = float(np.exp(random.normal(0.0, 0.3)))
    side, length, height = MEAN_RADII_MM
    radii = (
        size * random.normal(side, 1.5),
        size * random.normal(length, 1.8),
        size * random.normal(height, 1.6),
    )
    depth = size * random.normal(MEAN_DEPTH_MM, 2.0)
    # The bone of some is thick, and of old women's foreheads inside as well.
    thickness = float(np.clip(random.normal(6.2, 0.8) + 0.4 * robust, 4.6, 9.0))
    frontal_plates = random.uniform(), random.uniform(2.0, 6.0)
    vault = VaultShape(
        forward=random.normal(3.2, 0.8),
        wide_behind=random.normal(7.5, 1.6),
        square_plan=random.normal(12.5, 2.0),
        square_front=random.normal(12.5, 2.0),
        crown_behind=random.normal(12.5, 2.0),
        pinched=random.normal(6.0, 1.2),
        temples_mm=random.uniform(1.5, 4.5),
        skewed=random.normal(0.0, 1.6),
        outline=SmoothField.sample(random, wavelength_mm=105.0, n_waves=6),
        outline_mm=random.uniform(0.6, 1.2),
        thickness_mm=thickness,
        thin_temples=random.uniform(0.3, 0.55),
        thick_front=random.uniform(0.0, 0.3),
        thick_back=random.uniform(0.1, 0.4),
        thick_top=random.uniform(-0.05, 0.2),
        uneven=SmoothField.sample(random, wavelength_mm=42.0, n_waves=10),
    )
    ridges = InnerRidges(
        frontal_crest_mm=random.uniform(2.0, 6.0),
        protuberance_mm=random.uniform(3.0, 6.5),
        occipital_crest_mm=random.uniform(1.5, 4.5),
        groove_mm=random.uniform(0.3, 1.8),
        hyperostosis_mm=frontal_plates[1] if frontal_plates[0] < 0.16 * aged else 0.0,
    )
    base = BaseShape(
        impressions=SmoothField.sample(random, wavelength_mm=17.0, n_waves=10),
        impressions_mm=random.uniform(0.9, 2.0),
        roof_mm=random.normal(0.0, 1.6),
        petrous_mm=random.normal(0.0, 1.5),
        middle_mm=random.normal(0.0, 1.5),
        posterior_mm=random.normal(0.0, 1.2),
        canal_scale=random.normal(1.0, 0.06),
    )
    compact = random.normal(1_330.0, 90.0) - 110.0 * aged
    bone = BoneTissue(
        compact_hu=float(np.clip(compact, 1_100.0, 1_500.0)),
        spongy_hu=random.uniform(520.0, 780.0) - 60.0 * aged,
        compact_mm=random.uniform(1.2, 1.9),
        grain=SmoothField.sample(random, wavelength_mm=5.0, n_waves=24),
        grain_hu=random.uniform(60.0, 120.0),
        wiggle=SmoothField.sample(random, wavelength_mm=8.0, n_waves=8),
        wiggle_mm=random.uniform(0.6, 1.4),
        suture_open=float(np.clip(random.normal(0.9 - 0.7 * aged, 0.2), 0.0, 1.0)),
    )
    soft = SoftShape(
        scalp_mm=float(np.clip(5.9 * fat**0.5 + random.normal(0.0, 0.5), 3.8, 10.0)),
        uneven_mm=random.uniform(0.2, 1.6),
        skin_mm=random.uniform(2.2, 3.4),
        temporalis_mm=random.uniform(7.0, 10.0) + 3.5 * robust - 2.5 * aged,
        face_mm=73.0 + random.normal(0.0, 1.5) + 3.0 * (fat - 1.0),
        neck_mm=64.0 + random.normal(0.0, 2.0) + 4.0 * (fat - 1.0) + 2.0 * robust,
        nose_mm=random.uniform(15.0, 23.0),
        fat_mm=4.0 + 5.0 * fat,
    )
    tissue = SoftTissue(
        strands=SmoothField.sample(random, wavelength_mm=36.0, n_waves=14),
        septa=SmoothField.sample(random, wavelength_mm=28.0, n_waves=14),
        crumbs=SmoothField.sample(random.spawn(1)[0], wavelength_mm=11.0, n_waves=16),
        muscle_hu=random.uniform(52.0, 64.0) - 5.0 * aged,
        fatty=float(np.clip(0.2 + 0.4 * aged + random.normal(0.0, 0.15), 0.0, 1.0)),
    )
    air, orbits = _sample_spaces(random, aged=aged, robust=robust, nose_mm=soft.nose_mm)
    face = FaceBones(
        dense_hu=random.normal(0.0, 80.0) - 80.0 * aged,
        teeth=random.uniform() > 0.6 * aged**2,
        mastoid_size=0.9 + 0.2 * robust,
    )
    x, y, z = (SmoothField.sample(random, wavelength_mm=50.0, n_waves=8) for _ in range(3))
    return HeadParameters(
        size=size,
        radii_mm=radii,
        depth_mm=depth,
        vault=vault,
        ridges=ridges,
        base=base,
        bone=bone,
        soft=soft,
        tissue=tissue,
        face=face,
        air=air,
        orbits=orbits,
        warp=Warp((x, y, z), shift_mm=random.uniform(0.8, 1.5)),
    )


def _sample_spaces(
    random: np.random.Generator, *, aged: float, robust: float, nose_mm: float
) -> tuple[AirSpaces, Orbits]:
    def pair(mean: float, spread: float, low: float, high: float) -> tuple[float, float]:
        common = random.normal(mean, spread)
        right, left = (
            float(np.clip(common + random.normal(0.0, 0.4 * spread), low, high)) for _ in range(2)
        )
        return right, left

    def now_and_then(count: int, chance: float) -> list[float]:
        drawn, share = random.uniform(size=count), random.uniform(0.15, 1.0, size=count)
        return np.where(drawn < chance, share, 0.0).tolist()

    sphenoid, fluid_right, fluid_left = now_and_then(3, 0.09)
    right, left = now_and_then(2, 0.08)
    air = AirSpaces(
        frontal=pair(0.75 + 0.35 * robust, 0.3, 0.0, 1.5),
        ethmoid=random.uniform(0.85, 1.1),
        sphenoid=float(np.clip(random.normal(0.95, 0.16), 0.5, 1.2)),
        maxillary=pair(0.95 + 0.08 * robust, 0.1, 0.6, 1.15),
        mastoid=pair(0.95, 0.16, 0.35, 1.1),
        nose_mm=nose_mm,
        septum_mm=random.normal(0.0, 2.0),
        turbinate=(random.uniform(0.7, 1.3), random.uniform(0.7, 1.3)),
        fluid=(sphenoid, fluid_right, fluid_left),
        full_mastoid=(right, left),
        ethmoid_cells=SmoothField.sample(random, wavelength_mm=13.0, n_waves=14),
        mastoid_cells=SmoothField.sample(random, wavelength_mm=6.5, n_waves=20),
    )
    return air, Orbits(lenses_replaced=random.uniform() < 0.5 * aged**3)
