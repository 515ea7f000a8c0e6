"""What to be careful about in a study's answer; every sentence is computed from the study."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from examwise.evaluation.headline import falls
from examwise.evaluation.study_facts import StudyFacts
from examwise.evaluation.wording import ARM_NAMES, number

Row = Mapping[str, Any]

_DRAWN = {"spread": "spread over exams", "whole_exam": "exam by exam"}

FEW_REPEATS = 5
FEW_EXAMS_OF_A_CLASS = 50
"""With fewer, the interval of an AUC of 0.8 is about 0.1 wide or more (Hanley and McNeil, 1982)."""


def compose_cautions(
    ratios: Mapping[str, Row],
    arms: Mapping[str, Sequence[Row]],
    facts: StudyFacts,
    *,
    costs_given: bool,
) -> tuple[str, ...]:
    """Return the cautions that apply, the weightiest first.

    Args:
        ratios: Unit to its row of ``RATIOS``, the leading unit first.
        arms: ``strong`` and ``weak`` to their rows of the answer's table.
        facts: What else is known of the study.
        costs_given: Whether hours were computed from costs.
    """
    rows = [row for arm in arms.values() for row in arm]
    return (
        *_test_set(facts),
        *_repeats(rows),
        *_failed_runs(facts),
        *_reach(ratios),
        *_costs(costs_given),
        *_slice_labels(facts, is_ratio_given=bool(ratios)),
        *_shape(arms),
    )


def _test_set(facts: StudyFacts) -> Iterator[str]:
    n_negative = facts.n_exams - facts.n_positive
    few = min(facts.n_positive, n_negative) < FEW_EXAMS_OF_A_CLASS
    yield (
        f"AUCs come from {facts.n_exams:,} test exams ({facts.n_positive:,} positive) of "
        f"{facts.n_patients:,} patients" + (", which is few." if few else ".")
    )
    if facts.n_archives > 1:
        yield (
            f"The answer holds for the archives '{facts.archive}' together: exams of one are "
            "ranked against exams of another. How each does for itself stands in "
            "exam_metrics.parquet; another archive may answer differently."
        )
    else:
        yield (
            f"The answer holds for the archive '{facts.archive}', its labels and these learners; "
            "another archive may answer differently."
        )


def _repeats(rows: Sequence[Row]) -> Iterator[str]:
    if not rows:
        return
    fewest, most = (bound(row["repeats"] for row in rows) for bound in (min, max))
    if most == 1:
        yield (
            "Every budget was tried once: how much the draw of labels and the training matter "
            "is not in the intervals."
        )
        return
    times = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    few = "; so few repeats make the intervals too narrow." if fewest < FEW_REPEATS else "."
    yield f"Every budget was tried {times} times with labels drawn anew{few}"


def _failed_runs(facts: StudyFacts) -> Iterator[str]:
    if facts.n_constant_runs:
        yield (
            f"{facts.n_constant_runs} of {facts.n_runs} runs gave every test exam the same score: "
            "their training failed, and their AUC of 0.5 counts in the means."
        )


def _reach(ratios: Mapping[str, Row]) -> Iterator[str]:
    if not ratios:
        return
    lead = next(iter(ratios.values()))
    for arm in ("strong", "weak"):
        if lead[f"{arm}_at_most"]:
            yield (
                f"With {ARM_NAMES[arm]} the smallest budget reached the target already: "
                "what it took at the least is not known."
            )
        missed = 1 - lead[f"reached_{arm}"]
        if missed > 0:
            yield (
                f"In {_percent(missed)} of the resampled studies {ARM_NAMES[arm]} did not reach "
                "the target within its budgets."
            )
    if lead["reached_neither"] > 0:
        yield (
            f"In {_percent(lead['reached_neither'])} of the resampled studies neither way did; "
            "these say nothing about the ratio"
            + ("." if lead["interval"] == "not_estimable" else " and are left out of its interval.")
        )


def _costs(costs_given: bool) -> Iterator[str]:
    if costs_given:
        yield "Reader hours are computed from assumed costs, not measured in this study."
    else:
        yield (
            "No reading costs were given, so there are no hours; a reader action on a slice and "
            "one on an exam need not take equally long."
        )


def _slice_labels(facts: StudyFacts, *, is_ratio_given: bool) -> Iterator[str]:
    how = _DRAWN.get(facts.acquisition or "")
    if how and facts.labels_per_exam is not None:
        yield (
            f"Slice labels were drawn {how}, {number(facts.labels_per_exam)} for each exam "
            "opened at the largest budget."
        )
    if facts.largest_unspent_share >= 0.005:
        yield (
            f"Budgets buy whole exams only: up to {facts.largest_unspent_share:.0%} of a budget "
            "stayed unspent; ratios count the labels bought."
        )
    if is_ratio_given and facts.slices_per_exam is not None:
        yield (
            "The ratio of labels counts a slice label like an exam label; an exam has "
            f"{number(facts.slices_per_exam)} slices on average here, and where both ways label "
            "the same exams from end to end the ratio of labels is just that number."
        )


def _shape(arms: Mapping[str, Sequence[Row]]) -> Iterator[str]:
    for arm, rows in arms.items():
        if falls(rows):
            yield (
                f"With {ARM_NAMES[arm]} the mean AUC falls somewhere as labels are added; needed "
                "amounts are read from the closest curve that never falls."
            )


def _percent(share: float) -> str:
    if share < 0.01:
        return "less than 1%"
    if 0.99 < share < 1:
        return "more than 99%"
    return "all" if share == 1 else f"{share:.0%}"
