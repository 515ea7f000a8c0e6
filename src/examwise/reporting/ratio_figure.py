"""Drawing of the ratios, archive by archive."""

from __future__ import annotations

from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from examwise.core.schemas.study import FINE_TUNED
from examwise.reporting.chart import ChartPoint, ChartSeries, chart_json
from examwise.reporting.contents import Figure as PageFigure
from examwise.reporting.study_files import StudyFiles
from examwise.reporting.svg import INK, MUTED, SERIES, drawing_style, to_page_svg
from examwise.reporting.words import (
    DRAWN_WORDS,
    MODE_NAMES,
    UNIT_WORDS,
    ratio_with_interval,
    short,
)

_WIDTH_INCHES, _ROW_INCHES, _AROUND_INCHES = 4.5, 0.46, 0.9
_LEAST_SHOWN = 2.0
_MARKERS = {"spread": "o", "whole_exam": "s", "exam_first": "^"}


def leading_unit(ratios: pl.DataFrame) -> str:
    """Return the unit that counts most among those of a table: hours, else actions, else labels.

    Example:
        >>> leading_unit(pl.DataFrame({"unit": ["labels", "actions"]}))
        'actions'
    """
    found = set(ratios["unit"].to_list())
    return next((unit for unit in UNIT_WORDS if unit in found), "labels")


def ratio_figure(study: StudyFiles) -> PageFigure | None:
    """Draw every archive's ratio in the leading unit with its interval.

    Returns:
        None where no ratio and no limit of one is known.
    """
    unit = leading_unit(study.ratios)
    rows = [
        row
        for answer in study.answer.archives
        for mode in MODE_NAMES
        for way in DRAWN_WORDS
        for row in study.ratios.filter(
            archive=answer.archive, mode=mode, acquisition=way, unit=unit
        ).iter_rows(named=True)
    ]
    known = [
        value
        for row in rows
        for value in (row["ratio"], row["ratio_lower"], row["ratio_upper"])
        if value
    ]
    if not known:
        return None
    # As far to one side of 1 as to the other: which way is cheaper is seen at a glance.
    high = max(_LEAST_SHOWN, *known, *(1 / value for value in known)) * 1.5
    low = 1 / high
    with drawing_style():
        height = _AROUND_INCHES + _ROW_INCHES * len(rows)
        figure = Figure(figsize=(_WIDTH_INCHES, height), layout="constrained")
        axes = figure.add_subplot()
        axes.set_xscale("log")
        axes.set_xlim(low, high)
        axes.set_ylim(len(rows) - 0.5, -0.8)
        axes.axvline(1, color=INK, linewidth=0.9)
        for place, row in enumerate(rows):
            _draw_row(axes, place, row, low=low, high=high)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.xaxis.set_minor_locator(NullLocator())
        subs = (1.0,) if high > 30 else (1.0, 3.0) if high > 6 else (1.0, 2.0, 5.0)
        axes.xaxis.set_major_locator(LogLocator(subs=subs))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
        axes.grid(axis="x", color=MUTED, linewidth=0.5, alpha=0.55)
        axes.set_axisbelow(True)
        axes.set_xlabel(f"{UNIT_WORDS[unit]}: slices ÷ exams (log scale)")
        for words, side, shift in (
            ("← slices cheaper", "right", -6),
            ("exams cheaper →", "left", 6),
        ):
            axes.annotate(
                words,
                (1, 1.0),
                xycoords=("data", "axes fraction"),
                xytext=(shift, 3),
                textcoords="offset points",
                ha=side,
                va="bottom",
                fontsize=8.5,
            )
        series = tuple(_series(row, place) for place, row in enumerate(rows) if row["ratio"])
        chart = chart_json(figure, axes, series, can_zoom=False)
    said = " ".join(f"{_name(row)}: {ratio_with_interval(row)}." for row in rows)
    return PageFigure(
        id="figure-ratios",
        caption=f"{UNIT_WORDS[unit]} that slice labels take over those that exam labels take, to "
        f"reach an exam AUC of {study.answer.target_auc:g}. Lines: 95% intervals; an arrow: open "
        "on that side. Where a line crosses 1, the data do not tell.",
        svg=to_page_svg(
            figure,
            prefix="figure-ratios",
            description=f"Ratios of {UNIT_WORDS[unit].lower()}, slices over exams. {said}",
        ),
        source="evaluation/ratios.parquet",
        alone=True,
        chart=chart,
    )


def _series(row: dict[str, Any], place: int) -> ChartSeries:
    colour = list(_MARKERS).index(row["acquisition"])
    text = f"{_name(row)}: {ratio_with_interval(row)}"
    return ChartSeries(
        name=_name(row),
        colour=colour,
        marker=_MARKERS[row["acquisition"]],
        is_line=False,
        is_band=False,
        is_hollow=False,
        dash=(),
        points=(ChartPoint(row["ratio"], float(place), None, None, text),),
    )


def _name(row: dict[str, Any]) -> str:
    full = ", full answer" if row["mode"] == FINE_TUNED else ""
    return f"{row['archive']}, {DRAWN_WORDS[row['acquisition']]}{full}"


def _draw_row(axes: Axes, place: int, row: dict[str, Any], *, low: float, high: float) -> None:
    lower, upper = row["ratio_lower"], row["ratio_upper"]
    colour = SERIES[list(_MARKERS).index(row["acquisition"])]
    # Why there is none stands in the table beside it.
    said = ratio_with_interval(row) if row["ratio"] is not None else "no ratio"
    for words, at, side in ((_name(row), 0.0, "left"), (said, 1.0, "right")):
        axes.annotate(
            words,
            (at, place - 0.2),
            xycoords=("axes fraction", "data"),
            ha=side,
            va="bottom",
            fontsize=8.5,
        )
    if lower is not None or upper is not None:
        ends = (lower or low, upper or high)
        axes.plot(ends, (place, place), color=colour, linewidth=1.6)
        for end, mark, is_open in (
            (low, "<", lower is None),
            (high, ">", upper is None),
        ):
            if is_open:
                axes.plot([end], [place], marker=mark, color=colour, markersize=6, clip_on=False)
    if row["ratio"]:
        # A bound is no value: hollow.
        bound = row["strong_at_most"] or row["weak_at_most"]
        axes.plot(
            [row["ratio"]],
            [place],
            marker=_MARKERS[row["acquisition"]],
            color=colour,
            markersize=6,
            markerfacecolor="none" if bound else colour,
        )
