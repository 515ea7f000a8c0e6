from __future__ import annotations

import pytest

from examwise.reporting.words import (
    needed_amount,
    ratio_interval_words,
    ratio_with_interval,
    ratio_words,
)

OPEN = {"ratio_lower": None, "ratio_upper": None}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"ratio": 2.0, "strong_at_most": False, "weak_at_most": False}, "2.00"),
        ({"ratio": 2.0, "strong_at_most": True, "weak_at_most": False}, "at most 2.00"),
        ({"ratio": 35.2, "strong_at_most": False, "weak_at_most": True}, "at least 35"),
        ({"ratio": None, "strong_at_most": False, "weak_at_most": False}, "not estimable"),
        (
            {"ratio": None, "strong_at_most": True, "weak_at_most": True},
            "not estimable: both reach it with their smallest budget",
        ),
    ],
)
def test_ratios(row: dict, expected: str) -> None:
    assert ratio_words(row) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"interval": "closed", "ratio_lower": 0.5, "ratio_upper": 12}, "0.50 to 12"),
        ({"interval": "open_above", "ratio_lower": 3, "ratio_upper": None}, "3.00 or more"),
        ({"interval": "open_below", "ratio_lower": None, "ratio_upper": 3}, "3.00 or less"),
        ({"interval": "not_estimable", **OPEN}, "not estimable"),
    ],
)
def test_intervals(row: dict, expected: str) -> None:
    assert ratio_interval_words(row) == expected


def test_needed_amounts() -> None:
    row = {"unit": "hours", "strong": 3.5, "strong_at_most": True, "weak": None}
    assert needed_amount(row, "strong") == "at most 3.50"
    assert needed_amount(row, "weak") == "not reached"


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (
            {"ratio": 2.0, "interval": "closed", "ratio_lower": 1, "ratio_upper": 3},
            "2.00 [1.00 to 3.00]",
        ),
        ({"ratio": None, "interval": "open_above", "ratio_lower": 3}, "[3.00 or more]"),
        ({"ratio": 2.0, "interval": "not_estimable", **OPEN}, "2.00 [no interval]"),
        ({"ratio": None, "interval": "not_estimable", **OPEN}, "not estimable"),
    ],
)
def test_ratios_with_intervals(row: dict, expected: str) -> None:
    found = {"strong_at_most": False, "weak_at_most": False, **row}
    assert ratio_with_interval(found) == expected
