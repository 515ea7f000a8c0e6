"""Drawings of four metrics over budgets, and of what exam AUC is expected to become."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from examwise.core.schemas.budget_curves import CURVE_FORECAST, METRIC_CURVE
from examwise.core.schemas.study import BUDGETED, FINE_TUNED
from examwise.reporting.chart import ChartPoint
from examwise.reporting.contents import Figure, Table
from examwise.reporting.curve_drawing import CurveAxes, Line, draw_curves
from examwise.reporting.curve_figures import COST_WORDS, described
from examwise.reporting.saliency_tables import METHOD_WORDS
from examwise.reporting.study_arms import Arm
from examwise.reporting.words import (
    ESTIMATOR_WORDS,
    hours,
    share_with_interval,
    short,
    whole,
)

METRIC_WORDS = {
    "exam_auc": "Exam AUC",
    "slice_auc": "Slice AUC within positive exams",
    "sequence_f1": "F1 of runs of positive slices",
    "saliency_f1": "F1 of pixels of maps",
}
"""In the order in which they are shown."""

_WITH_CHANCE = ("exam_auc", "slice_auc")
_SOURCE = f"evaluation/{METRIC_CURVE.file}"


def effort_unit(frame: pl.DataFrame) -> str:
    """Return the unit that stands for effort: hours where all are given, else actions.

    Args:
        frame: With ``labels`` and ``hours``.

    Example:
        >>> effort_unit(pl.DataFrame({"labels": [9.0], "hours": [None]}))
        'actions'
    """
    known = frame.filter(pl.col("labels") > 0)["hours"]
    priced = known.null_count() == 0 and (known.fill_null(0.0) > 0).all()
    return "hours" if priced else "actions"


def metric_figures(
    curves: pl.DataFrame, arms: Sequence[Arm], *, metric: str, archive: str, number: int = 0
) -> Iterator[Figure]:
    """Draw a metric against labels, then against effort.

    Args:
        curves: Rows of ``METRIC_CURVE`` of one archive and finding.
        arms: Those to draw; the first answer with bands, the full one hollow with bars.
        metric: Which.
        archive: Its name.
        number: Of the archive, for ids; 0 the internal one.
    """
    own = curves.filter((pl.col("metric") == metric) & (pl.col("labels") > 0))
    words = METRIC_WORDS[metric]
    for unit in ("labels", effort_unit(own)):
        axis_words, plain, noun = COST_WORDS[unit]
        drawn = own.filter((pl.col(unit) > 0).fill_null(value=False))
        lines = [line for arm in arms for line in _lines(arm, drawn, unit, noun)]
        if not lines:
            continue
        limited = drawn["lower"].null_count() < drawn.height
        caption = f"{words} on test exams of “{archive}” against {plain}."
        if limited:
            caption += " Bands and bars: 95% intervals over patients, and repeats where several."
        if (drawn["mode"] == FINE_TUNED).any():
            caption += " Hollow markers: the encoder trained on as well."
        if drawn["is_conditional"].any():
            caption += (
                " Where repeats share more than half of their labels they are conditional on "
                "this archive."
            )
        yield draw_curves(
            lines,
            CurveAxes(
                x_words=axis_words,
                y_words=words + (" (0.5 is chance)" if metric == "exam_auc" else ""),
                has_chance=metric in _WITH_CHANCE,
            ),
            figure_id=f"figure-{metric.replace('_', '-')}-{unit}-{number}",
            caption=caption,
            description=f"Line chart of {words} in {archive} against {plain}. "
            + " ".join(map(described, lines)),
            source=_SOURCE,
        )


def _lines(arm: Arm, drawn: pl.DataFrame, unit: str, noun: str) -> Iterator[Line]:
    own = arm.rows(drawn)
    estimators = [name for name in _estimator_words() if name in set(own["estimator"].to_list())]
    for mode in (BUDGETED, FINE_TUNED):
        for place, estimator in enumerate(estimators):
            rows = own.filter(mode=mode, estimator=estimator).sort("budget")
            if rows.is_empty():
                continue
            scored = f", {_estimator_words()[estimator]}" if len(estimators) > 1 else ""
            name = arm.named(mode) + scored
            points = tuple(_point(name, row, unit, noun) for row in rows.iter_rows(named=True))
            # Lines of one arm differ by their dashes.
            yield Line(name, arm.place, arm.place + place, points, is_full=mode == FINE_TUNED)


def _estimator_words() -> dict[str, str]:
    return {"exam_probability": "exam probability", **ESTIMATOR_WORDS, **METHOD_WORDS}


def _point(name: str, row: dict[str, Any], unit: str, noun: str) -> ChartPoint:
    said = share_with_interval(row["value"], row["lower"], row["upper"])
    times = f", {row['n_repeats']} repeats" if row["n_repeats"] > 1 else ", tried once"
    return ChartPoint(
        float(row[unit]),
        row["value"],
        row["lower"],
        row["upper"],
        f"{name}: {said} at {short(row[unit])} {noun}{times}",
    )


def forecast_figures(
    forecast: pl.DataFrame,
    run: pl.DataFrame,
    arms: Sequence[Arm],
    *,
    archive: str,
    mode: str,
    number: int = 0,
) -> Iterator[Figure]:
    """Draw the exam AUC that was seen, and, dotted, what is expected beyond it.

    Args:
        forecast: Rows of ``CURVE_FORECAST`` of one archive and finding.
        run: Rows of ``METRIC_CURVE`` of exam AUC of the same.
        arms: Those to draw.
        archive: Its name.
        mode: What the runs are for.
        number: Of the archive, for ids; 0 the internal one.
    """
    beyond = forecast.filter((pl.col("mode") == mode) & pl.col("is_extrapolated"))
    seen = run.filter((pl.col("mode") == mode) & (pl.col("metric") == "exam_auc"))
    if beyond.is_empty():
        return
    for unit in ("labels", effort_unit(pl.concat([beyond.select("labels", "hours")]))):
        axis_words, plain, noun = COST_WORDS[unit]
        lines: list[Line] = []
        for arm in arms:
            further = arm.rows(beyond).filter((pl.col(unit) > 0).fill_null(value=False))
            if further.is_empty():
                continue
            lines += _lines(arm, seen.filter((pl.col(unit) > 0).fill_null(value=False)), unit, noun)
            name = f"{arm.named(mode)}, expected"
            points = tuple(
                _expected(name, row, unit, noun) for row in further.sort(unit).iter_rows(named=True)
            )
            lines.append(Line(name, arm.place, arm.place, points, is_expected=True))
        if not lines:
            continue
        full = ", full answer" if mode == FINE_TUNED else ""
        yield draw_curves(
            lines,
            CurveAxes(x_words=axis_words, y_words="Exam AUC (0.5 is chance)"),
            figure_id=f"figure-forecast-{mode.replace('_', '-')}-{unit}-{number}",
            caption=f"Beyond the budgets that were run{full}: expected exam AUC in “{archive}” "
            f"against {plain}. Dotted: expected, from families of curves weighted by how well "
            "they foretold larger budgets, with 95% intervals. Nothing of the answer rests on it.",
            description=f"Line chart of exam AUC in {archive} against {plain}, seen and expected. "
            + " ".join(map(described, lines)),
            source=f"evaluation/{CURVE_FORECAST.file}, {_SOURCE}",
        )


def _expected(name: str, row: dict[str, Any], unit: str, noun: str) -> ChartPoint:
    said = share_with_interval(row["auc"], row["lower"], row["upper"])
    return ChartPoint(
        float(row[unit]),
        row["auc"],
        row["lower"],
        row["upper"],
        f"{name}: {said} at {short(row[unit])} {noun}",
    )


def metric_table(curves: pl.DataFrame, arms: Sequence[Arm], *, archive: str, number: int) -> Table:
    """Write every value of the four metrics out.

    Args:
        curves: Rows of ``METRIC_CURVE`` of one archive and finding.
        arms: Those to show.
        archive: Its name.
        number: Of the archive, for the id; 0 the internal one.
    """
    return Table(
        id=f"table-metric-curves-{number}",
        caption=f"Every metric at every budget in “{archive}”, means over repeats",
        columns=(
            "Metric",
            "Arm",
            "Scored by",
            "Labels",
            "Reader actions",
            "Hours",
            "Repeats",
            "Value [95% interval]",
            "Interval holds",
        ),
        rows=tuple(
            (
                METRIC_WORDS[metric],
                arm.named(row["mode"]),
                _estimator_words().get(row["estimator"], row["estimator"]),
                whole(row["labels"]),
                whole(row["actions"]),
                hours(row["hours"]),
                f"{row['n_repeats']}",
                share_with_interval(row["value"], row["lower"], row["upper"]),
                "conditional on this archive" if row["is_conditional"] else "for archives like it",
            )
            for metric in METRIC_WORDS
            for arm in arms
            for row in arm.rows(curves)
            .filter(metric=metric)
            .sort("mode", "estimator", "budget")
            .iter_rows(named=True)
        ),
        source=_SOURCE,
        row_headers=3,
    )
