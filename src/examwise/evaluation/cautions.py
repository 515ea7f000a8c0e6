"""What to be careful about in an archive's answer; every sentence is computed from the study."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from examwise.core.schemas.study import LABEL_FREE
from examwise.evaluation.reading_sentence import falls
from examwise.evaluation.reference_cautions import fine_tuning_cautions, reference_cautions
from examwise.evaluation.study_facts import StudyFacts
from examwise.evaluation.wording import (
    ARM_NAMES,
    arm_drawn,
    drawn,
    listed,
    number,
    percent,
    score_without_labels,
    sentence,
)

Row = Mapping[str, Any]

FEW_REPEATS = 5
FEW_EXAMS_OF_A_CLASS = 50
"""With fewer, the interval of an AUC of 0.8 is about 0.1 wide or more (Hanley and McNeil, 1982)."""

MOSTLY_THE_SAME = 0.5
"""Repeats that share more of their labels than this are hardly new draws of them."""


def compose_cautions(
    ratios: Mapping[str, Mapping[str, Row]],
    arms: Mapping[str, Sequence[Row]],
    table: Sequence[Row],
    facts: StudyFacts,
    *,
    target_auc: float,
    costs_given: bool,
) -> tuple[str, ...]:
    """Return the cautions that apply, the weightiest first.

    What concerns the labels alone (repeats, costs, how they were drawn) is said of the internal
    archive, where they were bought.

    Args:
        ratios: How slice labels were drawn to unit to row of ``RATIOS``, the leading unit first.
        arms: ``strong`` and ``weak`` to their rows of the answer's table, budgeted ones.
        table: The answer's table.
        facts: What else is known of the study.
        target_auc: AUC to reach.
        costs_given: Whether hours were computed from costs.
    """
    return (
        *_test_set(facts),
        *_without_labels(table, target_auc),
        *reference_cautions(facts.references),
        *_failed_runs(facts),
        *_reach(ratios),
        *fine_tuning_cautions(facts.fine_tuning),
        *(() if facts.is_external else _labels(ratios, arms, facts, costs_given=costs_given)),
        *_shape(arms),
    )


def _test_set(facts: StudyFacts) -> Iterator[str]:
    n_negative = facts.n_exams - facts.n_positive
    few = min(facts.n_positive, n_negative) < FEW_EXAMS_OF_A_CLASS
    yield (
        f"AUCs come from {facts.n_exams:,} test exams ({facts.n_positive:,} positive) of "
        f"{facts.n_patients:,} patients" + (", which is few." if few else ".")
    )
    if facts.is_external:
        return
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


def _without_labels(table: Sequence[Row], target_auc: float) -> Iterator[str]:
    for row in table:
        if row["mode"] == LABEL_FREE and row["auc"] >= target_auc:
            yield sentence(
                f"{score_without_labels(row['learner'])} reaches the target without any label "
                f"(AUC {row['auc']:.3f}): what labels add shows only above it"
            )


def _failed_runs(facts: StudyFacts) -> Iterator[str]:
    if facts.n_constant_runs:
        yield (
            f"{facts.n_constant_runs} of {facts.n_runs} runs gave every test exam the same score: "
            "their training failed, and their AUC of 0.5 counts in the means."
        )


def _reach(ratios: Mapping[str, Mapping[str, Row]]) -> Iterator[str]:
    leads = {acquisition: next(iter(by_unit.values())) for acquisition, by_unit in ratios.items()}
    # The weak arm is the same one in every ratio.
    for acquisition, row in leads.items():
        yield from _reach_of("strong", arm_drawn("strong", acquisition), row)
    for row in list(leads.values())[:1]:
        yield from _reach_of("weak", ARM_NAMES["weak"], row)
    for acquisition, row in leads.items():
        if row["reached_neither"] > 0:
            yield (
                f"In {percent(row['reached_neither'])} of the resampled studies neither way "
                f"reached the target (slice labels drawn {drawn(acquisition)}); these say nothing "
                "about the ratio"
                + (
                    "."
                    if row["interval"] == "not_estimable"
                    else " and are left out of its interval."
                )
            )


def _reach_of(arm: str, name: str, row: Row) -> Iterator[str]:
    if row[f"{arm}_at_most"]:
        yield (
            f"With {name} the smallest budget reached the target already: "
            "what it took at the least is not known."
        )
    missed = 1 - row[f"reached_{arm}"]
    if missed > 0:
        yield (
            f"In {percent(missed)} of the resampled studies {name} did not reach "
            "the target within the budgets."
        )


def _labels(
    ratios: Mapping[str, Mapping[str, Row]],
    arms: Mapping[str, Sequence[Row]],
    facts: StudyFacts,
    *,
    costs_given: bool,
) -> Iterator[str]:
    yield from _repeats([row for rows in arms.values() for row in rows])
    yield from _shared_labels(facts)
    if costs_given:
        yield "Reader hours are computed from assumed costs, not measured in this study."
    else:
        yield (
            "No reading costs were given, so there are no hours; a reader action on a slice and "
            "one on an exam need not take equally long."
        )
    for acquisition, n_labels in facts.labels_per_exam.items():
        yield (
            f"Slice labels drawn {drawn(acquisition)} came to {number(n_labels)} for each exam "
            "opened at the largest budget."
        )
    if facts.largest_unspent_share >= 0.005:
        yield (
            f"Budgets buy whole exams only: up to {facts.largest_unspent_share:.0%} of a budget "
            "stayed unspent; ratios count the labels bought."
        )
    if ratios and facts.slices_per_exam is not None:
        yield (
            "The ratio of labels counts a slice label like an exam label; an exam has "
            f"{number(facts.slices_per_exam)} slices on average here, and where both ways label "
            "the same exams from end to end the ratio of labels is just that number."
        )
    if len(ratios) > 1:
        yield (
            "Every interval is for itself: among many comparisons some come out clear by chance."
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
    few = "; so few repeats tell little about that chance" if fewest < FEW_REPEATS else ""
    yield f"Every budget was tried {times} times with labels drawn anew{few}."


def _shared_labels(facts: StudyFacts) -> Iterator[str]:
    mostly = [
        f"{percent(share)} with {arm_drawn(arm, acquisition)}"
        for (arm, acquisition), share in facts.shared_labels.items()
        if share > MOSTLY_THE_SAME
    ]
    if mostly:
        yield (
            "At the largest budgets the repeats draw mostly the same labels (two of them share "
            f"{listed(mostly)}): the intervals there are conditional on this archive, and leave "
            "out the chance of which exams it holds to learn from."
        )


def _shape(arms: Mapping[str, Sequence[Row]]) -> Iterator[str]:
    for arm, rows in arms.items():
        for acquisition in dict.fromkeys(row["acquisition"] for row in rows):
            if falls([row for row in rows if row["acquisition"] == acquisition]):
                yield (
                    f"With {arm_drawn(arm, acquisition)} the mean AUC falls somewhere as labels "
                    "are added; needed amounts are read from the closest curve that never falls."
                )
