"""Scores of what has been scored, so that nothing is scored twice."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


class ScoredSets:
    """Scores by key, looked up many at a time."""

    def __init__(self) -> None:
        self._keys = np.empty(0, np.uint64)
        self._scores = np.empty(0)

    def new_among(self, keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
        """Return where keys without a score stand for the first time, ascending."""
        found, first = np.unique(keys, return_index=True)
        return np.sort(first[~np.isin(found, self._keys, assume_unique=True)])

    def add(self, keys: npt.NDArray[np.uint64], scores: npt.NDArray[np.float64]) -> None:
        """Keep scores of new keys."""
        all_keys = np.concatenate([self._keys, keys])
        order = np.argsort(all_keys)
        self._keys = all_keys[order]
        self._scores = np.concatenate([self._scores, scores])[order]

    def of(self, keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.float64]:
        """Return the scores of known keys, in their shape."""
        return self._scores[np.searchsorted(self._keys, keys)]
