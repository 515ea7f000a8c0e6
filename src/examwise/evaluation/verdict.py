"""Which way of labelling was cheaper, if the data tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from examwise.evaluation.answer import Arm


def cheaper_arm(row: Mapping[str, Any]) -> Arm | None:
    """Return which arm needed less, or None where the data do not tell.

    They tell where the ratio's 95% interval lies to one side of 1, at least one arm reached the
    target, and not both with their smallest budgets already.

    Args:
        row: A row of ``RATIOS``.

    Example:
        >>> reached = {"strong": 9.0, "weak": 3.0, "strong_at_most": False, "weak_at_most": False}
        >>> cheaper_arm({**reached, "ratio_lower": 2.0, "ratio_upper": None})
        'weak'
        >>> cheaper_arm({**reached, "ratio_lower": 0.5, "ratio_upper": 2.0}) is None
        True
    """
    if reached_neither(row) or (row["strong_at_most"] and row["weak_at_most"]):
        return None
    lower, upper = row["ratio_lower"], row["ratio_upper"]
    if lower is not None and lower > 1:
        return "weak"
    if upper is not None and upper < 1:
        return "strong"
    return None


def reached_neither(row: Mapping[str, Any]) -> bool:
    """Tell whether both arms' mean curves stay below the target.

    Example:
        >>> reached_neither({"strong": None, "weak": 3.0})
        False
    """
    return row["strong"] is None and row["weak"] is None
