"""Drawings of exam AUC against what the labels cost, in one archive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from examwise.core.schemas.study import BUDGETED, FINE_TUNED, LABEL_FREE
from examwise.reporting.chart import ChartPoint
from examwise.reporting.contents import Figure as PageFigure
from examwise.reporting.curve_drawing import CurveAxes, Level, Line, draw_curves
from examwise.reporting.study_arms import Arm, label_free_scores
from examwise.reporting.words import (
    auc_with_interval,
    decimal,
    short,
    short_learner,
    within_sentence,
)

SOURCE = "evaluation/budget_curve.parquet"

COST_WORDS = {
    "labels": ("Labels bought, m (log scale)", "labels bought", "labels"),
    "hours": ("Reader time, hours (log scale)", "reader hours", "hours"),
    "actions": ("Reader actions (log scale)", "reader actions", "actions"),
}
"""Unit to what stands beneath an axis, and what it is called in a sentence and after a number."""

_UNIT_OF = {
    "budget": "labels",
    "mean_reader_hours": "hours",
    "mean_reader_actions": "actions",
}


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

    The first answer is filled markers with a band, the full one (the encoder trained on as well)
    hollow markers with their intervals; what the pretext scores without any label is a dotted
    line.

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
    axis_words, plain, noun = COST_WORDS[_UNIT_OF[column]]
    levels = list(_levels(curve, target_auc))
    lines = [line for arm in arms for line in _lines(arm, curve, column, noun)]
    drawn = pl.concat([curve.head(0), *(arm.rows(curve) for arm in arms)])
    where = "" if number is None else f"-external-{number}"
    said = [described(line) for line in lines]
    said += [f"{level.words.replace(chr(10), ' ')}." for level in levels]
    return draw_curves(
        lines,
        CurveAxes(
            x_words=axis_words,
            y_words="Exam AUC (0.5 is chance)",
            ticks=tuple(sorted(set(drawn[column].to_list()))) if column == "budget" else None,
        ),
        figure_id=f"figure-auc-{column.replace('_', '-')}{where}",
        caption=" ".join(
            (
                f"Exam AUC on test exams of “{archive}” against {plain}.",
                *_caption_parts(curve, drawn),
            )
        ),
        description=f"Line chart of exam AUC in {archive} against {plain}. " + " ".join(said),
        source=SOURCE,
        levels=levels,
    )


def described(line: Line) -> str:
    """Say every value of a line, for those who do not see it."""
    points = "; ".join(point.text.removeprefix(f"{line.name}: ") for point in line.points)
    return f"{line.name}: {points}."


def _lines(arm: Arm, curve: pl.DataFrame, column: str, noun: str) -> Iterator[Line]:
    for mode in (BUDGETED, FINE_TUNED):
        name = arm.named(mode)
        points = tuple(
            _point(name, row, column, noun)
            for row in arm.rows(curve, mode).sort("budget").iter_rows(named=True)
        )
        if points:
            yield Line(name, arm.place, arm.place, points, is_full=mode == FINE_TUNED)


def _point(name: str, row: dict[str, Any], column: str, noun: str) -> ChartPoint:
    auc, lower, upper = row["mean_auc"], row["auc_lower"], row["auc_upper"]
    said = auc_with_interval(auc, lower, upper)
    return ChartPoint(
        float(row[column]), auc, lower, upper, f"{name}: {said} at {short(row[column])} {noun}"
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
    if drawn["is_conditional"].any():
        yield (
            "At budgets where repeats share more than half of their labels the intervals are "
            "conditional on this archive."
        )
