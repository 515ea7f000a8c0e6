"""Numbers and intervals as people write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

UNIT_NOUNS = {"hours": "reader hours", "actions": "reader actions", "labels": "labels"}

ARM_NAMES = {"strong": "slice labels", "weak": "exam labels"}

DRAWN = {
    "spread": "spread over exams",
    "whole_exam": "exam by exam",
    "exam_first": "where the exam's label asks for them",
}
"""How slice labels are drawn, in words."""

TRAINED_ON = "with the encoder trained on as well"
"""How learners of the full answer differ from those of the first one, in words."""

SCORES_WITHOUT_LABELS = {
    "pretext": "the pretrained encoder's own score",
    "mean_hu": "the mean brightness of soft tissue",
}
"""Scores that need no label, in words."""


def drawn(acquisition: str) -> str:
    """Say how slice labels were drawn, to follow the word "drawn".

    Example:
        >>> drawn("spread"), drawn("by_hand")
        ('spread over exams', "as 'by_hand'")
    """
    return DRAWN.get(acquisition, f"as '{acquisition}'")


def arm_drawn(arm: str, acquisition: str) -> str:
    """Name an arm's labels, and how they were drawn where that can differ.

    Example:
        >>> arm_drawn("strong", "whole_exam"), arm_drawn("weak", "exam")
        ('slice labels drawn exam by exam', 'exam labels')
    """
    return f"slice labels drawn {drawn(acquisition)}" if arm == "strong" else ARM_NAMES[arm]


def at_bound(row: Mapping[str, Any]) -> str:
    """Say, before a ratio, that it is a bound: an arm's smallest budget reached the target.

    Example:
        >>> at_bound({"strong_at_most": False, "weak_at_most": True})
        'at least '
    """
    if row["strong_at_most"]:
        return "at most "
    return "at least " if row["weak_at_most"] else ""


def percent(share: float) -> str:
    """Write a share; what is not all or none is not rounded to it.

    Example:
        >>> percent(0.004), percent(0.12), percent(0.996), percent(1)
        ('less than 1%', '12%', 'more than 99%', 'all')
    """
    if share < 0.01:
        return "less than 1%"
    if 0.99 < share < 1:
        return "more than 99%"
    return "all" if share == 1 else f"{share:.0%}"


def score_without_labels(name: str) -> str:
    """Name a score that needs no label.

    Example:
        >>> score_without_labels("mean_hu"), score_without_labels("mine")
        ('the mean brightness of soft tissue', "the score 'mine'")
    """
    return SCORES_WITHOUT_LABELS.get(name, f"the score '{name}'")


def sentence(text: str) -> str:
    """Begin with a capital and end with a full stop.

    Example:
        >>> sentence("exam labels were cheaper")
        'Exam labels were cheaper.'
    """
    return f"{text[0].upper()}{text[1:]}."


def number(value: float) -> str:
    """Write a number with as many digits as are worth reading.

    Example:
        >>> number(12345.6), number(31.4), number(3.14159), number(0.0123)
        ('12,346', '31', '3.14', '0.012')
    """
    if value >= 10:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


def amount(value: float, unit: str, *, kind: str = "") -> str:
    """Write an amount of labels, actions or hours with its noun.

    Args:
        value: The amount.
        unit: ``labels``, ``actions`` or ``hours``.
        kind: The noun of labels of one kind, in the singular.

    Example:
        >>> amount(41.6, "labels"), amount(3.5, "hours"), amount(1, "actions")
        ('42 labels', '3.50 reader hours', '1 reader action')
        >>> amount(300, "labels", kind="exam label")
        '300 exam labels'
    """
    text = number(value) if unit == "hours" else f"{value:,.0f}"
    noun = f"{kind}s" if kind else UNIT_NOUNS[unit]
    return f"{text} {noun.removesuffix('s') if text == '1' else noun}"


def goal(target_auc: float, finding: str) -> str:
    """Say what is to be reached.

    Example:
        >>> goal(0.8, "any")
        "an AUC of 0.8 for the finding 'any'"
    """
    return f"an AUC of {target_auc:g} for the finding '{finding}'"


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
