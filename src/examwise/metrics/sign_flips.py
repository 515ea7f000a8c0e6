"""A test of paired differences: whose they are could as well be the other way round."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from examwise.core.errors import InputError
from examwise.metrics.inputs import checked_scores

_AT_ONCE = 2**22


def sign_flip_p(
    differences: npt.ArrayLike,
    patients: npt.ArrayLike,
    *,
    n_permutations: int,
    generator: np.random.Generator,
) -> float | None:
    """Return the two-sided p of a mean difference, signs changed patient by patient.

    What belongs to a patient changes its sign together (Fisher, 1935, with patients in the place
    of plots). The sample itself counts as one of the permutations, so that p is never 0: with few
    patients it cannot be small.

    Args:
        differences: One less the other, shape (n,).
        patients: Each difference's patient, shape (n,).
        n_permutations: Permutations drawn.
        generator: Where signs come from; the same for the same patients, whatever their order.

    Returns:
        The share of permutations whose mean is at least as far from 0; None without differences.

    Raises:
        InputError: On NaN, unequal lengths, or no permutations.

    Example:
        >>> sign_flip_p([1, 2, 3], ["a", "b", "b"], n_permutations=999,
        ...             generator=np.random.default_rng(0)) > 0.4
        True
    """
    values = checked_scores(differences, name="differences")
    owners = np.asarray(patients)
    if owners.shape != values.shape:
        raise InputError(where="patients", expected=f"shape {values.shape}", got=owners.shape)
    if n_permutations < 1:
        raise InputError(where="n_permutations", expected="at least 1", got=n_permutations)
    if not len(values):
        return None
    names, items = np.unique(owners, return_inverse=True)
    sums = np.bincount(items, values, len(names))
    seen = abs(sums.sum())
    # Sums of the same numbers in another order may differ in their last digits.
    least = seen - 1e-12 * np.abs(sums).sum()
    n_as_far = 0
    block = max(1, _AT_ONCE // len(names))
    for start in range(0, n_permutations, block):
        n_drawn = min(block, n_permutations - start)
        signs = generator.integers(0, 2, (n_drawn, len(names)), dtype=np.int8) * 2 - 1
        n_as_far += int((np.abs(signs @ sums) >= least).sum())
    return (1 + n_as_far) / (1 + n_permutations)
