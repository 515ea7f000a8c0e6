"""Gaps in the skull: fracture lines, burr holes, saw lines, missing bone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from examwise.phantom.grid import FloatArray
from examwise.phantom.mimics.scene import OutsideScene, Patch
from examwise.phantom.mimics.vault_places import VaultPlace
from examwise.phantom.waves import SmoothField

_GAP_HU = 45.0
_DEEPEST_MM = 3.0
_HIGHEST_MM = 2.0


@dataclass(frozen=True)
class FractureLine:
    """A crack through both tables.

    Attributes:
        place: Its middle; its turn says which way it runs.
        half_length_mm: Half its length.
        width_mm: Width.
        course: Field that bends it.
        bend_mm: How far.
    """

    place: VaultPlace
    half_length_mm: float
    width_mm: float
    course: SmoothField
    bend_mm: float

    def draw(self, scene: OutsideScene) -> None:
        """Mix it in, in place."""
        patch = scene.patch(self.place.point_mm(), self.place.reach_mm(self.half_length_mm, 10.0))
        if patch is None:
            return
        sideways, upwards = self.place.along(patch.grid)
        upwards += np.float32(self.bend_mm) * patch.wave(self.course)
        distance = np.abs(upwards) - np.float32(0.5 * self.width_mm)
        np.maximum(distance, np.abs(sideways) - np.float32(self.half_length_mm), out=distance)
        _open(scene, patch, distance)


@dataclass(frozen=True)
class BurrHole:
    """A round hole.

    Attributes:
        place: Its middle.
        radius_mm: Radius.
    """

    place: VaultPlace
    radius_mm: float

    def draw(self, scene: OutsideScene) -> None:
        """Mix it in, in place."""
        patch = scene.patch(self.place.point_mm(), self.place.reach_mm(self.radius_mm))
        if patch is None:
            return
        sideways, upwards = self.place.along(patch.grid)
        distance = np.sqrt(sideways * sideways + upwards * upwards) - np.float32(self.radius_mm)
        _open(scene, patch, distance)


@dataclass(frozen=True)
class BoneFlap:
    """A piece of bone that was sawn out, and put back or not.

    Attributes:
        place: Its middle.
        half_axes_mm: Half its length and height.
        saw_mm: Width of the saw line.
        missing: Whether the bone was left out.
    """

    place: VaultPlace
    half_axes_mm: tuple[float, float]
    saw_mm: float
    missing: bool

    def draw(self, scene: OutsideScene) -> None:
        """Mix it in, in place."""
        reach = self.place.reach_mm(1.2 * max(self.half_axes_mm), 10.0)
        patch = scene.patch(self.place.point_mm(), reach)
        if patch is None:
            return
        sideways, upwards = self.place.along(patch.grid)
        long, high = self.half_axes_mm
        # A rectangle with well-rounded corners: the fourth power lies between it and an ellipse.
        sideways = np.square(sideways / np.float32(long))
        upwards = np.square(upwards / np.float32(high))
        level = np.sqrt(np.sqrt(sideways * sideways + upwards * upwards))
        distance = (level - np.float32(1.0)) * np.float32(min(long, high))
        if not self.missing:
            distance = np.abs(distance) - np.float32(0.5 * self.saw_mm)
        _open(scene, patch, distance)


def _open(scene: OutsideScene, patch: Patch, distance_mm: FloatArray) -> None:
    """Replace bone, and bone alone, by soft tissue."""
    fraction = patch.inside(distance_mm)
    fraction *= patch.inside(-patch.of(scene.fields.vault) - np.float32(_DEEPEST_MM))
    fraction *= patch.inside(patch.of(scene.fields.outer) - np.float32(_HIGHEST_MM))
    # What is darker than the gap is no bone.
    patch.mix(np.minimum(patch.hu, np.float32(_GAP_HU)), fraction)
