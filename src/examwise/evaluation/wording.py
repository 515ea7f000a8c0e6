"""Numbers and intervals as people write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

UNIT_NOUNS = {"hours": "reader hours", "actions": "reader actions", "labels": "labels"}

ARM_NAMES = {"strong": "labelling slices", "weak": "labelling whole exams"}


def number(value: float) -> str:
    """Write a number with as many digits as are worth reading.

    Example:
        >>> number(12345.6), number(31.4), number(3.14159), number(0.0123)
        ('12,346', '31', '3.14', '0.012')
    """
    if value >= 10:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


def amount(value: float, unit: str) -> str:
    """Write an amount of labels, actions or hours with its noun.

    Example:
        >>> amount(41.6, "labels"), amount(3.5, "hours"), amount(1, "actions")
        ('42 labels', '3.50 reader hours', '1 reader action')
    """
    text = number(value) if unit == "hours" else f"{value:,.0f}"
    noun = UNIT_NOUNS[unit]
    return f"{text} {noun.removesuffix('s') if text == '1' else noun}"


def listed(parts: Sequence[str]) -> str:
    """Join with commas and a last "and".

    Example:
        >>> listed(["a", "b", "c"])
        'a, b and c'
    """
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def interval(row: Mapping[str, Any]) -> str:
    """Write a ratio's 95% interval from a row of ``RATIOS``.

    Example:
        >>> interval({"interval": "open_above", "ratio_lower": 2.5, "ratio_upper": None})
        '95% interval 2.50 or more'
    """
    lower, upper = row["ratio_lower"], row["ratio_upper"]
    match row["interval"]:
        case "closed":
            return f"95% interval {number(lower)} to {number(upper)}"
        case "open_above":
            return f"95% interval {number(lower)} or more"
        case "open_below":
            return f"95% interval {number(upper)} or less"
        case _:
            return "95% interval not estimable"
