"""Drawings of AUC against what the labels cost."""

from __future__ import annotations

import math
from collections.abc import Sequence

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from examwise.reporting.contents import Figure as PageFigure
from examwise.reporting.svg import INK, MUTED, SERIES, drawing_style, to_page_svg
from examwise.reporting.words import auc_with_interval, learner_words, short

SIZE_INCHES = (4.9, 3.6)
MARKERS = ("o", "s", "^", "D")
LINES: tuple[str | tuple[int, tuple[float, ...]], ...] = ("-", (0, (5, 2)), (0, (2, 1.5)), "-.")
_SMALLEST_TICK_DISTANCE = 0.11
SOURCE = "evaluation/budget_curve.parquet"

_AXIS = {
    "budget": ("Labels bought, m (log scale)", "labels bought", "labels"),
    "mean_reader_hours": ("Reader time, hours (log scale)", "reader hours", "hours"),
    "mean_reader_actions": ("Reader actions (log scale)", "reader actions", "actions"),
}


def cost_column(curve: pl.DataFrame) -> str:
    """Return the column that stands for effort: hours where all are given, else actions.

    Example:
        >>> cost_column(pl.DataFrame({"mean_reader_hours": [None, 1.0]}))
        'mean_reader_actions'
    """
    hours = curve["mean_reader_hours"]
    priced = hours.null_count() == 0 and (hours.fill_null(0.0) > 0).all()
    return "mean_reader_hours" if priced else "mean_reader_actions"


def curve_figure(
    curve: pl.DataFrame, learners: Sequence[str], *, column: str, target_auc: float | None
) -> PageFigure:
    """Draw mean AUC with its 95% band for every learner.

    Args:
        curve: Rows of :data:`~examwise.core.schemas.evaluation.BUDGET_CURVE`, one finding.
        learners: In the order of their colours.
        column: What stands on the horizontal axis: ``budget``, ``mean_reader_hours`` or
            ``mean_reader_actions``.
        target_auc: Drawn as a reference line where given.
    """
    axis_label, plain, noun = _AXIS[column]
    said = []
    with drawing_style():
        figure = Figure(figsize=SIZE_INCHES, layout="constrained")
        axes = figure.add_subplot()
        axes.set_xscale("log")
        for place, learner in enumerate(learners):
            own = curve.filter(pl.col("learner") == learner).sort("budget")
            _draw_learner(axes, own, column=column, place=place, learner=learner)
            said.append(_describe(own, learner, column=column, noun=noun))
        if target_auc is not None:
            axes.axhline(target_auc, color=MUTED, linewidth=0.9, linestyle=(0, (1, 2)))
            axes.annotate(
                f"target {target_auc:g}",
                (0.995, target_auc),
                xycoords=("axes fraction", "data"),
                xytext=(0, 2),
                textcoords="offset points",
                ha="right",
                va="bottom",
                fontsize=8,
            )
        _finish(axes, curve, column=column, axis_label=axis_label)
    figure_id = f"figure-auc-{column.replace('_', '-')}"
    band = "Bands: 95% intervals over patients and repeats."
    return PageFigure(
        id=figure_id,
        caption=f"Exam AUC on the test split against {plain}. {band}",
        svg=to_page_svg(
            figure,
            prefix=figure_id,
            description=f"Line chart of exam AUC against {plain}. " + " ".join(said),
        ),
        source=SOURCE,
    )


def _draw_learner(axes: Axes, own: pl.DataFrame, *, column: str, place: int, learner: str) -> None:
    colour = SERIES[place % len(SERIES)]
    banded = own.drop_nulls(["auc_lower", "auc_upper"])
    axes.fill_between(
        banded[column].to_list(),
        banded["auc_lower"].to_list(),
        banded["auc_upper"].to_list(),
        color=colour,
        alpha=0.14,
        linewidth=0,
    )
    axes.plot(
        own[column].to_list(),
        own["mean_auc"].to_list(),
        color=colour,
        linestyle=LINES[place % len(LINES)],
        linewidth=1.7,
        marker=MARKERS[place % len(MARKERS)],
        markersize=4.5,
        label=learner_words(learner),
    )


def _describe(own: pl.DataFrame, learner: str, *, column: str, noun: str) -> str:
    points = "; ".join(
        f"{auc_with_interval(row['mean_auc'], row['auc_lower'], row['auc_upper'])} "
        f"at {short(row[column])} {noun}"
        for row in own.iter_rows(named=True)
    )
    return f"{learner_words(learner)}: {points}."


def _finish(axes: Axes, curve: pl.DataFrame, *, column: str, axis_label: str) -> None:
    values = sorted(set(curve[column].to_list()))
    low, high = values[0] / 1.25, values[-1] * 1.25
    axes.set_xlim(low, high)
    axes.xaxis.set_minor_locator(NullLocator())
    if column == "budget":
        axes.xaxis.set_major_locator(FixedLocator(_apart(values, low=low, high=high)))
    else:
        wide = math.log10(high / low) > 2
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0) if wide else (1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    shown = [*curve["auc_lower"].drop_nulls().to_list(), *curve["mean_auc"].to_list()]
    axes.set_ylim(max(0.0, min(0.5, math.floor(min(shown) * 10) / 10)), 1.005)
    axes.axhline(0.5, color=MUTED, linewidth=0.7)
    axes.grid(axis="y", color=MUTED, linewidth=0.5, alpha=0.55)
    axes.set_axisbelow(True)
    axes.set_xlabel(axis_label)
    axes.set_ylabel("Exam AUC (0.5 is chance)")
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, borderaxespad=0.2)
    axes.tick_params(color=INK)


def _apart(values: Sequence[float], *, low: float, high: float) -> list[float]:
    """Keep ticks whose labels do not touch, the largest first."""
    extent = math.log(high / low)
    kept: list[float] = []
    for value in sorted(values, reverse=True):
        if all(abs(math.log(value / other)) / extent >= _SMALLEST_TICK_DISTANCE for other in kept):
            kept.append(value)
    return kept
