"""Distances to the skull and to the skin, on which everything else is built."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from examwise.phantom.grid import FloatArray, PlaneGrid, Window
from examwise.phantom.head.parameters import HeadParameters
from examwise.phantom.head.ridges import inner_ridges
from examwise.phantom.head.skin import skin_distance
from examwise.phantom.head.skull_base import (
    AVERAGE_BASE,
    BASE_BOX_MM,
    base_distances,
    floor_height_mm,
)
from examwise.phantom.head.vault_shape import vault_distance, vault_thickness


@dataclass(frozen=True)
class HeadFields:
    """Signed distances in mm, negative inside, float32, of the grid's shape.

    Attributes:
        grid: Where they were sampled.
        frame: The same places in the average head's frame: divided by the head's size.
        vault: To the inner table, as if it were closed below.
        cavity: To the inside of the cranial cavity: floor of the skull, petrous and other ridges
            and the spinal canal included.
        outer: To the outer table of the vault, as if it were closed below.
        bone: To the bone of vault and base.
        skin: To the skin.
    """

    grid: PlaneGrid
    frame: PlaneGrid
    vault: FloatArray
    cavity: FloatArray
    outer: FloatArray
    bone: FloatArray
    skin: FloatArray

    def crop(self, window: Window) -> HeadFields:
        """Return a part of the fields, as views."""
        return HeadFields(
            self.grid.crop(window),
            self.frame.crop(window),
            self.vault[window],
            self.cavity[window],
            self.outer[window],
            self.bone[window],
            self.skin[window],
        )


def head_fields(head: HeadParameters, grid: PlaneGrid) -> HeadFields:
    """Sample a head's distances.

    Example:
        >>> from examwise.phantom.grid import plane_grid
        >>> from examwise.phantom.head.parameters import sample_head
        >>> head = sample_head(np.random.default_rng(0), age=60, size=1)
        >>> grid = plane_grid(np.zeros((1, 3)), spacing_mm=1, rows=1, columns=1)
        >>> fields = head_fields(head, grid)
        >>> bool(fields.cavity[0, 0, 0] < -25)
        True
    """
    size = head.size
    frame = PlaneGrid(
        grid.origins / size, grid.row_step / size, grid.column_step / size, grid.rows, grid.columns
    )
    radii = (head.radii_mm[0] / size, head.radii_mm[1] / size, head.radii_mm[2] / size)
    vault = vault_distance(head.vault, radii, head.depth_mm / size, frame)
    thickness = vault_thickness(head.vault, radii, frame)
    outer = np.subtract(vault, thickness, out=thickness)
    cavity = inner_ridges(head.ridges, radii, frame, vault)
    bone = np.negative(cavity)
    np.maximum(bone, outer, out=bone)
    window = frame.window(*BASE_BOX_MM)
    if window is not None:
        base = base_distances(head.base, frame.crop(window))
        inside = cavity[window]
        np.maximum(inside, base.floor, out=inside)
        np.minimum(inside, base.canal, out=inside)
        # Where the floor lies high above, there is no vault: forehead, cheeks, temples.
        deep = np.clip(frame.z[window] + np.float32(28.0), 0.0, 25.0)
        np.subtract(base.floor, deep, out=deep)
        deep -= np.float32(3.0)
        shell = np.maximum(outer[window], deep, out=deep)
        under = np.maximum(base.bone, outer[window] - np.float32(0.5), out=base.bone)
        np.minimum(shell, under, out=shell)
        np.maximum(shell, -inside, out=bone[window])
    skin = skin_distance(head.soft, frame, outer)
    if size != 1.0:
        for field in (vault, cavity, outer, bone, skin):
            field *= np.float32(size)
    return HeadFields(grid, frame, vault, cavity, outer, bone, skin)


def floor_mm(x: FloatArray, y: FloatArray) -> FloatArray:
    """Return the height of the floor of the average skull: three steps down from front to back.

    Example:
        >>> floor_mm(np.zeros(2, np.float32), np.array([-65, 45], np.float32)).round().tolist()
        [-36.0, -61.0]
    """
    return floor_height_mm(AVERAGE_BASE, x, y)
