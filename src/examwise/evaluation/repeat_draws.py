"""Which repeats a bootstrap replicate draws: the same for every archive, learner and budget."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from examwise.core.randomness import generator

_DRAWS_FOR_EACH = 20
"""So many in a row that all but certainly every set of repeats finds as many as it needs."""


class RepeatDraws:
    """One row of drawn repeat numbers for each replicate, from which every curve takes its own.

    A curve of ``n`` repeats takes from each row the first ``n - 1`` draws that are among its
    repeats: the mean of ``n`` draws out of ``n`` varies too little, its variance is
    ``(n - 1) / n`` of what it should be, a third too small with three repeats; with ``n - 1``
    draws it is right (McCarthy and Snowden, 1985). Curves of the same repeats take the same, and
    those of fewer repeats draw as a study of fewer repeats would. A single repeat is always taken.

    Args:
        numbers: Repeat numbers of the whole study.
        n_replicates: Bootstrap replicates.
        seed: Seed of the bootstrap.

    Example:
        >>> draws = RepeatDraws([0, 1, 2], n_replicates=2, seed=0)
        >>> draws.counts([0, 1, 2]).sum(axis=1).tolist(), draws.counts([1]).tolist()
        ([2, 2], [[1], [1]])
    """

    def __init__(self, numbers: npt.ArrayLike, *, n_replicates: int, seed: int) -> None:
        known = np.unique(np.asarray(numbers))
        stream = generator(seed, "repeat_bootstrap")
        self._rows = known[
            stream.integers(len(known), size=(n_replicates, _DRAWS_FOR_EACH * len(known)))
        ]

    def counts(self, numbers: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return how often each of a curve's repeats is drawn, shape (replicates, repeats).

        Args:
            numbers: The curve's repeat numbers, each once.
        """
        own = np.asarray(numbers)
        if len(own) == 1:
            return np.ones((len(self._rows), 1), dtype=np.int64)
        is_own = np.isin(self._rows, own)
        taken = is_own & (np.cumsum(is_own, axis=1) < len(own))
        return np.stack([((self._rows == number) & taken).sum(axis=1) for number in own], axis=1)
