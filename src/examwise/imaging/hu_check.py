"""Whether an exam's values look like a head in HU, and how they are distributed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examwise.imaging.store_faults import Fault
from examwise.imaging.volume import AIR_HU

BIN_WIDTH_HU = 5
FIRST_EDGE_HU = -1100
N_BINS = 840
"""Bins of the histogram, from -1100 to 3100 HU; values beyond count in the first and last one."""

AIR_BELOW_HU = -500
LEAST_AIR = 0.01
"""A head in its field of view has far more air around it than this share of its pixels."""

BRAIN_HU = (0.0, 100.0)
"""Where the median of the middle of a head lies: brain has 20 to 45 HU, clots up to 90."""

_LOOK = "look at this exam; leave it out where it is no head or its rescaling was lost"


@dataclass(frozen=True, eq=False)
class HuFacts:
    """An exam's values in a few numbers.

    Attributes:
        counts: Pixels by bin, int64, shape (N_BINS,).
        lowest_hu: Smallest value.
        highest_hu: Largest value.
        air: Share of pixels below :data:`AIR_BELOW_HU`.
        middle_hu: Median of the middle: the middle third of slices, rows and columns.
    """

    counts: npt.NDArray[np.int64]
    lowest_hu: int
    highest_hu: int
    air: float
    middle_hu: float


def hu_facts(pixels_hu: npt.NDArray[np.int16]) -> HuFacts:
    """Count an exam's values.

    Args:
        pixels_hu: HU, int16, shape (slices, rows, columns).

    Example:
        >>> hu_facts(np.full((3, 6, 6), 30, np.int16)).middle_hu
        30.0
    """
    every = np.zeros(1 << 16, np.int64)
    for plane in pixels_hu:
        every += np.bincount(plane.ravel().astype(np.int64) + (1 << 15), minlength=1 << 16)
    present = np.flatnonzero(every)
    values = np.arange(1 << 16) - (1 << 15)
    bins = np.clip((values - FIRST_EDGE_HU) // BIN_WIDTH_HU, 0, N_BINS - 1)
    counts = np.bincount(bins, weights=every, minlength=N_BINS).astype(np.int64)
    middle = pixels_hu[tuple(slice(size // 3, size - size // 3) for size in pixels_hu.shape)]
    return HuFacts(
        counts=counts,
        lowest_hu=int(values[present[0]]),
        highest_hu=int(values[present[-1]]),
        air=float(every[values < AIR_BELOW_HU].sum() / every.sum()),
        middle_hu=float(np.median(middle)),
    )


def hu_faults(facts: HuFacts, *, file: str, exam_id: str) -> tuple[list[Fault], list[Fault]]:
    """Judge an exam's values.

    Returns:
        Faults: values that no store holds, or values that have neither air nor brain where a
        head has them, and so are no HU. Doubts: one of the two is missing, as in a head without
        its surroundings or in another part of the body.
    """
    where = f"{file}, exam {exam_id}"
    faults = []
    if facts.lowest_hu < AIR_HU:
        expected, got = f"values from {AIR_HU} HU", f"values down to {facts.lowest_hu} HU"
        faults.append(Fault("hu_range", where, expected, got, exam_id=exam_id))
    air = f"{100 * facts.air:.1f}% of pixels below {AIR_BELOW_HU} HU"
    middle = f"{facts.middle_hu:g} HU in the middle"
    wanted_air = "air around the head"
    wanted_middle = f"a median of {BRAIN_HU[0]:g} to {BRAIN_HU[1]:g} HU in the middle of the head"
    no_air = facts.air < LEAST_AIR
    no_brain = not BRAIN_HU[0] <= facts.middle_hu <= BRAIN_HU[1]
    if no_air and no_brain:
        expected, got = f"{wanted_air}, and {wanted_middle}", f"{air}, and {middle}"
        return [*faults, Fault("hu_scale", where, expected, got, _LOOK, exam_id)], []
    doubts = []
    if no_air:
        doubts.append(Fault("hu_air", where, wanted_air, air, _LOOK, exam_id))
    if no_brain:
        doubts.append(Fault("hu_middle", where, wanted_middle, middle, _LOOK, exam_id))
    return faults, doubts
