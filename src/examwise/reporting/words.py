"""Numbers in words, the same way everywhere in a report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from examwise.core.schemas.study import BUDGETED, FINE_TUNED
from examwise.evaluation.wording import at_bound, number

NOT_REACHED = "not reached"
NOT_ESTIMABLE = "not estimable"
UNDEFINED = "undefined"
NOT_GIVEN = "not given"

LEARNER_WORDS = {
    "strong": "Strong",
    "weak": "Weak",
    "mixed": "Mixed",
    "pooled": "Pooled",
    "position": "Position only",
    "pretext": "Pretext",
    "mean_hu": "Mean HU",
}
DRAWN_WORDS = {"spread": "spread", "whole_exam": "exam by exam", "exam_first": "exam first"}
MODE_NAMES = {BUDGETED: "first", FINE_TUNED: "full"}
"""The answer that runs of a mode give."""

ESTIMATOR_WORDS = {
    "slice_probability": "slice probability",
    "attention_weight": "attention weight",
    "hshap": "Shapley value of the slice",
    "position_only": "position alone, no image",
}
TRAIT_WORDS = {
    "kind": "Kind of finding",
    "size": "Size of finding",
    "thickness": "Slice thickness",
    "scanner": "Scanner",
}
"""What subgroups differ in, in the order in which they are shown."""
UNIT_WORDS = {"hours": "Reader hours", "actions": "Reader actions", "labels": "Labels"}
"""In the order in which they are shown: what it costs first."""


def short_learner(learner: str) -> str:
    """Name a learner in few words, for tables.

    Example:
        >>> short_learner("weak"), short_learner("mean_hu"), short_learner("team.Learner")
        ('Weak', 'Mean HU', 'team.Learner')
    """
    return LEARNER_WORDS.get(learner, learner)


def within_sentence(name: str) -> str:
    """Write a name as it stands inside a sentence.

    Example:
        >>> within_sentence("Weak, fine-tuned"), within_sentence("team.Learner")
        ('weak, fine-tuned', 'team.Learner')
    """
    return name if name.startswith("Mean HU") else name[:1].lower() + name[1:]


def decimal(value: float | None, digits: int = 2) -> str:
    """Write a share, probability or AUC with a fixed number of decimals.

    Example:
        >>> decimal(0.8666), decimal(None)
        ('0.87', 'undefined')
    """
    return UNDEFINED if value is None else f"{value:.{digits}f}"


def whole(value: float) -> str:
    """Write a number of labels, exams or actions, which may be a mean, as a whole number.

    Example:
        >>> whole(1234.6)
        '1,235'
    """
    return f"{value:,.0f}"


def hours(value: float | None) -> str:
    """Write hours.

    Example:
        >>> hours(3.5), hours(None)
        ('3.50', 'not given')
    """
    return NOT_GIVEN if value is None else number(value)


def short(value: float) -> str:
    """Write a number without needless zeros, for axes.

    Example:
        >>> short(1234.6), short(12.0), short(0.3)
        ('1,235', '12', '0.3')
    """
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def percent(part: float, whole: float) -> str:
    """Write a share in percent.

    Example:
        >>> percent(1, 3), percent(0, 0)
        ('33.3%', 'undefined')
    """
    return f"{100 * part / whole:.1f}%" if whole else UNDEFINED


def signed(value: float | None, digits: int = 3) -> str:
    """Write a difference with its sign.

    Example:
        >>> signed(0.0312), signed(-0.02), signed(0.0), signed(None)
        ('+0.031', '−0.020', '0.000', 'undefined')
    """
    if value is None:
        return UNDEFINED
    written = f"{abs(value):.{digits}f}"
    if float(written) == 0:
        return written
    return ("−" if value < 0 else "+") + written


def signed_interval(lower: float | None, upper: float | None, digits: int = 3) -> str:
    """Write an interval of a difference.

    Example:
        >>> signed_interval(-0.02, 0.1), signed_interval(None, None)
        ('[−0.020, +0.100]', '–')
    """
    if lower is None or upper is None:
        return "–"
    return f"[{signed(lower, digits)}, {signed(upper, digits)}]"


def share_with_interval(value: float | None, lower: float | None, upper: float | None) -> str:
    """Write a share with its 95% interval.

    Example:
        >>> share_with_interval(0.9, 0.8, 0.95), share_with_interval(None, None, None)
        ('0.90 [0.80, 0.95]', 'undefined')
    """
    if value is None:
        return UNDEFINED
    if lower is None or upper is None:
        return f"{value:.2f} [no interval]"
    return f"{value:.2f} [{lower:.2f}, {upper:.2f}]"


def p_value(value: float | None) -> str:
    """Write a p-value; small ones as a bound.

    Example:
        >>> p_value(0.0431), p_value(0.00002), p_value(None)
        ('0.043', '< 0.001', '–')
    """
    if value is None:
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def auc_with_interval(value: float | None, lower: float | None, upper: float | None) -> str:
    """Write an AUC with its 95% interval.

    Example:
        >>> auc_with_interval(0.871, 0.8, 0.93)
        '0.87 [0.80, 0.93]'
        >>> auc_with_interval(None, None, None), auc_with_interval(0.9, None, None)
        ('undefined (one class only)', '0.90 [no interval]')
    """
    if value is None:
        return f"{UNDEFINED} (one class only)"
    if lower is None or upper is None:
        return f"{value:.2f} [no interval]"
    return f"{value:.2f} [{lower:.2f}, {upper:.2f}]"


def needed_amount(row: Mapping[str, Any], arm: str) -> str:
    """Write what an arm needs to reach the target AUC.

    Args:
        row: A row of :data:`~examwise.core.schemas.evaluation.RATIOS`.
        arm: ``strong`` or ``weak``.

    Example:
        >>> needed_amount({"unit": "labels", "weak": 24.0, "weak_at_most": True}, "weak")
        'at most 24'
        >>> needed_amount({"unit": "hours", "weak": None, "weak_at_most": False}, "weak")
        'not reached'
    """
    value = row[arm]
    if value is None:
        return NOT_REACHED
    written = hours(value) if row["unit"] == "hours" else whole(value)
    return f"at most {written}" if row[f"{arm}_at_most"] else written


def ratio_words(row: Mapping[str, Any]) -> str:
    """Write a row's ratio, strong over weak, as a number, a bound, or why there is none.

    Args:
        row: A row of :data:`~examwise.core.schemas.evaluation.RATIOS`.

    Example:
        >>> ratio_words({"ratio": 3.0, "strong_at_most": False, "weak_at_most": True})
        'at least 3.00'
    """
    if row["strong_at_most"] and row["weak_at_most"]:
        return f"{NOT_ESTIMABLE}: both reach it with their smallest budget"
    if row["ratio"] is None:
        return NOT_ESTIMABLE
    return at_bound(row) + number(row["ratio"])


def ratio_interval_words(row: Mapping[str, Any]) -> str:
    """Write a ratio's 95% interval; a missing limit is said in words.

    Args:
        row: A row of :data:`~examwise.core.schemas.evaluation.RATIOS`.

    Example:
        >>> ratio_interval_words(
        ...     {"ratio_lower": 1.5, "ratio_upper": None, "interval": "open_above"})
        '1.50 or more'
    """
    match row["interval"]:
        case "closed":
            return f"{number(row['ratio_lower'])} to {number(row['ratio_upper'])}"
        case "open_above":
            return f"{number(row['ratio_lower'])} or more"
        case "open_below":
            return f"{number(row['ratio_upper'])} or less"
        case _:
            return NOT_ESTIMABLE


def ratio_with_interval(row: Mapping[str, Any]) -> str:
    """Write a row's ratio with its interval, as far as there are both.

    Args:
        row: A row of :data:`~examwise.core.schemas.evaluation.RATIOS`.

    Example:
        >>> ratio_with_interval({"ratio": None, "interval": "not_estimable",
        ...                      "strong_at_most": False, "weak_at_most": False})
        'not estimable'
    """
    ratio, interval = ratio_words(row), ratio_interval_words(row)
    if interval == NOT_ESTIMABLE:
        return ratio if row["ratio"] is None else f"{ratio} [no interval]"
    if ratio.startswith(NOT_ESTIMABLE):
        # One way missed the target: the interval alone says on which side the ratio lies.
        return f"[{interval}]"
    return f"{ratio} [{interval}]"
