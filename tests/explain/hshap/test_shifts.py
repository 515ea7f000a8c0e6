from __future__ import annotations

import numpy as np
import pytest

from examwise.core.errors import InputError
from examwise.explain.hshap.shifts import grid_shifts


def test_equal_shifts_are_one_that_counts_so_often():
    angles = np.linspace(0, 2 * np.pi, 4, endpoint=False)
    shifts, counts = grid_shifts([0, 0.5, 4], angles, rows=8, columns=8)
    assert dict(zip(map(tuple, shifts.tolist()), counts, strict=True)) == {
        (0, 0): 5,
        (0, 4): 2,
        (4, 0): 2,
    }


def test_no_radius_is_one_shift():
    shifts, counts = grid_shifts([0], [1.0, 2.0], rows=5, columns=7)
    assert shifts.tolist() == [[0, 0]]
    assert counts.tolist() == [1]


@pytest.mark.parametrize(("radii", "angles"), [([], [0]), ([1], []), ([0], []), ([np.inf], [0])])
def test_no_shift_is_refused(radii, angles):
    with pytest.raises(InputError, match="radii and angles"):
        grid_shifts(radii, angles, rows=8, columns=8)
