"""Drawings of how well runs of positive slices are found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from examwise.core.schemas.slice_evidence import FROC_POINTS, RUN_LENGTH_RECALL, SEQUENCE_METRICS
from examwise.core.tables import TableSchema
from examwise.reporting.curve_drawing import MARKERS
from examwise.reporting.drawing import Drawing
from examwise.reporting.evaluation_tables import EvaluationTables
from examwise.reporting.named_runs import NamedRun
from examwise.reporting.svg import INK, MUTED, SERIES, drawing_style
from examwise.reporting.words import ESTIMATOR_WORDS, share_with_interval, short, within_sentence

OFFSET = 1
"""Slices by which a hit may miss, where figures and tables show one offset alone."""
SEQUENCE_MEASURES = {"mean_f1": "mean F1", "recall": "recall", "precision": "precision"}
POSITION = "position_only"
_ON_TEST = "_on_test"
_SIZE_INCHES = (3.5, 2.75)
_LEGEND_ROW_INCHES = 0.2
_BAND_ALPHA = 0.1
_LOG_FROM_RATIO = 16
_LABELS_APART = 3.9
"""Ratio of neighbouring labels of a logarithmic axis."""
_LINES: dict[str, Any] = {
    "slice_probability": "-",
    "attention_weight": (0, (5, 2)),
    "hshap": (0, (5, 1.5, 1.2, 1.5)),
    POSITION: (0, (1, 1.4)),
}

Points = list[tuple[float, float, float | None, float | None]]


@dataclass(frozen=True)
class _Line:
    """What one line shows.

    Attributes:
        name: In the legend.
        colour: Its colour.
        estimator: What scores slices.
        marker: Of its points.
        points: x, y and the limits of y.
    """

    name: str
    colour: str
    estimator: str
    marker: str
    points: Points


def own_thresholds(rows: pl.DataFrame) -> pl.DataFrame:
    """Keep the rows of ``SEQUENCE_METRICS`` whose threshold saw no label of the test exams.

    Example:
        >>> rules = ["even", "youden_on_test"]
        >>> own_thresholds(pl.DataFrame({"threshold_rule": rules})).height
        1
    """
    return rows.filter(~pl.col("threshold_rule").str.ends_with(_ON_TEST))


def draw_sequences(
    tables: EvaluationTables,
    runs: Sequence[NamedRun],
    *,
    archive: str,
    finding: str,
    measure: str = "mean_f1",
) -> Drawing | None:
    """Draw how well runs of positive slices are found, against the shortest run that counts.

    Args:
        tables: Of the evaluation.
        runs: Those to draw.
        archive: Whose test exams these are.
        finding: Of what.
        measure: One of :data:`SEQUENCE_MEASURES`.

    Returns:
        None where nothing is known.
    """
    name = SEQUENCE_MEASURES[measure]
    rows = own_thresholds(_rows(tables, SEQUENCE_METRICS, archive, finding, OFFSET))
    lines = list(_lines(rows, runs, x="min_length", y=measure))
    return _drawing(
        lines,
        axis=("Shortest run that counts, slices", name[:1].upper() + name[1:]),
        caption=f"{name[:1].upper()}{name[1:]} of runs of positive slices on test exams of "
        f"“{archive}” against the shortest predicted run that counts; a hit may miss by "
        f"{_slices(OFFSET)}. {_BANDS}",
        schema=SEQUENCE_METRICS,
        finish=_whole_numbers,
    )


def draw_run_lengths(
    tables: EvaluationTables, runs: Sequence[NamedRun], *, archive: str, finding: str
) -> Drawing | None:
    """Draw the share of true runs that are hit against how long they are.

    Args:
        tables: Of the evaluation.
        runs: Those to draw.
        archive: Whose test exams these are.
        finding: Of what.

    Returns:
        None where nothing is known.
    """
    rows = _rows(tables, RUN_LENGTH_RECALL, archive, finding, OFFSET)
    longest = rows["run_length"].max()
    last = f" The last: {longest} slices and more." if isinstance(longest, int) else ""
    return _drawing(
        list(_lines(rows, runs, x="run_length", y="recall")),
        axis=("Length of the true run, slices", "Share of true runs hit"),
        caption=f"Share of true runs that are hit on test exams of “{archive}” by their length, "
        f"at each learner's own threshold and shortest run.{last} {_BANDS}",
        schema=RUN_LENGTH_RECALL,
        finish=_whole_numbers,
    )


def draw_froc(
    tables: EvaluationTables, runs: Sequence[NamedRun], *, archive: str, finding: str
) -> Drawing | None:
    """Draw free-response curves: true runs that are hit against false alarms in an exam.

    Args:
        tables: Of the evaluation.
        runs: Those to draw.
        archive: Whose test exams these are.
        finding: Of what.

    Returns:
        None where nothing is known.
    """
    rows = _rows(tables, FROC_POINTS, archive, finding, None)
    return _drawing(
        list(_lines(rows, runs, x="false_positives_per_exam", y="sensitivity", marked=False)),
        axis=("False alarms in an exam, mean", "Share of true runs hit"),
        caption=f"Free-response curves (FROC) on test exams of “{archive}”: runs of positive "
        f"slices that are hit, against predicted runs that hit nothing. {_BANDS}",
        schema=FROC_POINTS,
        finish=_false_alarms,
    )


_BANDS = "Bands: 95% intervals over patients."


def _slices(number: int) -> str:
    return f"{number} slice" + ("" if number == 1 else "s")


def _rows(
    tables: EvaluationTables,
    schema: TableSchema,
    archive: str,
    finding: str,
    offset: int | None,
) -> pl.DataFrame:
    found = tables.read(schema).filter(archive=archive, finding=finding)
    return found if offset is None else found.filter(offset=offset)


def _lines(
    rows: pl.DataFrame, runs: Sequence[NamedRun], *, x: str, y: str, marked: bool = True
) -> Iterator[_Line]:
    """Yield a line for each run and estimator, then position alone: once where runs agree."""
    alone: dict[tuple[Any, ...], NamedRun] = {}
    for run in runs:
        for estimator, words in ESTIMATOR_WORDS.items():
            own = rows.filter(run_id=run.run_id, estimator=estimator).drop_nulls(y).sort(x)
            if own.is_empty():
                continue
            points = own.select(x, y, f"{y}_lower", f"{y}_upper").rows()
            if estimator == POSITION:
                alone.setdefault(tuple(points), run)
                continue
            yield _Line(
                f"{run.name}: {words}",
                SERIES[run.place % len(SERIES)],
                estimator,
                MARKERS[run.place % len(MARKERS)] if marked else "",
                points,
            )
    for points_alone, run in alone.items():
        of_one = len(alone) > 1
        yield _Line(
            f"{run.name}: position alone" if of_one else "Position alone",
            SERIES[run.place % len(SERIES)] if of_one else INK,
            POSITION,
            "",
            list(points_alone),
        )


def _drawing(
    lines: Sequence[_Line],
    *,
    axis: tuple[str, str],
    caption: str,
    schema: TableSchema,
    finish: Callable[[Axes, Sequence[float]], None],
) -> Drawing | None:
    if not lines:
        return None
    width, height = _SIZE_INCHES
    with drawing_style():
        figure = Figure(
            figsize=(width, height + _LEGEND_ROW_INCHES * len(lines)), layout="constrained"
        )
        axes = figure.add_subplot()
        for line in lines:
            _draw(axes, line)
        axes.set_ylim(-0.02, 1.02)
        finish(axes, sorted({point[0] for line in lines for point in line.points}))
        axes.grid(axis="y", color=MUTED, linewidth=0.5, alpha=0.55)
        axes.set_axisbelow(True)
        axes.set_xlabel(axis[0])
        axes.set_ylabel(axis[1])
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(-0.02, 1.0),
            borderaxespad=0.2,
            handlelength=3.0,
            labelspacing=0.35,
        )
    return Drawing(
        figure=figure,
        caption=caption,
        description=f"{axis[1]} against {within_sentence(axis[0])}. "
        + " ".join(_said(line) for line in lines),
        source=f"evaluation/{schema.file}",
    )


def _draw(axes: Axes, line: _Line) -> None:
    limited = [point for point in line.points if point[2] is not None and point[3] is not None]
    axes.fill_between(
        [point[0] for point in limited],
        [point[2] or 0.0 for point in limited],
        [point[3] or 0.0 for point in limited],
        color=line.colour,
        alpha=_BAND_ALPHA,
        linewidth=0,
    )
    axes.plot(
        [point[0] for point in line.points],
        [point[1] for point in line.points],
        color=line.colour,
        linestyle=_LINES[line.estimator],
        linewidth=1.6,
        marker=line.marker or None,
        markersize=3.6,
        label=line.name,
    )


def _said(line: _Line) -> str:
    first, last = line.points[0], line.points[-1]
    said = [f"{share_with_interval(*point[1:])} at {short(point[0])}" for point in (first, last)]
    return f"{line.name}: {'; '.join(dict.fromkeys(said))}."


def _whole_numbers(axes: Axes, values: Sequence[float]) -> None:
    axes.set_xlim(values[0] - 0.4, values[-1] + 0.4)
    axes.xaxis.set_major_locator(FixedLocator(list(values)))


def _far_apart(values: Sequence[float]) -> list[float]:
    """Return values, from the largest down, whose labels do not run into each other.

    Example:
        >>> _far_apart([0.5, 1.0, 2.0, 4.0, 8.0])
        [8.0, 2.0, 0.5]
    """
    chosen: list[float] = []
    for value in reversed(values):
        if not chosen or chosen[-1] / value >= _LABELS_APART:
            chosen.append(value)
    return chosen


def _false_alarms(axes: Axes, values: Sequence[float]) -> None:
    positive = [value for value in values if value > 0]
    if positive and len(positive) == len(values) and values[-1] / values[0] >= _LOG_FROM_RATIO:
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_locator(FixedLocator(_far_apart(values)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    axes.set_xlim(values[0], max(values[-1], values[0] + 0.1))
