"""Metal and plastic that surgeons leave: clips, coils, catheters, plates, staples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from examwise.phantom.grid import Vector
from examwise.phantom.mimics.lumps import BrainLump, Lump
from examwise.phantom.mimics.scene import OutsideScene
from examwise.phantom.mimics.tubes import Tube
from examwise.phantom.mimics.vault_places import VaultPlace
from examwise.phantom.shapes import Ellipsoid
from examwise.phantom.waves import SmoothField

CLIP_HU = 5_000.0
COIL_HU = 9_000.0
STAPLE_HU = 3_500.0
PLATE_HU = 2_200.0
_CATHETER_HU = 330.0
_CATHETER_MM = 1.3

ANEURYSM_PLACES_MM: tuple[Vector, ...] = (
    # Anterior communicating, middle cerebral, carotid, tip of the basilar artery.
    (1.5, -28.0, -18.0),
    (33.0, -22.0, -15.0),
    (9.0, -17.0, -25.0),
    (0.0, -5.0, -24.0),
)


@dataclass(frozen=True)
class SurfaceDots:
    """Small flat things on the skin or on the skull.

    Attributes:
        place: What they are placed around.
        dots_mm: Each one's place along the skull, sideways and upwards.
        radius_mm: Radius of each.
        half_thickness_mm: Half the thickness of each.
        hu: Density.
        on_skin: Whether they lie on the skin; else on the skull.
    """

    place: VaultPlace
    dots_mm: tuple[tuple[float, float], ...]
    radius_mm: float
    half_thickness_mm: float
    hu: float
    on_skin: bool

    def draw(self, scene: OutsideScene) -> None:
        """Mix them in, in place."""
        for sideways_mm, upwards_mm in self.dots_mm:
            center = self.place.point_mm(-12.0, sideways_mm, upwards_mm)
            patch = scene.patch(center, self.place.reach_mm(self.radius_mm))
            if patch is None:
                continue
            sideways, upwards = self.place.along(patch.grid)
            sideways -= np.float32(sideways_mm)
            upwards -= np.float32(upwards_mm)
            surface = scene.fields.skin if self.on_skin else scene.fields.outer
            height = np.abs(patch.of(surface) - np.float32(0.5 * self.half_thickness_mm))
            # Thin metal fills part of a voxel: fractions multiply.
            fraction = patch.inside(height - np.float32(self.half_thickness_mm))
            fraction *= patch.inside(
                np.sqrt(sideways * sideways + upwards * upwards) - np.float32(self.radius_mm)
            )
            patch.mix(self.hu, fraction)


def sample_clip(random: np.random.Generator, place_mm: Vector) -> Tube:
    """Draw a clip on the neck of an aneurysm."""
    x, y, z = place_mm
    a, b, c = random.normal(0.0, 3.0, size=3).tolist()
    return Tube(
        ((x, y, z), (x + a, y + b, z + c)), random.uniform(0.8, 1.3), CLIP_HU, of_brain=True
    )


def sample_coil(random: np.random.Generator, place_mm: Vector) -> BrainLump:
    """Draw a ball of platinum wire in an aneurysm."""
    a, b, c = (random.uniform(1.8, 4.5) * random.uniform(0.8, 1.2, size=3)).tolist()
    coil = Lump(
        Ellipsoid(place_mm, (a, b, c)),
        COIL_HU,
        wobble=SmoothField.sample(random, wavelength_mm=5.0, n_waves=3),
        wobble_mm=0.4,
    )
    return BrainLump(coil)


def catheter(place: VaultPlace, tip_mm: Vector) -> Tube:
    """Return a catheter from outside the skull through it to a tip in a ventricle."""
    return Tube((place.point_mm(-8.0), tip_mm), _CATHETER_MM, _CATHETER_HU)


def valve(place: VaultPlace, down_mm: float) -> tuple[Tube, ...]:
    """Return a shunt's valve under the scalp, and the catheter that runs down from it."""
    start = place.point_mm(-9.0)
    middle = place.point_mm(-10.0, upwards_mm=-0.4 * down_mm)
    end = place.point_mm(-10.0, upwards_mm=-down_mm)
    return (
        Tube((start, middle), 2.6, 700.0),
        Tube((start, middle, end), _CATHETER_MM, _CATHETER_HU),
    )


def outline_dots(
    half_axes_mm: tuple[float, float], *, count: int, share: float
) -> tuple[tuple[float, float], ...]:
    """Return places on a share of an ellipse, evenly spread.

    Example:
        >>> [round(x) for x, _ in outline_dots((10.0, 20.0), count=3, share=0.5)]
        [10, 0, -10]
    """
    angles = np.linspace(0.0, share * 2.0 * np.pi, count)
    long, high = half_axes_mm
    return tuple((long * float(np.cos(a)), high * float(np.sin(a))) for a in angles)
