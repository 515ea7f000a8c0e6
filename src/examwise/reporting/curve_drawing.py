"""Drawing of curves over what labels cost: bands, limits, levels, and the data behind them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from examwise.reporting.chart import ChartPoint, ChartSeries, chart_json
from examwise.reporting.contents import Figure as PageFigure
from examwise.reporting.svg import INK, MUTED, SERIES, drawing_style, to_page_svg
from examwise.reporting.words import short

SIZE_INCHES = (4.5, 3.5)
MARKERS = ("o", "s", "^", "D", "v", "P")
DASHES: tuple[tuple[float, ...], ...] = (
    (),
    (5, 2),
    (2, 1.5),
    (6, 2, 1, 2),
    (7, 1.5, 1.5, 1.5, 1.5, 1.5),
    (1, 1),
)
LINES: tuple[str | tuple[int, tuple[float, ...]], ...] = tuple(
    (0, dash) if dash else "-" for dash in DASHES
)
"""The same as Matplotlib takes them."""
_EXPECTED_DASH = (1.5, 2.5)
_SMALLEST_TICK_DISTANCE = 0.11
_LEVEL_WORDS_SHARE = 0.13
"""What two lines of words take of the height of the axes."""
_LONGEST_OF_TWO = 23
"""Characters of a name that leave room for another beside it."""
_LEGEND_ROW_INCHES = 0.175
_LABEL_DISTANCE = 12


@dataclass(frozen=True)
class Line:
    """One curve.

    Attributes:
        name: What it is.
        colour: Number of its series colour.
        style: Number of its dashes and its marker.
        points: From left to right.
        is_full: Whether it is of the full answer: hollow markers, and bars for limits.
        is_expected: Whether it is expected and was not run: dotted, without markers.
    """

    name: str
    colour: int
    style: int
    points: tuple[ChartPoint, ...]
    is_full: bool = False
    is_expected: bool = False

    @property
    def marker(self) -> str:
        """Matplotlib's letter; empty for none."""
        return "" if self.is_expected else MARKERS[self.style % len(MARKERS)]

    @property
    def dash(self) -> tuple[float, ...]:
        """Lengths of dashes; empty for an unbroken line."""
        return _EXPECTED_DASH if self.is_expected else DASHES[self.style % len(DASHES)]

    @property
    def series(self) -> ChartSeries:
        """The same for the page's script."""
        return ChartSeries(
            name=self.name,
            colour=self.colour % len(SERIES),
            marker=self.marker,
            is_line=len(self.points) > 1,
            is_band=not self.is_full,
            is_hollow=self.is_full,
            dash=self.dash,
            points=self.points,
        )


@dataclass(frozen=True)
class Level:
    """A horizontal line: a value that needs no labels, or is to be reached.

    Attributes:
        value: Where it lies.
        words: What stands at its right end.
        is_target: Whether it is to be reached.
    """

    value: float
    words: str
    is_target: bool


@dataclass(frozen=True)
class CurveAxes:
    """What curves are drawn in.

    Attributes:
        x_words: Beneath the horizontal axis, which is logarithmic.
        y_words: Beside the vertical axis.
        has_chance: Whether 0.5 is what chance gives, and the axis may begin there.
        ticks: Where the horizontal axis has its numbers; round ones if None.
    """

    x_words: str
    y_words: str
    has_chance: bool = True
    ticks: tuple[float, ...] | None = None


def draw_curves(
    lines: Sequence[Line],
    axes_words: CurveAxes,
    *,
    figure_id: str,
    caption: str,
    description: str,
    source: str,
    levels: Sequence[Level] = (),
) -> PageFigure:
    """Draw curves with their limits.

    Args:
        lines: Curves, one or more of them with points.
        axes_words: What they are drawn in.
        figure_id: Unique within the page.
        caption: What the drawing shows, visible.
        description: Text alternative.
        source: File of the study that the numbers stand in.
        levels: Horizontal lines.
    """
    columns = 1 if any(len(line.name) > _LONGEST_OF_TWO for line in lines) else 2
    height = SIZE_INCHES[1] + _LEGEND_ROW_INCHES * (math.ceil(len(lines) / columns) - 1)
    with drawing_style():
        figure = Figure(figsize=(SIZE_INCHES[0], height), layout="constrained")
        axes = figure.add_subplot()
        axes.set_xscale("log")
        for line in lines:
            _draw(axes, line)
        _finish(axes, lines, axes_words, levels)
        figure.legend(loc="outside upper right", ncols=columns, borderaxespad=0.2)
        shown = [level.value for level in levels] + ([0.5] if axes_words.has_chance else [])
        chart = chart_json(
            figure, axes, tuple(line.series for line in lines), levels=tuple(sorted(set(shown)))
        )
    return PageFigure(
        id=figure_id,
        caption=caption,
        svg=to_page_svg(figure, prefix=figure_id, description=description, names_parts=True),
        source=source,
        chart=chart,
    )


def _draw(axes: Axes, line: Line) -> None:
    colour = SERIES[line.colour % len(SERIES)]
    banded = [point for point in line.points if point.lower is not None and point.upper is not None]
    if line.is_full:
        for point in banded:
            ends = (point.lower or 0.0, point.upper or 0.0)
            axes.plot([point.x] * 2, ends, color=colour, linewidth=0.9)
    elif banded:
        axes.fill_between(
            [point.x for point in banded],
            [point.lower or 0.0 for point in banded],
            [point.upper or 0.0 for point in banded],
            color=colour,
            alpha=0.08 if line.is_expected else 0.14,
            linewidth=0,
        )
    joined = len(line.points) > 1
    axes.plot(
        [point.x for point in line.points],
        [point.y for point in line.points],
        color=colour,
        linestyle="none" if not joined else (0, line.dash) if line.dash else "-",
        linewidth=1.1 if line.is_full else 1.7,
        marker=line.marker or "none",
        markersize=8 if line.is_full else 4.5,
        markerfacecolor="none" if line.is_full else colour,
        markeredgewidth=1.6 if line.is_full else 1.0,
        label=line.name,
    )


def _finish(
    axes: Axes, lines: Sequence[Line], axes_words: CurveAxes, levels: Sequence[Level]
) -> None:
    points = [point for line in lines for point in line.points]
    low, high = min(point.x for point in points) / 1.25, max(point.x for point in points) * 1.25
    axes.set_xlim(low, high)
    axes.xaxis.set_minor_locator(NullLocator())
    if axes_words.ticks is not None:
        axes.xaxis.set_major_locator(FixedLocator(_apart(axes_words.ticks, low=low, high=high)))
    else:
        wide = math.log10(high / low)
        subs = (1.0,) if wide > 3.5 else (1.0, 3.0) if wide > 2 else (1.0, 2.0, 5.0)
        axes.xaxis.set_major_locator(LogLocator(subs=subs))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    axes.set_ylim(*_limits(points, axes_words, levels))
    _draw_levels(axes, levels)
    if axes_words.has_chance:
        axes.axhline(0.5, color=MUTED, linewidth=0.7)
    axes.grid(axis="y", color=MUTED, linewidth=0.5, alpha=0.55)
    axes.set_axisbelow(True)
    axes.set_xlabel(axes_words.x_words)
    # Zoomed in, the numbers beside the axis have more digits.
    axes.set_ylabel(axes_words.y_words, labelpad=_LABEL_DISTANCE)
    axes.tick_params(color=INK)


def _limits(
    points: Sequence[ChartPoint], axes_words: CurveAxes, levels: Sequence[Level]
) -> tuple[float, float]:
    shown = [*_values(points), *(level.value for level in levels)]
    lowest = math.floor(min(shown) * 10) / 10
    if axes_words.has_chance:
        return max(0.0, min(0.5, lowest)), 1.005
    # Scores without a chance level may all be small.
    return 0.0, min(1.005, math.ceil(max(shown) * 10 + 0.5) / 10)


def _values(points: Sequence[ChartPoint]) -> Iterator[float]:
    for point in points:
        yield from (value for value in (point.lower, point.y, point.upper) if value is not None)


def _draw_levels(axes: Axes, levels: Sequence[Level]) -> None:
    """Draw lines, and beside the axes their words, which stay clear of each other."""
    lowest, highest = axes.get_ylim()
    heights: list[float] = []
    for level in sorted(levels, key=lambda level: level.value):
        beside = level.value
        if heights:
            beside = max(beside, heights[-1] + _LEVEL_WORDS_SHARE * (highest - lowest))
        heights.append(beside)
        axes.axhline(
            level.value,
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
