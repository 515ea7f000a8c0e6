"""Drawings of ROC and precision-recall curves with their bands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from examwise.core.schemas.evaluation import EXAM_METRICS, ROC_POINTS
from examwise.core.schemas.evidence import CURVE_BANDS
from examwise.reporting.curve_drawing import LINES
from examwise.reporting.drawing import Drawing
from examwise.reporting.evaluation_tables import EvaluationTables
from examwise.reporting.named_runs import NamedRun
from examwise.reporting.svg import MUTED, SERIES, drawing_style, legend_above
from examwise.reporting.words import share_with_interval

_SIZE_INCHES = (4.3, 4.1)
_BAND_ALPHA = 0.13
_POINTWISE_ALPHA = 0.16
_TITLES = {"roc": "ROC curves", "precision_recall": "Precision–recall curves"}
_AXES = {
    "roc": ("False-positive rate (1 − specificity)", "True-positive rate (sensitivity)"),
    "precision_recall": ("Recall (sensitivity)", "Precision (positive predictive value)"),
}
_AREAS = {"roc": ("auc", "AUC"), "precision_recall": ("average_precision", "AP")}


def draw_bands(
    tables: EvaluationTables,
    runs: Sequence[NamedRun],
    *,
    archive: str,
    curve: str,
    finding: str,
) -> Drawing | None:
    """Draw runs' curves in one archive with their 95% limits.

    Args:
        tables: Of the evaluation.
        runs: Those to draw; without a curve (one class only) they stand in the legend alone.
        archive: Whose test exams these are.
        curve: ``roc`` or ``precision_recall``.
        finding: Of what.

    Returns:
        None where no run has a curve.
    """
    own = (
        (pl.col("archive") == archive)
        & (pl.col("finding") == finding)
        & pl.col("run_id").is_in([run.run_id for run in runs])
    )
    bands = tables.read(CURVE_BANDS).filter(own, pl.col("curve") == curve)
    if bands.is_empty():
        return None
    metrics = {
        row["run_id"]: row for row in tables.read(EXAM_METRICS).filter(own).iter_rows(named=True)
    }
    corners = tables.read(ROC_POINTS).filter(own)
    column, area = _AREAS[curve]
    words = []
    with drawing_style():
        figure = Figure(figsize=_SIZE_INCHES, layout="constrained")
        axes = figure.add_subplot()
        _draw_chance(axes, curve, metrics)
        for run in runs:
            label = f"{run.name}: {area} {_limits(metrics.get(run.run_id), column)}"
            words.append(label)
            _draw_run(
                axes,
                bands.filter(pl.col("run_id") == run.run_id).sort("x"),
                corners.filter(pl.col("run_id") == run.run_id),
                run,
                label=label,
                stepped=curve == "roc",
            )
        axes.set_aspect("equal")
        axes.set_xlim(-0.01, 1.01)
        axes.set_ylim(-0.01, 1.01)
        axes.grid(color=MUTED, linewidth=0.5, alpha=0.45)
        axes.set_xlabel(_AXES[curve][0])
        axes.set_ylabel(_AXES[curve][1])
        legend_above(figure, axes)
    dotted = "chance" if curve == "roc" else "the share of positive exams. AP: average precision"
    return Drawing(
        figure=figure,
        caption=f"{_TITLES[curve]} on test exams of “{archive}”. Dark: 95% limits at each point "
        f"alone; light: 95% band of the whole curve, both over patients. Dotted: {dotted}.",
        description=f"{_TITLES[curve]} of exams of {archive}. "
        + " ".join(f"{said}." for said in words),
        source=f"evaluation/{CURVE_BANDS.file}, evaluation/{EXAM_METRICS.file}",
    )


def _limits(row: dict[str, Any] | None, column: str) -> str:
    if row is None:
        return "no labelled exam"
    return share_with_interval(*(row[f"{column}{end}"] for end in ("", "_lower", "_upper")))


def _draw_chance(axes: Axes, curve: str, metrics: dict[str, dict[str, Any]]) -> None:
    style: dict[str, Any] = {"color": MUTED, "linewidth": 0.9, "linestyle": (0, (1, 2))}
    if curve == "roc":
        axes.plot([0, 1], [0, 1], **style)
        return
    for n_positive, n_exams in sorted(
        {(row["n_positive"], row["n_exams"]) for row in metrics.values() if row["n_exams"]}
    ):
        axes.plot([0, 1], [n_positive / n_exams] * 2, **style)


def _draw_run(
    axes: Axes,
    bands: pl.DataFrame,
    corners: pl.DataFrame,
    run: NamedRun,
    *,
    label: str,
    stepped: bool,
) -> None:
    colour = SERIES[run.place % len(SERIES)]
    x = bands["x"].to_list()
    for lower, upper, alpha in (
        ("band_lower", "band_upper", _BAND_ALPHA),
        ("lower", "upper", _POINTWISE_ALPHA),
    ):
        axes.fill_between(
            x, bands[lower].to_list(), bands[upper].to_list(), color=colour, alpha=alpha, lw=0
        )
    line = bands.select("x", "y").rows()
    if stepped and not corners.is_empty():
        corners = corners.sort("false_positive_rate", "true_positive_rate")
        line = corners.select("false_positive_rate", "true_positive_rate").rows()
    axes.plot(
        [x for x, _ in line],
        [y for _, y in line],
        color=colour,
        linestyle=LINES[run.place % len(LINES)],
        linewidth=1.7,
        label=label,
    )
