"""What a drawing shows, as data beside it: the page's script reads values and zooms with them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

_POINTS_PER_INCH = 72
_DECIMALS = 5


@dataclass(frozen=True)
class ChartPoint:
    """One value of a drawing.

    Attributes:
        x: Where it stands, in the data's units.
        y: Its value.
        lower: Lower 95% limit; None without.
        upper: Upper 95% limit; None without.
        text: What it is, in words, with its limits.
    """

    x: float
    y: float
    lower: float | None
    upper: float | None
    text: str


@dataclass(frozen=True)
class ChartSeries:
    """Points that belong together.

    Attributes:
        name: What they are.
        colour: Number of the page's series colour.
        marker: Matplotlib's letter of their marker; empty for none.
        is_line: Whether a line joins them.
        is_band: Whether limits are a band; bars otherwise.
        is_hollow: Whether markers are hollow.
        dash: Lengths of the line's dashes; empty for an unbroken line.
        points: From left to right.
    """

    name: str
    colour: int
    marker: str
    is_line: bool
    is_band: bool
    is_hollow: bool
    dash: tuple[float, ...]
    points: tuple[ChartPoint, ...]


def chart_json(
    figure: Figure,
    axes: Axes,
    series: tuple[ChartSeries, ...],
    *,
    levels: tuple[float, ...] = (),
    can_zoom: bool = True,
) -> str:
    """Return where a figure's axes lie in its SVG, their limits, and what stands in them.

    Args:
        figure: Finished, of constrained layout.
        axes: Its axes, linear or logarithmic.
        series: What is drawn.
        levels: Values at which horizontal lines are drawn.
        can_zoom: Whether a part of it can be drawn larger from these data alone.

    Returns:
        JSON; lengths in points, from the top left corner, as in the SVG's ``viewBox``.
    """
    # Words are as wide as they will be: another canvas would lay the axes out a little otherwise.
    FigureCanvasSVG(figure)
    figure.set_dpi(_POINTS_PER_INCH)
    figure.draw_without_rendering()
    width, height = (float(inches) * _POINTS_PER_INCH for inches in figure.get_size_inches())
    box = axes.get_window_extent()
    scales = {
        name: {"log": axis.get_scale() == "log", "limits": [float(end) for end in limits]}
        for name, axis, limits in (
            ("x", axes.xaxis, axes.get_xlim()),
            ("y", axes.yaxis, axes.get_ylim()),
        )
    }
    found = {
        "size": [width, height],
        "box": [box.x0, height - box.y1, box.x1, height - box.y0],
        **scales,
        "zoom": can_zoom,
        "levels": list(levels),
        "series": [asdict(each) for each in series],
    }
    return json.dumps(_rounded(found), ensure_ascii=False, separators=(",", ":"))


def _rounded(value: object) -> object:
    """Round all numbers, so that the last bits of a sum change nothing on the page."""
    if isinstance(value, float):
        return float(f"{value:.{_DECIMALS}g}") if abs(value) < 1000 else round(value, 2)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
