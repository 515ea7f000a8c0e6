"""Shifts of the grid that cycle spinning averages over."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, sin

import numpy as np
import numpy.typing as npt

from examwise.core.errors import InputError


def grid_shifts(
    radii: Sequence[float], angles: Sequence[float], *, rows: int, columns: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return the distinct shifts on circles about no shift, and how often each comes up.

    Args:
        radii: In pixels; 0 is one shift, whatever the angles.
        angles: In radians, from the columns' axis upwards.
        rows: Of the image: shifts go round its edges.
        columns: Of the image.

    Returns:
        Row and column where the grid begins, shape (k, 2), and counts, shape (k,).

    Raises:
        InputError: If there is no shift, or a radius or angle is not finite.

    Example:
        >>> shifts, counts = grid_shifts([0, 2], [0.0, 3.2], rows=8, columns=8)
        >>> shifts.tolist(), counts.tolist()
        ([[0, 0], [0, 2], [0, 7]], [1.0, 1.0, 1.0])
    """
    if not np.isfinite([*radii, *angles]).all():
        raise InputError(where="radii and angles", expected="finite numbers", got="others")
    shifts = [
        (-int(radius * sin(angle)) % rows, int(radius * cos(angle)) % columns)
        for radius in radii
        for angle in (angles if radius != 0 else angles[:1])
    ]
    if not shifts:
        raise InputError(where="radii and angles", expected="one of each at least", got="none")
    distinct, counts = np.unique(np.array(shifts, np.int64), axis=0, return_counts=True)
    return distinct, counts.astype(float)
