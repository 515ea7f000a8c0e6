"""Drawing of how often exams are positive that were given some probability."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from examwise.core.schemas.evidence import CALIBRATION, CALIBRATION_POINTS
from examwise.reporting.curve_drawing import LINES, MARKERS
from examwise.reporting.drawing import Drawing
from examwise.reporting.evaluation_tables import EvaluationTables
from examwise.reporting.named_runs import NamedRun
from examwise.reporting.svg import MUTED, SERIES, drawing_style, legend_above
from examwise.reporting.words import decimal

_SIZE_INCHES = (4.3, 4.1)
_SHIFT = 0.006
"""By which runs' points lie beside each other, so that their limits can be told apart."""


def draw_calibration(
    tables: EvaluationTables, runs: Sequence[NamedRun], *, archive: str, finding: str
) -> Drawing | None:
    """Draw the share of positive exams against the probability they were given, in ten bins.

    Args:
        tables: Of the evaluation.
        runs: Those to draw.
        archive: Whose test exams these are.
        finding: Of what.

    Returns:
        None where no run has a point.
    """
    own = (
        (pl.col("archive") == archive)
        & (pl.col("finding") == finding)
        & (pl.col("probability") == "raw")
    )
    points = tables.read(CALIBRATION_POINTS).filter(own).sort("bin")
    summary = {
        row["run_id"]: row for row in tables.read(CALIBRATION).filter(own).iter_rows(named=True)
    }
    drawn = [run for run in runs if run.run_id in points["run_id"].to_list()]
    if not drawn:
        return None
    words = []
    with drawing_style():
        figure = Figure(figsize=_SIZE_INCHES, layout="constrained")
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.9, linestyle=(0, (1, 2)))
        for number, run in enumerate(drawn):
            found = summary.get(run.run_id, {})
            label = (
                f"{run.name}: slope {_plain(found.get('slope'))}, "
                f"Brier {decimal(found.get('brier'))}"
            )
            words.append(label)
            shift = _SHIFT * (2 * number - len(drawn) + 1)
            rows = points.filter(pl.col("run_id") == run.run_id)
            _draw_points(axes, rows, run, label=label, shift=shift)
        axes.set_aspect("equal")
        axes.set_xlim(-0.01, 1.01)
        axes.set_ylim(-0.01, 1.01)
        axes.grid(color=MUTED, linewidth=0.5, alpha=0.45)
        axes.set_xlabel("Mean probability given")
        axes.set_ylabel("Share of positive exams")
        legend_above(figure, axes)
    return Drawing(
        figure=figure,
        caption=f"Calibration on test exams of “{archive}”: exams in ten equal bins of the "
        "probability they were given, with 95% intervals. Dotted: as often positive as said. The "
        "larger the marker, the more exams.",
        description=f"Calibration in {archive}. " + " ".join(f"{said}." for said in words),
        source=f"evaluation/{CALIBRATION_POINTS.file}, evaluation/{CALIBRATION.file}",
    )


def _plain(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.2f}".replace("-", "−")


def _draw_points(
    axes: Axes, rows: pl.DataFrame, run: NamedRun, *, label: str, shift: float
) -> None:
    colour = SERIES[run.place % len(SERIES)]
    known = rows.drop_nulls("positive_fraction")
    x = [value + shift for value in known["mean_probability"].to_list()]
    y = known["positive_fraction"].to_list()
    limits = rows.drop_nulls(["positive_fraction_lower", "positive_fraction_upper"])
    axes.vlines(
        [value + shift for value in limits["mean_probability"].to_list()],
        limits["positive_fraction_lower"].to_list(),
        limits["positive_fraction_upper"].to_list(),
        color=colour,
        linewidth=0.9,
        alpha=0.75,
    )
    most = max(rows["n_exams"].to_list(), default=1)
    axes.plot(
        x,
        y,
        color=colour,
        linewidth=1.2,
        linestyle=LINES[run.place % len(LINES)],
        marker=MARKERS[run.place % len(MARKERS)],
        markersize=3.2,
        label=label,
    )
    axes.scatter(
        x,
        y,
        s=[8 + 60 * n / most for n in known["n_exams"].to_list()],
        marker=MARKERS[run.place % len(MARKERS)],
        color=colour,
        linewidths=0,
    )
