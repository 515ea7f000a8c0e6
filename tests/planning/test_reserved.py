from __future__ import annotations

from dataclasses import replace

import pytest

from examwise.planning.label_prices import Price
from examwise.planning.reserved import PILOT_SPREAD, prescribe_pilot


def test_a_pilot_is_as_large_as_its_precision_asks(prices):
    pilot = prescribe_pilot(prices, precision=0.1)
    assert pilot.exams == pilot.slices == 139  # (1.96 × 0.6 / 0.1)², rounded up
    assert PILOT_SPREAD == 0.6
    assert pilot.hours == pytest.approx(139 * (60 + 6 + 2 * 3) / 3600)
    assert prescribe_pilot(prices, precision=0.2).exams == 35


def test_what_was_timed_already_need_not_be_timed_again(prices):
    timed = replace(prices, exam=Price(60.0, error=0.02, spread=0.3, n_timed=30))
    assert prescribe_pilot(timed, precision=0.1).exams == 35 - 30
    well = Price(6.0, error=0.01, spread=0.3, n_timed=900)
    assert prescribe_pilot(replace(timed, exam=well, slice=well), precision=0.1) is None
