"""Every arm at every budget."""

from __future__ import annotations

from examwise.core.schemas.study import BUDGETED, FINE_TUNED, LABEL_FREE
from examwise.reporting.contents import Table
from examwise.reporting.study_files import StudyFiles
from examwise.reporting.words import auc_with_interval, hours, short_learner, whole


def budget_table(study: StudyFiles) -> Table:
    """Write out the internal archive's budget curve, what has no labels last."""
    curve = study.curve_of(study.archive)
    named = [
        (arm.named(mode), row)
        for arm in study.arms
        for mode in (BUDGETED, FINE_TUNED)
        for row in arm.rows(curve, mode).sort("budget").iter_rows(named=True)
    ]
    named += [
        (short_learner(row["learner"]), row)
        for name in study.label_free
        for row in curve.iter_rows(named=True)
        if row["mode"] == LABEL_FREE and row["learner"] == name
    ]
    return Table(
        id="table-budgets",
        caption="Every arm at every budget, means over repeats",
        columns=(
            "Arm",
            "Labels, m",
            "Exams opened",
            "Reader actions",
            "Hours",
            "Repeats",
            "Exam AUC [95% interval]",
        ),
        rows=tuple(
            (
                name,
                f"{row['budget']:,}",
                whole(row["mean_exams_opened"]),
                whole(row["mean_reader_actions"]),
                hours(row["mean_reader_hours"]),
                f"{row['n_repeats']}",
                auc_with_interval(row["mean_auc"], row["auc_lower"], row["auc_upper"]),
            )
            for name, row in named
        ),
        source="evaluation/budget_curve.parquet",
    )
