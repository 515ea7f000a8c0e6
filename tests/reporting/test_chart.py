from __future__ import annotations

import json
import math
import re

import pytest

from examwise.reporting.chart import ChartPoint
from examwise.reporting.contents import Figure
from examwise.reporting.curve_drawing import CurveAxes, Level, Line, draw_curves

POINTS = tuple(
    ChartPoint(x, y, y - 0.05, y + 0.05, f"Arm: {y} at {x}")
    for x, y in ((10.0, 0.6), (100.0, 0.7), (1000.0, 0.8))
)
AXES = CurveAxes(x_words="Labels", y_words="Exam AUC")


def draw(*lines: Line, levels: tuple[Level, ...] = ()) -> Figure:
    return draw_curves(
        lines or (Line("Arm", 0, 0, POINTS),),
        AXES,
        figure_id="figure-x",
        caption="A caption.",
        description="A description.",
        source="a file",
        levels=levels,
    )


def test_the_data_lie_where_the_drawing_has_them() -> None:
    figure = draw()
    chart = json.loads(figure.chart)
    assert f'viewbox="0 0 {chart["size"][0]:g} {chart["size"][1]:g}"' in figure.svg.lower()
    left, top, right, bottom = chart["box"]
    low, high = (math.log10(limit) for limit in chart["x"]["limits"])
    floor, ceiling = chart["y"]["limits"]
    expected = [
        (
            left + (math.log10(point.x) - low) / (high - low) * (right - left),
            bottom - (point.y - floor) / (ceiling - floor) * (bottom - top),
        )
        for point in POINTS
    ]
    drawn = [
        (float(x), float(y))
        for x, y in re.findall(r'<use [^>]*x="([\d.]+)" y="([\d.]+)"', figure.svg)
    ]
    for x, y in expected:
        assert min(math.hypot(x - a, y - b) for a, b in drawn) < 0.2


def test_series_say_how_they_are_drawn() -> None:
    chart = json.loads(
        draw(
            Line("First", 0, 0, POINTS),
            Line("Full", 0, 1, POINTS[:1], is_full=True),
            Line("Expected", 1, 2, POINTS, is_expected=True),
            levels=(Level(0.75, "target", is_target=True),),
        ).chart
    )
    first, full, expected = chart["series"]
    assert (first["is_band"], first["is_hollow"], first["is_line"]) == (True, False, True)
    assert (full["is_band"], full["is_hollow"], full["is_line"]) == (False, True, False)
    assert (expected["marker"], expected["dash"]) == ("", [1.5, 2.5])
    assert chart["levels"] == [0.5, 0.75]
    assert first["points"][1] == {
        "x": 100,
        "y": 0.7,
        "lower": 0.65,
        "upper": 0.75,
        "text": "Arm: 0.7 at 100.0",
    }


def test_parts_of_the_drawing_have_names() -> None:
    svg = draw().svg
    for part in ("axes", "xtick", "ytick", "line2d"):
        assert f'data-part="{part}"' in svg


def test_the_same_lines_give_the_same_figure() -> None:
    assert draw() == draw()


@pytest.mark.parametrize("n_lines", [1, 4, 12])
def test_long_legends_make_a_figure_higher(n_lines: int) -> None:
    lines = [Line(f"A rather long name of an arm {n}", n, n, POINTS) for n in range(n_lines)]
    chart = json.loads(draw(*lines).chart)
    _, top, _, bottom = chart["box"]
    assert bottom - top > 150
    assert chart["size"][1] > 250 + 12 * (n_lines - 1)
