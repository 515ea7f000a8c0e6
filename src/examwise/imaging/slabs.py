"""Thick slices from thin ones: slabs of neighbours, averaged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from examwise.imaging.annotation_geometry import Box
from examwise.imaging.geometry import slice_spacing_mm
from examwise.imaging.volume import Volume, require_regular

_OPERATION = "averaging thin slices"


@dataclass(frozen=True)
class Slabs:
    """How slices go into slabs: from the lowest on, so many each.

    What is left over above the last whole slab, less than one, goes into none.

    Attributes:
        slices_each: Slices of a slab.
        n_slabs: Slabs.

    Example:
        >>> slabs = Slabs(slices_each=4, n_slabs=2)
        >>> [slabs.of(slice_index) for slice_index in (0, 3, 4, 8)]
        [0, 0, 1, None]
    """

    slices_each: int
    n_slabs: int

    def of(self, slice_index: int) -> int | None:
        """Return the slab that a slice goes into; None if it goes into none."""
        slab = slice_index // self.slices_each
        return slab if slab < self.n_slabs else None


def plan_slabs(volume: Volume, wanted_mm: float) -> Slabs:
    """Choose how many slices make a slab: the whole number of them that comes nearest.

    Slabs lie side by side, so their distance is what comes near to ``wanted_mm``; slices that lie
    further apart than that stay as they are.

    Args:
        volume: Evenly spaced slices.
        wanted_mm: Thickness wanted.

    Raises:
        InputError: If the slices are not evenly spaced, or fewer than a slab takes.

    Example:
        >>> pixels = np.zeros((17, 2, 2), np.int16)
        >>> thin = Volume(pixels, np.arange(17) * 0.6, np.eye(4), 1.0, 1.0, 0.6, True, 0.0)
        >>> plan_slabs(thin, 5.0)
        Slabs(slices_each=8, n_slabs=2)
    """
    require_regular(volume, operation=_OPERATION)
    n_slices = len(volume.positions_mm)
    step = volume.slice_spacing_mm or wanted_mm
    # Half up: a whole number of slices whatever the platform's rounding.
    slices_each = min(max(1, math.floor(wanted_mm / step + 0.5)), n_slices)
    return Slabs(slices_each, n_slices // slices_each)


def slab_thickness_mm(slice_mm: float | None, volume: Volume, slabs: Slabs) -> float | None:
    """Return a slab's nominal thickness: from its lowest slice's lower face to the upper face.

    Args:
        slice_mm: Nominal thickness of a slice; its distance to the next if None.
        volume: The slices.
        slabs: The slabs.
    """
    step = volume.slice_spacing_mm
    if step is None:
        return slice_mm
    return (slabs.slices_each - 1) * step + (step if slice_mm is None else slice_mm)


def average_slabs(volume: Volume, slabs: Slabs) -> Volume:
    """Average the slices of each slab.

    A slab lies where the middle of its slices lies; the affine follows.

    Args:
        volume: Evenly spaced slices.
        slabs: The slabs.

    Raises:
        InputError: If the slices are not evenly spaced.
    """
    require_regular(volume, operation=_OPERATION)
    each, n_slabs = slabs.slices_each, slabs.n_slabs
    if each == 1:
        return volume
    pixels = np.empty((n_slabs, *volume.pixels_hu.shape[1:]), np.int16)
    for slab in range(n_slabs):
        run = volume.pixels_hu[slab * each : (slab + 1) * each]
        pixels[slab] = np.rint(run.mean(axis=0, dtype=np.float64))
    positions = volume.positions_mm[: each * n_slabs].reshape(n_slabs, each).mean(axis=1)
    spacing, regular = slice_spacing_mm(positions)
    change = np.diag([1.0, 1.0, each, 1.0])
    change[2, 3] = (each - 1) / 2
    return replace(
        volume,
        pixels_hu=pixels,
        positions_mm=positions,
        affine=volume.affine @ change,
        slice_spacing_mm=spacing,
        regular=regular,
    )


def union_mask(mask: npt.NDArray[np.uint8], slabs: Slabs) -> npt.NDArray[np.uint8]:
    """Return what is in any slice of a slab.

    Args:
        mask: Bits of findings, shape (slices, rows, columns).
        slabs: The slabs.
    """
    each, n_slabs = slabs.slices_each, slabs.n_slabs
    runs = mask[: each * n_slabs].reshape(n_slabs, each, *mask.shape[1:])
    return np.asarray(np.bitwise_or.reduce(runs, axis=1))


def union_boxes(boxes: Sequence[Box]) -> list[Box]:
    """Join boxes that overlap, until none do; in the order of the first of each.

    Example:
        >>> union_boxes([Box(0, 0, 2, 2), Box(8, 8, 1, 1), Box(1, 1, 3, 3)])
        [Box(x=0, y=0, width=4, height=4), Box(x=8, y=8, width=1, height=1)]
    """
    joined: list[Box] = []
    for box in boxes:
        place = len(joined)
        grown = True
        while grown:  # a joined box may reach others that neither of the two did
            grown = False
            for index, other in enumerate(joined):
                if _overlap(box, other):
                    box = _hull(box, joined.pop(index))
                    place, grown = min(place, index), True
                    break
        joined.insert(place, box)
    return joined


def _overlap(one: Box, other: Box) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def _hull(one: Box, other: Box) -> Box:
    left, top = min(one.x, other.x), min(one.y, other.y)
    right = max(one.x + one.width, other.x + other.width)
    bottom = max(one.y + one.height, other.y + other.height)
    return Box(left, top, right - left, bottom - top)
