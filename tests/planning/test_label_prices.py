from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from examwise.core.errors import InputError
from examwise.core.schemas.store import LABELS
from examwise.planning.label_prices import find_prices

NOTHING = {"exam": None, "slice": None, "action": None}


def events(seconds, *, of_slices=False, finding="any") -> pl.DataFrame:
    return LABELS.frame(
        [
            {
                "exam_id": f"e{number}",
                "slice_start": 3 if of_slices else None,
                "slice_stop": 4 if of_slices else None,
                "finding": finding,
                "value": 1,
                "source": "reader",
                "reader": "r",
                "seconds": value,
                "round": 0,
            }
            for number, value in enumerate(seconds)
        ]
    )


def test_times_are_measured_from_label_events():
    exams, slices = [40.0, 50, 60, 70, 80, None], [4.0, 5, 6, 5, 5]
    both = pl.concat(
        [events(exams), events(slices, of_slices=True), events([900.0] * 9, finding="x")]
    )
    found = find_prices(NOTHING, both, finding="any")
    assert (found.exam.seconds, found.exam.n_timed) == (60.0, 5)
    assert found.exam.spread == pytest.approx(np.std(exams[:5], ddof=1) / 60)
    assert found.exam.error == pytest.approx(found.exam.spread / np.sqrt(5))
    assert found.slice.seconds == 5.0
    assert found.action.seconds == 0.0


def test_what_is_asked_for_counts_before_what_was_measured():
    found = find_prices(
        {"exam": 99.0, "slice": 1.0, "action": 2.0}, events([5.0] * 9), finding="any"
    )
    assert (found.exam.seconds, found.exam.n_timed, found.action.seconds) == (99.0, 0, 2.0)
    assert found.hours(exams=10, slices=100, actions=110) == pytest.approx((990 + 100 + 220) / 3600)


@pytest.mark.parametrize("known", [None, events([50.0] * 4), events([None] * 9)])
def test_nothing_is_assumed(known):
    with pytest.raises(InputError, match="--seconds-per-exam: expected seconds for one exam, or 5"):
        find_prices({**NOTHING, "slice": 5.0}, known, finding="any")


@pytest.mark.parametrize("wrong", [-1.0, float("nan"), float("inf")])
def test_impossible_times_are_refused(wrong):
    with pytest.raises(InputError, match="--seconds-per-slice: expected 0 or more"):
        find_prices({"exam": 1.0, "slice": wrong, "action": None}, None, finding="any")
