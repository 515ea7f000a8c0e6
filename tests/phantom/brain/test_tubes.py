from __future__ import annotations

import numpy as np
import pytest

from examwise.phantom.brain.tubes import Tube


def test_distance_to_a_straight_tube() -> None:
    tube = Tube(((0.0, 1.0, 2.0, 3.0, 3.0), (20.0, 1.0, 2.0, 3.0, 3.0)))
    along = np.array([10.0, 10.0, 10.0, -4.0], np.float32)
    first = np.array([1.0, 6.0, 1.0, 1.0], np.float32)
    second = np.array([2.0, 2.0, 0.0, 5.0], np.float32)
    found = tube.distance_mm(along, first, second)
    assert found.dtype == np.float32
    assert found.tolist() == pytest.approx([-3.0, 2.0, -1.0, 4.0], abs=0.01)


def test_a_tube_follows_its_stations() -> None:
    tube = Tube(((0.0, 0.0, 0.0, 2.0, 2.0), (40.0, 20.0, 0.0, 6.0, 6.0)))
    along = np.array([10.0, 30.0], np.float32)
    middle = np.array([5.0, 15.0], np.float32)
    zero = np.zeros(2, np.float32)
    assert tube.distance_mm(along, middle, zero).tolist() == pytest.approx([-3.0, -5.0], abs=0.05)
