"""Otsu's threshold: where values part into two groups that are each as alike as can be."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from examwise.core.errors import InputError
from examwise.metrics.inputs import Floats


def otsu_threshold(values: npt.ArrayLike) -> float | None:
    """Return the smallest value of the upper of two groups (Otsu, 1979).

    Of all places between two neighbouring values that one is taken which leaves the largest
    variance between the groups' means; of equally good ones the lowest. Every value counts for
    itself, where image libraries sort values into 256 bins first: the result does not depend on
    how far the largest value lies from the others.

    Args:
        values: Finite numbers, of any shape and scale.

    Returns:
        The threshold, values from which on form the upper group; None where all are equal.

    Raises:
        InputError: On NaN or infinity.

    Example:
        >>> otsu_threshold([0, 0, 1, 7, 9])
        7.0
        >>> otsu_threshold([2, 2]) is None
        True
    """
    ordered = np.sort(np.asarray(values, np.float64), axis=None)
    if n_strange := int(np.count_nonzero(~np.isfinite(ordered))):
        raise InputError(
            where="values", expected="finite numbers", got=f"{n_strange} NaN or infinite"
        )
    starts = np.flatnonzero(np.diff(ordered)) + 1
    if not starts.size:
        return None
    # Scaled, squares neither overflow nor vanish; sums of what lies off the smallest value lose
    # nothing to a large offset.
    scaled = ordered / np.abs(ordered).max()
    shifted = scaled - scaled[0]
    total, below = shifted.sum(), np.cumsum(shifted)[starts - 1]
    n_below = starts.astype(np.float64)
    n_above = len(ordered) - n_below
    between: Floats = n_below * n_above * (below / n_below - (total - below) / n_above) ** 2
    return float(ordered[starts[int(np.argmax(between))]])
