from __future__ import annotations

import numpy as np

from examwise.explain.hshap.scored_sets import ScoredSets


def test_what_is_known_is_not_new_and_keeps_its_score():
    sets = ScoredSets()
    first = np.array([[9, 2], [2, 5]], np.uint64)
    new = sets.new_among(first)
    assert new.tolist() == [0, 1, 3]
    sets.add(first.reshape(-1)[new], np.array([0.9, 0.2, 0.5]))
    second = np.array([5, 7, 2, 7], np.uint64)
    assert sets.new_among(second).tolist() == [1]
    sets.add(np.array([7], np.uint64), np.array([0.7]))
    assert sets.of(first).tolist() == [[0.9, 0.2], [0.2, 0.5]]
    assert sets.of(second).tolist() == [0.5, 0.7, 0.2, 0.7]
    assert sets.new_among(second).tolist() == []
