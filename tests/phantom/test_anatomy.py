from __future__ import annotations

import numpy as np

from examwise.phantom.anatomy import sample_head

HEADS = [sample_head(0, number) for number in range(100)]


def test_heads_differ_between_patients_and_seeds_only() -> None:
    assert sample_head(0, 3) == HEADS[3]
    assert sample_head(1, 3) != HEADS[3]
    assert len({head.radii_mm for head in HEADS}) == len(HEADS)


def test_sizes_and_densities_are_those_of_heads() -> None:
    inner = np.array([head.radii_mm for head in HEADS])
    assert (inner > 55).all()
    assert (inner < 100).all()
    assert all(head.white_hu - -4 > 25 and head.grey_hu < 43 for head in HEADS)
    assert all(head.grey_hu > head.white_hu for head in HEADS)
    assert all(head.skull_hu > 800 for head in HEADS)


def test_some_have_dense_specks_that_are_no_bleeds() -> None:
    specks = [speck for head in HEADS for speck in head.calcifications]
    assert 0.3 < np.mean([bool(head.calcifications) for head in HEADS]) < 1
    assert all(100 <= speck.hu <= 200 for speck in specks)
    assert 0 < np.mean([head.old_lesion is not None for head in HEADS]) < 0.5
