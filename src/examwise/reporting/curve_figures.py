"""Drawings of AUC against what the labels cost, in one archive."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from examwise.core.schemas.study import BUDGETED, FINE_TUNED, LABEL_FREE
from examwise.reporting.contents import Figure as PageFigure
from examwise.reporting.study_arms import Arm, label_free_scores
from examwise.reporting.svg import INK, MUTED, SERIES, drawing_style, to_page_svg
from examwise.reporting.words import (
    auc_with_interval,
    decimal,
    short,
    short_learner,
    within_sentence,
)

SIZE_INCHES = (4.5, 3.5)
MARKERS = ("o", "s", "^", "D", "v", "P")
LINES: tuple[str | tuple[int, tuple[float, ...]], ...] = (
    "-",
    (0, (5, 2)),
    (0, (2, 1.5)),
    "-.",
    (0, (7, 1.5, 1.5, 1.5, 1.5, 1.5)),
    (0, (1, 1)),
)
_SMALLEST_TICK_DISTANCE = 0.11
_LEVEL_WORDS_SHARE = 0.13
"""What two lines of words take of the height of the axes."""
SOURCE = "evaluation/budget_curve.parquet"

_AXIS = {
    "budget": ("Labels bought, m (log scale)", "labels bought", "labels"),
    "mean_reader_hours": ("Reader time, hours (log scale)", "reader hours", "hours"),
    "mean_reader_actions": ("Reader actions (log scale)", "reader actions", "actions"),
}


@dataclass(frozen=True)
class Level:
    """A horizontal line: an AUC that needs no labels, or is to be reached.

    Attributes:
        auc: Where it lies.
        words: What stands at its right end.
        is_target: Whether it is to be reached.
    """

    auc: float
    words: str
    is_target: bool


def cost_column(curve: pl.DataFrame) -> str:
    """Return the column that stands for effort: hours where all are given, else actions.

    Args:
        curve: Rows of :data:`~examwise.core.schemas.evaluation.BUDGET_CURVE`; those without
            labels cost nothing, and are not asked.

    Example:
        >>> cost_column(pl.DataFrame({"budget": [1, 2], "mean_reader_hours": [None, 1.0]}))
        'mean_reader_actions'
    """
    hours = curve.filter(pl.col("budget") > 0)["mean_reader_hours"]
    priced = hours.null_count() == 0 and (hours.fill_null(0.0) > 0).all()
    return "mean_reader_hours" if priced else "mean_reader_actions"


def curve_figure(
    curve: pl.DataFrame,
    arms: Sequence[Arm],
    *,
    column: str,
    target_auc: float | None,
    archive: str,
    number: int | None = None,
) -> PageFigure:
    """Draw mean AUC with its 95% band for every arm.

    Arms with the encoder trained on as well are hollow markers with their interval; what the
    pretext scores without any label is a dotted line.

    Args:
        curve: Rows of :data:`~examwise.core.schemas.evaluation.BUDGET_CURVE`, one finding and
            one archive.
        arms: Those to draw.
        column: What stands on the horizontal axis: ``budget``, ``mean_reader_hours`` or
            ``mean_reader_actions``.
        target_auc: Drawn as a reference line where given.
        archive: Whose test exams these are.
        number: Of an external archive, for the figure's id; None for the internal one.
    """
    axis_label, plain, noun = _AXIS[column]
    levels = list(_levels(curve, target_auc))
    with drawing_style():
        figure = Figure(figsize=SIZE_INCHES, layout="constrained")
        axes = figure.add_subplot()
        axes.set_xscale("log")
        for arm in arms:
            _draw_arm(axes, arm.rows(curve, BUDGETED).sort("budget"), arm, column)
            _draw_fine_tuned(axes, arm.rows(curve, FINE_TUNED), arm, column)
        drawn = pl.concat([curve.head(0), *(arm.rows(curve) for arm in arms)])
        _finish(axes, drawn, column=column, axis_label=axis_label, levels=levels)
    where = "" if number is None else f"-external-{number}"
    figure_id = f"figure-auc-{column.replace('_', '-')}{where}"
    said = [text for arm in arms for text in _describe(arm, curve, column, noun)]
    said += [f"{level.words.replace(chr(10), ' ')}." for level in levels]
    return PageFigure(
        id=figure_id,
        caption=" ".join(
            (
                f"Exam AUC on test exams of “{archive}” against {plain}.",
                *_caption_parts(curve, drawn),
            )
        ),
        svg=to_page_svg(
            figure,
            prefix=figure_id,
            description=f"Line chart of exam AUC in {archive} against {plain}. " + " ".join(said),
        ),
        source=SOURCE,
    )


def _levels(curve: pl.DataFrame, target_auc: float | None) -> Iterator[Level]:
    if target_auc is not None:
        yield Level(target_auc, f"target\n{target_auc:g}", is_target=True)
    for name in label_free_scores(curve)[:1]:
        own = curve.filter((pl.col("mode") == LABEL_FREE) & (pl.col("learner") == name))
        auc = float(own["mean_auc"][0])
        yield Level(auc, f"m = 0\n{decimal(auc)}", is_target=False)


def _caption_parts(curve: pl.DataFrame, drawn: pl.DataFrame) -> Iterator[str]:
    for mode, said in (
        (BUDGETED, "Bands: 95% intervals over"),
        (FINE_TUNED, "Hollow markers: the encoder trained on as well, with 95% intervals over"),
    ):
        own = drawn.filter(pl.col("mode") == mode)
        if own["auc_lower"].drop_nulls().len() or (mode == FINE_TUNED and own.height):
            repeated = (own["n_repeats"] > 1).any()
            yield f"{said} patients{' and repeats' if repeated else ', tried once'}."
    for name in label_free_scores(curve)[:1]:
        yield f"Dotted, m = 0: {within_sentence(short_learner(name))}, without any label."


def _draw_arm(axes: Axes, own: pl.DataFrame, arm: Arm, column: str) -> None:
    colour = SERIES[arm.place % len(SERIES)]
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
        linestyle=LINES[arm.place % len(LINES)],
        linewidth=1.7,
        marker=MARKERS[arm.place % len(MARKERS)],
        markersize=4.5,
        label=arm.name,
    )


def _draw_fine_tuned(axes: Axes, own: pl.DataFrame, arm: Arm, column: str) -> None:
    colour = SERIES[arm.place % len(SERIES)]
    for row in own.iter_rows(named=True):
        if row["auc_lower"] is not None:
            ends = (row["auc_lower"], row["auc_upper"])
            axes.plot([row[column]] * 2, ends, color=colour, linewidth=0.9)
        axes.plot(
            [row[column]],
            [row["mean_auc"]],
            color=colour,
            linestyle="none",
            marker=MARKERS[arm.place % len(MARKERS)],
            markersize=8,
            markerfacecolor="none",
            markeredgewidth=1.6,
            label=arm.named(FINE_TUNED),
        )


def _describe(arm: Arm, curve: pl.DataFrame, column: str, noun: str) -> Iterator[str]:
    for mode in (BUDGETED, FINE_TUNED):
        points = "; ".join(
            f"{auc_with_interval(row['mean_auc'], row['auc_lower'], row['auc_upper'])} "
            f"at {short(row[column])} {noun}"
            for row in arm.rows(curve, mode).sort("budget").iter_rows(named=True)
        )
        if points:
            yield f"{arm.named(mode)}: {points}."


def _finish(
    axes: Axes, drawn: pl.DataFrame, *, column: str, axis_label: str, levels: Sequence[Level]
) -> None:
    values = sorted(set(drawn[column].to_list()))
    low, high = values[0] / 1.25, values[-1] * 1.25
    axes.set_xlim(low, high)
    axes.xaxis.set_minor_locator(NullLocator())
    if column == "budget":
        axes.xaxis.set_major_locator(FixedLocator(_apart(values, low=low, high=high)))
    else:
        wide = math.log10(high / low) > 2
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0) if wide else (1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    shown = [
        *drawn["auc_lower"].drop_nulls().to_list(),
        *drawn["mean_auc"].to_list(),
        *(level.auc for level in levels),
    ]
    axes.set_ylim(max(0.0, min(0.5, math.floor(min(shown) * 10) / 10)), 1.005)
    _draw_levels(axes, levels)
    axes.axhline(0.5, color=MUTED, linewidth=0.7)
    axes.grid(axis="y", color=MUTED, linewidth=0.5, alpha=0.55)
    axes.set_axisbelow(True)
    axes.set_xlabel(axis_label)
    axes.set_ylabel("Exam AUC (0.5 is chance)")
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, borderaxespad=0.2)
    axes.tick_params(color=INK)


def _draw_levels(axes: Axes, levels: Sequence[Level]) -> None:
    """Draw lines, and beside the axes their words, which stay clear of each other."""
    lowest, highest = axes.get_ylim()
    heights: list[float] = []
    for level in sorted(levels, key=lambda level: level.auc):
        beside = level.auc
        if heights:
            beside = max(beside, heights[-1] + _LEVEL_WORDS_SHARE * (highest - lowest))
        heights.append(beside)
        axes.axhline(
            level.auc,
            color=MUTED if level.is_target else INK,
            linewidth=0.9,
            linestyle=(0, (6, 2)) if level.is_target else (0, (1, 2)),
        )
        axes.annotate(
            level.words,
            (1.0, beside),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            ha="left",
            va="center",
            fontsize=8.5,
            linespacing=1.15,
        )


def _apart(values: Sequence[float], *, low: float, high: float) -> list[float]:
    """Keep ticks whose labels do not touch, the largest first."""
    extent = math.log(high / low)
    kept: list[float] = []
    for value in sorted(values, reverse=True):
        if all(abs(math.log(value / other)) / extent >= _SMALLEST_TICK_DISTANCE for other in kept):
            kept.append(value)
    return kept
