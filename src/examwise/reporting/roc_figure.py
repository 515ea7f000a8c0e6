"""Drawing of the exams' ROC curves at the full budget."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from examwise.core.schemas.study import FINE_TUNED
from examwise.reporting.contents import Figure as PageFigure
from examwise.reporting.curve_drawing import LINES
from examwise.reporting.shown_runs import ShownRun, full_budget_runs
from examwise.reporting.study_files import StudyFiles
from examwise.reporting.svg import MUTED, SERIES, drawing_style, to_page_svg
from examwise.reporting.words import auc_with_interval

_SIZE_INCHES = (4.3, 4.3)
_LEGEND_ROW_INCHES = 0.27
_SOURCE = "evaluation/roc_points.parquet, evaluation/exam_metrics.parquet"


def roc_figure(study: StudyFiles) -> PageFigure:
    """Draw the ROC curve of each arm that is compared, at its largest budget, first repeat.

    Arms with the encoder trained on as well have a thin line each. A run whose test exams are all
    of one class has no curve; its legend entry says so.
    """
    runs = [run for run in full_budget_runs(study) if run.is_main]
    tuned = set(study.runs.filter(pl.col("mode") == FINE_TUNED)["run_id"].to_list())
    words = [_legend_words(study, run) for run in runs]
    width, height = _SIZE_INCHES
    with drawing_style():
        figure = Figure(
            figsize=(width, height + _LEGEND_ROW_INCHES * (len(runs) - 2)), layout="constrained"
        )
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.9, linestyle=(0, (1, 2)))
        for run, label in zip(runs, words, strict=True):
            _draw(axes, study, run, label=label, thin=run.run_id in tuned)
        axes.set_aspect("equal")
        axes.set_xlim(-0.01, 1.01)
        axes.set_ylim(-0.01, 1.01)
        axes.grid(color=MUTED, linewidth=0.5, alpha=0.55)
        axes.set_xlabel("False-positive rate (1 − specificity)")
        axes.set_ylabel("True-positive rate (sensitivity)")
        axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2)
    thin = " Thin lines: the encoder trained on as well." if tuned else ""
    return PageFigure(
        id="figure-roc",
        caption=f"ROC curves on test exams of “{study.archive}” at each arm's largest budget, "
        f"first repeat.{thin} AUC with 95% interval over patients; dotted: chance.",
        svg=to_page_svg(
            figure,
            prefix="figure-roc",
            description="ROC curves of exams. " + " ".join(f"{said}." for said in words),
        ),
        source=_SOURCE,
        alone=True,
    )


def _legend_words(study: StudyFiles, run: ShownRun) -> str:
    found = study.exam_metrics.filter(
        (pl.col("run_id") == run.run_id) & (pl.col("archive") == study.archive)
    )
    if found.is_empty():
        return f"{run.name}: no labelled exam"
    row = found.row(0, named=True)
    auc = auc_with_interval(row["auc"], row["auc_lower"], row["auc_upper"])
    return f"{run.name}, m = {run.budget:,}: {auc}"


def _draw(axes: Axes, study: StudyFiles, run: ShownRun, *, label: str, thin: bool) -> None:
    points = study.roc_points.filter(
        (pl.col("run_id") == run.run_id) & (pl.col("archive") == study.archive)
    ).sort("false_positive_rate", "true_positive_rate")
    axes.plot(
        points["false_positive_rate"].to_list(),
        points["true_positive_rate"].to_list(),
        color=SERIES[run.place % len(SERIES)],
        linestyle=LINES[run.place % len(LINES)],
        linewidth=0.9 if thin else 1.8,
        label=label,
    )
