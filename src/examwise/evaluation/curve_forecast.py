"""What curves are expected to do between and beyond the budgets that were run."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from examwise.core.errors import InputError
from examwise.core.randomness import generator
from examwise.core.schemas.budget_curves import CURVE_FORECAST
from examwise.evaluation.curve_fits import FittedCurve, FittedCurves
from examwise.metrics.learning_curves.forecasting import forecast_draws

Floats = npt.NDArray[np.float64]

FURTHEST = 10.0
"""Forecast tables end at this many times the largest budget."""

_POINTS = 41
_LEVELS = (2.5, 97.5)


def predict(fitted: FittedCurve, labels: npt.ArrayLike) -> Floats:
    """Return draws of a curve's expected exam AUC at other numbers of labels.

    A draw is a whole curve: one bootstrap replicate of the study (patients and repeats), one family
    drawn by its weight, a shape that holds what the budgets leave open, and away from the budgets
    a residual as large as the errors on held-out larger budgets, growing with the logarithmic
    distance (:func:`~examwise.metrics.learning_curves.forecasting.forecast_draws`). Draw r of every
    curve of an archive comes from the same replicate r, so that curves are compared draw by draw;
    family, shape and residual are drawn for each curve by itself.

    Args:
        fitted: One curve of :attr:`~examwise.evaluation.curve_fits.FittedCurves.curves`.
        labels: Labels bought, above 0, in any order, shape (n,) or one number.

    Returns:
        float64 of shape (replicates, n), between 0 and 1; a row is NaN where its replicate lacks a
        class or has fewer than two budgets (use ``np.nanpercentile``). The mean of the rows is the
        expectation, their percentiles its interval. The order of ``labels`` and what else is asked
        changes nothing.

    Raises:
        InputError: If a number of labels is not above 0.
    """
    wanted = np.atleast_1d(np.asarray(labels, dtype=np.float64))
    if wanted.ndim != 1 or not (np.isfinite(wanted) & (wanted > 0)).all():
        raise InputError(where="labels", expected="numbers above 0", got="others")
    return forecast_draws(
        fitted.labels,
        fitted.replicates,
        fitted.scores,
        wanted,
        generator=generator(fitted.seed, "curve forecast", *fitted.name),
    )


def forecast(fitted: FittedCurves, amounts: npt.ArrayLike | None = None) -> pl.DataFrame:
    """Return ``CURVE_FORECAST``: expected AUC with 95% limits.

    Args:
        fitted: The curves.
        amounts: Numbers of labels, the same for all curves; if None a geometric grid from each
            curve's smallest budget to ten times its largest, with the budgets themselves.

    Raises:
        InputError: If a number of labels is not above 0.
    """
    rows: list[dict[str, object]] = []
    for curve in fitted.curves.values():
        labels = _grid(curve) if amounts is None else np.unique(np.asarray(amounts, np.float64))
        draws = predict(curve, labels)
        lower, upper = np.nanpercentile(draws, _LEVELS, axis=0)
        middle = np.nanmean(draws, axis=0)
        actions = cost_at(curve.labels, curve.actions, labels)
        hours = None if curve.hours is None else cost_at(curve.labels, curve.hours, labels)
        rows += [
            {
                **curve.name._asdict(),
                "labels": float(amount),
                "actions": float(actions[place]),
                "hours": None if hours is None else float(hours[place]),
                "auc": float(middle[place]),
                "lower": float(lower[place]),
                "upper": float(upper[place]),
                "is_extrapolated": not curve.labels[0] <= amount <= curve.labels[-1],
            }
            for place, amount in enumerate(labels)
        ]
    return CURVE_FORECAST.frame(rows)


def cost_at(labels: Floats, costs: Floats, wanted: Floats) -> Floats:
    """Return what numbers of labels cost: the cost of one label, interpolated in log labels.

    Beyond the budgets a label costs what it cost at the nearest.

    Args:
        labels: Labels of each budget, rising, shape (budgets,).
        costs: Actions or hours of each, shape (budgets,).
        wanted: Labels to be bought, shape (n,).

    Example:
        >>> cost_at(np.array([10.0, 100.0]), np.array([20.0, 100.0]), np.array([5.0, 1000.0]))
        array([  10., 1000.])
    """
    return wanted * np.interp(np.log(wanted), np.log(labels), costs / labels)


def _grid(curve: FittedCurve) -> Floats:
    first, last = float(curve.labels[0]), float(curve.labels[-1])
    points = np.geomspace(first, FURTHEST * last, _POINTS)
    # Ends of a geometric grid differ from what they were made of in the last bit.
    inner = points[~np.isclose(points[:, None], curve.labels).any(axis=1)]
    return np.unique(np.concatenate([inner, curve.labels]))
