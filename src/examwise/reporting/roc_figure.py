"""Drawing of the exams' ROC curves at the full budget."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from examwise.reporting.contents import Figure as PageFigure
from examwise.reporting.curve_figures import LINES
from examwise.reporting.study_files import StudyFiles
from examwise.reporting.svg import MUTED, SERIES, drawing_style, to_page_svg
from examwise.reporting.words import auc_with_interval, learner_words

_SIZE_INCHES = (4.3, 4.3)
_SOURCE = "evaluation/roc_points.parquet, evaluation/exam_metrics.parquet"


def roc_figure(study: StudyFiles) -> PageFigure:
    """Draw each learner's ROC curve at its largest budget, other repeats as thin lines.

    A learner whose test exams are all of one class has no curve; its legend entry says so.
    """
    said = []
    with drawing_style():
        figure = Figure(figsize=_SIZE_INCHES, layout="constrained")
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.9, linestyle=(0, (1, 2)))
        for place, learner in enumerate(study.learners):
            runs = study.full_budget_runs(learner)
            words = _legend_words(study, learner)
            for run_id in runs["run_id"].to_list()[1:]:
                _draw(axes, study, run_id, place=place, thin=True)
            _draw(axes, study, runs["run_id"][0], place=place, label=words)
            said.append(f"{words}.")
        axes.set_aspect("equal")
        axes.set_xlim(-0.01, 1.01)
        axes.set_ylim(-0.01, 1.01)
        axes.grid(color=MUTED, linewidth=0.5, alpha=0.55)
        axes.set_xlabel("False-positive rate (1 − specificity)")
        axes.set_ylabel("True-positive rate (sensitivity)")
        axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2)
    many = any(study.full_budget_runs(learner).height > 1 for learner in study.learners)
    return PageFigure(
        id="figure-roc",
        caption="ROC curves of exams of the test split at each learner's largest budget, first "
        f"repeat{'; thin lines: the other repeats' if many else ''}. AUC with 95% interval over "
        "patients; dotted: chance.",
        svg=to_page_svg(
            figure, prefix="figure-roc", description="ROC curves of exams. " + " ".join(said)
        ),
        source=_SOURCE,
        alone=True,
    )


def _legend_words(study: StudyFiles, learner: str) -> str:
    run = study.full_budget_runs(learner).row(0, named=True)
    found = study.exam_metrics.filter(
        (pl.col("run_id") == run["run_id"]) & (pl.col("archive") == study.archive)
    )
    if found.is_empty():
        return f"{learner_words(learner)}: no labelled exam"
    row = found.row(0, named=True)
    auc = auc_with_interval(row["auc"], row["auc_lower"], row["auc_upper"])
    return f"{learner_words(learner)}, m = {run['budget']:,}: AUC {auc}"


def _draw(
    axes: Axes,
    study: StudyFiles,
    run_id: str,
    *,
    place: int,
    thin: bool = False,
    label: str | None = None,
) -> None:
    points = study.roc_points.filter(
        (pl.col("run_id") == run_id) & (pl.col("archive") == study.archive)
    ).sort("false_positive_rate", "true_positive_rate")
    axes.plot(
        points["false_positive_rate"].to_list(),
        points["true_positive_rate"].to_list(),
        color=SERIES[place % len(SERIES)],
        linestyle=LINES[place % len(LINES)],
        linewidth=0.7 if thin else 1.8,
        alpha=0.35 if thin else 1.0,
        label=label,
    )
