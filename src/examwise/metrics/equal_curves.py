"""Whether two scores of the same items have equal ROC curves, by exchanging their ranks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from examwise.core.errors import InputError
from examwise.metrics.auc_variance import patient_codes
from examwise.metrics.inputs import checked_labels, checked_scores

_ELEMENTS_AT_ONCE = 1 << 19
"""Ranks exchanged at once."""

Booleans = npt.NDArray[np.bool_]


def equal_curves_p(
    labels: npt.ArrayLike,
    scores: npt.ArrayLike,
    other_scores: npt.ArrayLike,
    patients: npt.ArrayLike | None = None,
    *,
    n_permutations: int,
    generator: np.random.Generator,
) -> float | None:
    """Return the two-sided p of equal ROC curves (Venkatraman and Begg, 1996).

    Areas can be equal where curves cross; this test tells them apart. At every rank k, the
    positives that one score has among its k lowest are counted against the other score's; the
    statistic is the sum of the absolute differences. Under the null an item's two ranks may be
    exchanged. Ours differs in one thing: all items of a patient are exchanged together. Ties are
    broken at random, in the observed scores alike for both, so that equal scores have p = 1.

    Args:
        labels: 0 or 1, shape (n,).
        scores: Higher means more likely positive, shape (n,).
        other_scores: Of the same items, on any scale, shape (n,).
        patients: Each item's patient, shape (n,); every item is a patient of its own if None.
        n_permutations: Exchanges drawn; p is at least 1 / (n_permutations + 1).
        generator: Where the draws come from.

    Returns:
        p, the observed statistic counted among the drawn ones; None where a class is absent.

    Raises:
        InputError: On a NaN score, a label other than 0 and 1, unequal lengths, or no permutations.

    Example:
        >>> draw = np.random.default_rng(0)
        >>> labels = np.arange(60) % 2
        >>> good, poor = labels + draw.normal(0, 0.4, 60), draw.normal(size=60)
        >>> equal_curves_p(labels, good, poor, n_permutations=199, generator=draw)
        0.005
        >>> equal_curves_p(labels, good, 2 * good, n_permutations=199, generator=draw)
        1.0
    """
    values, other_values = checked_scores(scores), checked_scores(other_scores)
    positive = checked_labels(labels, len(values))
    if len(other_values) != len(values):
        raise InputError(
            where="other_scores", expected=f"shape ({len(values)},)", got=f"{len(other_values)}"
        )
    if n_permutations < 1:
        raise InputError(where="n_permutations", expected="at least 1", got=n_permutations)
    items = np.arange(len(values)) if patients is None else np.asarray(patients)
    if items.shape != values.shape:
        raise InputError(
            where="patients", expected=f"shape ({len(values)},)", got=f"shape {items.shape}"
        )
    if not positive.any() or positive.all():
        return None
    codes, n_patients = patient_codes(items)
    ties = generator.permutation(len(values))
    by_one, by_other = np.lexsort((ties, values)), np.lexsort((ties, other_values))
    observed = _statistic(positive[by_one][None], positive[by_other][None])[0]
    n_as_large = 1
    step = max(1, _ELEMENTS_AT_ONCE // len(values))
    for start in range(0, n_permutations, step):
        n_drawn = min(step, n_permutations - start)
        exchanged = generator.integers(0, 2, (n_drawn, n_patients), dtype=np.uint8).view(np.bool_)
        ours, theirs = exchanged[:, codes[by_one]], exchanged[:, codes[by_other]]
        # Of each rank at most two items claim it: who holds it by the one score, and who by the
        # other. They are laid side by side, so that ranking anew needs no sorting.
        statistics = _statistic(
            _ranked_anew(positive[by_one], ~ours, positive[by_other], theirs, generator),
            _ranked_anew(positive[by_one], ours, positive[by_other], ~theirs, generator),
        )
        n_as_large += int(np.count_nonzero(statistics >= observed))
    return n_as_large / (n_permutations + 1)


def _ranked_anew(
    of_one: Booleans,
    takes_one: Booleans,
    of_other: Booleans,
    takes_other: Booleans,
    generator: np.random.Generator,
) -> Booleans:
    """Return the labels in the order of the exchanged ranks, shape (permutations, n)."""
    n_drawn, n = takes_one.shape
    other_first = generator.integers(0, 2, (n_drawn, n), dtype=np.uint8).view(np.bool_)
    labels = np.empty((n_drawn, n, 2), dtype=np.bool_)
    there = np.empty_like(labels)
    labels[..., 0] = np.where(other_first, of_other, of_one)
    labels[..., 1] = np.where(other_first, of_one, of_other)
    there[..., 0] = np.where(other_first, takes_other, takes_one)
    there[..., 1] = np.where(other_first, takes_one, takes_other)
    return labels[there].reshape(n_drawn, n)


def _statistic(ours: Booleans, theirs: Booleans) -> npt.NDArray[np.int64]:
    steps = ours.astype(np.int8) - theirs.astype(np.int8)
    return np.asarray(np.abs(np.cumsum(steps, axis=1, dtype=np.int64)).sum(axis=1))
