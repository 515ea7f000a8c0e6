"""Made-up tables that follow learners over their budgets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import polars as pl

from examwise.core.schemas.budget_curves import (
    CURVE_FITS,
    CURVE_FORECAST,
    METRIC_CURVE,
    PLATEAUS,
    RATIO_CLAIMS,
)
from examwise.core.schemas.study import BUDGETED, FINE_TUNED, LABEL_FREE
from examwise.core.tables import TableSchema

ESTIMATORS = {
    "exam_auc": ("exam_probability",),
    "slice_auc": ("slice_probability", "attention_weight"),
    "sequence_f1": ("slice_probability", "attention_weight"),
    "saliency_f1": ("gradcam", "hshap"),
}
REASONS = (None, None, "limit", "order", "beyond_budgets")


def curve_frames(
    points: Sequence[Any], archives: Sequence[str], *, hours: bool = True, margin: float = 0.03
) -> dict[TableSchema, pl.DataFrame]:
    """Return every table for points of budget curves, the same in all archives."""
    trained = [point for point in points if point.mode != LABEL_FREE]
    return {
        METRIC_CURVE: METRIC_CURVE.frame(
            [row for archive in archives for row in _metrics(trained, archive, hours=hours)]
        ),
        RATIO_CLAIMS: RATIO_CLAIMS.frame(
            [row for archive in archives for row in _claims(points, archive, margin, hours=hours)]
        ),
        **{
            schema: schema.frame(
                [
                    row
                    for archive in archives
                    for curve in _curves(trained)
                    for row in make(curve, _named(curve[-1], archive), hours)
                ]
            )
            for schema, make in (
                (PLATEAUS, _plateau),
                (CURVE_FITS, _fits),
                (CURVE_FORECAST, _forecast),
            )
        },
    }


def _named(point: Any, archive: str) -> dict[str, Any]:
    return {
        "archive": archive,
        "learner": point.learner,
        "mode": point.mode,
        "acquisition": point.acquisition,
        "finding": "any",
    }


def _curves(points: Sequence[Any]) -> Iterator[list[Any]]:
    ordered = sorted(points, key=lambda p: (p.learner, p.acquisition, p.mode, p.budget))
    for _, own in groupby(ordered, key=lambda p: (p.learner, p.acquisition, p.mode)):
        yield list(own)


def _metrics(points: Sequence[Any], archive: str, *, hours: bool) -> Iterator[dict[str, Any]]:
    for point in points:
        for place, (metric, estimators) in enumerate(ESTIMATORS.items()):
            if metric == "saliency_f1" and point.mode != FINE_TUNED:
                continue
            for lower, estimator in enumerate(estimators):
                if estimator == "attention_weight" and point.learner != "weak":
                    continue
                value = point.auc - 0.12 * place - 0.05 * lower
                yield {
                    **_named(point, archive),
                    "metric": metric,
                    "estimator": estimator,
                    "label_kind": point.label_kind,
                    "budget": point.budget,
                    "n_repeats": point.repeats,
                    "labels": float(point.budget),
                    "actions": point.budget + 3.0,
                    "hours": point.hours if hours else None,
                    "value": value,
                    "lower": value - 0.06,
                    "upper": value + 0.05,
                    "is_conditional": point.budget > 400,
                }


def _plateau(curve: list[Any], named: dict[str, Any], hours: bool) -> Iterator[dict[str, Any]]:
    known = len(curve) > 1
    yield {
        **named,
        "budget": curve[-1].budget,
        "from_labels": curve[-1].budget / 2,
        "gain": 0.01 if known else None,
        "gain_upper": (0.02 if curve[-1].learner == "strong" else 0.05) if known else None,
        "margin": 0.03,
        "is_reached": known and curve[-1].learner == "strong",
    }


def _fits(curve: list[Any], named: dict[str, Any], hours: bool) -> Iterator[dict[str, Any]]:
    for place, family in enumerate(("power_law", "last_value")):
        yield {
            **named,
            "family": family,
            "n_budgets": len(curve),
            "asymptote": 0.9,
            "fit_error": 0.01,
            "held_out_error": 0.02 if len(curve) > 1 else None,
            "weight": 0.75 - place * 0.5,
        }


def _forecast(curve: list[Any], named: dict[str, Any], hours: bool) -> Iterator[dict[str, Any]]:
    last = curve[-1]
    if len(curve) < 2:
        return
    for times in (0.5, 1.0, 2.0, 5.0, 10.0):
        auc = last.auc + 0.02 * (times > 1)
        yield {
            **named,
            "labels": last.budget * times,
            "actions": last.budget * times + 3,
            "hours": last.hours * times if hours else None,
            "auc": auc,
            "lower": auc - 0.03 * times**0.5,
            "upper": min(1.0, auc + 0.02 * times),
            "is_extrapolated": times > 1,
        }


def _claims(
    points: Sequence[Any], archive: str, margin: float, *, hours: bool
) -> Iterator[dict[str, Any]]:
    ways = dict.fromkeys(p.acquisition for p in points if p.learner == "strong")
    amounts = {"labels": 100.0, "actions": 103.0, **({"hours": 2.0} if hours else {})}
    for way in ways:
        for unit, weak in amounts.items():
            for place, (ratio, reason) in enumerate(zip((2, 5, 10, 20, 35), REASONS, strict=True)):
                tested = place < 3
                yield {
                    "archive": archive,
                    "mode": BUDGETED,
                    "acquisition": way,
                    "finding": "any",
                    "unit": unit,
                    "margin": margin,
                    "weak_budget": 100,
                    "place": place,
                    "ratio": float(ratio),
                    "weak_amount": weak,
                    "strong_amount": weak * ratio,
                    "difference": 0.01 - 0.005 * place if tested else None,
                    "lower": -0.01 - 0.011 * place if tested else None,
                    "p": 0.004 + 0.013 * place if tested else None,
                    "is_shown": reason is None,
                    "reason": reason,
                }
