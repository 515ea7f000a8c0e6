"""The answer: its sentence, what was needed in three units, and every budget."""

from __future__ import annotations

from examwise.reporting.contents import AnswerSection, Table
from examwise.reporting.study_files import StudyFiles
from examwise.reporting.words import (
    UNIT_WORDS,
    auc_with_interval,
    hours,
    needed_amount,
    ratio_interval_words,
    ratio_words,
    short_learner,
    whole,
)

_TERMS = (
    "A strong learner is trained on labels of single slices, a weak learner on labels of whole "
    "exams. Hours and actions are a reader's; AUC is of exams of patients that no learner has "
    "seen, 0.5 is chance and 1 is perfect."
)


def answer_section(study: StudyFiles) -> AnswerSection:
    """Write out the answer's tables."""
    return AnswerSection(
        headline=study.answer.headline,
        terms=_TERMS,
        ratios=_ratio_table(study),
        budgets=_budget_table(study),
        cautions=tuple(study.answer.cautions),
    )


def _ratio_table(study: StudyFiles) -> Table:
    targets = sorted(study.ratios["target_auc"].unique().to_list())
    said = f" an exam AUC of {targets[0]:g}" if len(targets) == 1 else " the target AUC"
    rows = []
    for unit, words in UNIT_WORDS.items():
        for row in study.ratios.sort("target_auc").iter_rows(named=True):
            if row["unit"] != unit:
                continue
            name = words if len(targets) == 1 else f"{words}, AUC {row['target_auc']:g}"
            rows.append(
                (
                    name,
                    needed_amount(row, "strong"),
                    needed_amount(row, "weak"),
                    ratio_words(row),
                    ratio_interval_words(row),
                )
            )
    return Table(
        id="table-ratios",
        caption=f"What it takes to reach{said}",
        columns=(
            "Counted in",
            "Labelling slices (strong)",
            "Labelling exams (weak)",
            "Slices ÷ exams",
            "95% interval",
        ),
        rows=tuple(rows),
        source="evaluation/ratios.parquet",
    )


def _budget_table(study: StudyFiles) -> Table:
    place = {learner: number for number, learner in enumerate(study.learners)}
    rows = sorted(
        study.curve.iter_rows(named=True), key=lambda row: (place[row["learner"]], row["budget"])
    )
    return Table(
        id="table-budgets",
        caption="Every learner at every budget, means over repeats",
        columns=(
            "Learner",
            "Labels, m",
            "Exams opened",
            "Reader actions",
            "Hours",
            "Exam AUC [95% interval]",
        ),
        rows=tuple(
            (
                short_learner(row["learner"]),
                f"{row['budget']:,}",
                whole(row["mean_exams_opened"]),
                whole(row["mean_reader_actions"]),
                hours(row["mean_reader_hours"]),
                auc_with_interval(row["mean_auc"], row["auc_lower"], row["auc_upper"]),
            )
            for row in rows
        ),
        source="evaluation/budget_curve.parquet",
    )
