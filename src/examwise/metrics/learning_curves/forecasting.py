"""Draws of a learning curve between and beyond its budgets."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

from examwise.metrics.learning_curves.comparison import FamilyScores, probit
from examwise.metrics.learning_curves.families import FAMILIES, LAST_VALUE
from examwise.metrics.learning_curves.fitting import fit_family
from examwise.metrics.learning_curves.isotonic import rising_means

Floats = npt.NDArray[np.float64]

_FEWEST = 2

_SMOOTH = 0.5
"""Learning curves stray between budgets less than a Brownian bridge, by this factor: of made-up
curves 95% intervals then hold 96% to 97% there, with a whole bridge 98% to 99%, with none 92% to
95%."""


def forecast_draws(
    labels: npt.ArrayLike,
    replicates: npt.ArrayLike,
    scores: FamilyScores,
    wanted: npt.ArrayLike,
    *,
    generator: np.random.Generator,
) -> Floats:
    """Return a curve for each replicate, at other numbers of labels.

    Each replicate is fitted by one family, drawn by its weight, about a prior that is drawn, too
    (:func:`~examwise.metrics.learning_curves.fitting.fit_family`). Between the budgets the curve
    is corrected towards the replicate's own values, as far as the family departs from the study
    beyond chance; beyond them that correction stays what it was at the nearest.

    Then a residual is added on the probit scale: Student's t times the held-out error after one
    doubling times the root of the doublings. Between two budgets, a doublings from one and b from
    the other, it is half that of a Brownian bridge, which has the root of a b / (a + b). More
    labels are taken to do no harm: beyond its largest budget no curve falls below its value there,
    below its smallest none rises above it.

    Args:
        labels: Labels of each budget, rising, above 0, shape (budgets,).
        replicates: AUC of its replicates, NaN where missing, shape (replicates, budgets).
        scores: How the families compare.
        wanted: Numbers of labels, above 0, in any order, shape (n,).
        generator: Where the draws come from.

    Returns:
        Shape (replicates, n), between 0 and 1; NaN rows for replicates with fewer than two values.
    """
    x = np.asarray(labels, dtype=np.float64)
    y = np.atleast_2d(np.asarray(replicates, dtype=np.float64))
    to = np.asarray(wanted, dtype=np.float64)
    n = len(y)
    # All that is drawn is drawn first, so that it does not depend on what is asked.
    by_chance = (generator.permutation(n) + generator.random(n)) / max(n, 1)
    centres = generator.standard_normal((n, 2))
    # One for each gap between budgets, and one for either side of them.
    residuals = generator.standard_t(scores.residual_degrees, (n, len(x) + 1)) * scores.residual
    ends = np.cumsum(list(scores.weights.values()))
    chosen = np.minimum(np.searchsorted(ends, by_chance, side="right"), len(ends) - 1)

    near = np.clip(to, x[0], x[-1])
    at_all = np.concatenate([to, near])
    curves = np.full((n, len(at_all)), np.nan)
    enough = np.isfinite(y).sum(axis=1) >= _FEWEST
    families = {family.name: family for family in FAMILIES}
    for place, name in enumerate(scores.weights):
        rows = np.flatnonzero((chosen == place) & enough)
        if not len(rows):
            continue
        if name == LAST_VALUE:
            steps = rising_means(y[rows], 1.0 / scores.form_variance)
            curves[rows] = _between(x, steps, at_all)
            continue
        fit = fit_family(
            families[name], x, y[rows], 1.0 / scores.form_variance, prior_centres=centres[rows]
        )
        misfit = scores.misfits[name]
        departure = np.nan_to_num(y[rows] - fit.at(x)) * (misfit / (misfit + scores.form_variance))
        curves[rows] = np.clip(fit.at(at_all) + _between(x, departure, at_all), 0.0, 1.0)
    drawn, at_near = curves[:, : len(to)], curves[:, len(to) :]
    gap = np.searchsorted(x, to, side="left")
    moved = special.ndtr(probit(drawn) + residuals[:, gap] * np.sqrt(_open_doublings(x, to)))
    moved = np.where(to > x[-1], np.maximum(moved, at_near), moved)
    moved = np.where(to < x[0], np.minimum(moved, at_near), moved)
    return np.where(np.isin(to, x), drawn, moved)


def _open_doublings(labels: Floats, wanted: Floats) -> Floats:
    """Return how far amounts are from the budgets, in doublings, as a residual's variance grows."""
    log, to = np.log2(labels), np.log2(wanted)
    upper = np.clip(np.searchsorted(log, to, side="right"), 1, len(log) - 1)
    left, right = to - log[upper - 1], log[upper] - to
    between = _SMOOTH**2 * np.maximum(left * right, 0.0) / (left + right)
    return np.where(to > log[-1], to - log[-1], np.where(to < log[0], log[0] - to, between))


def _between(labels: Floats, values: Floats, wanted: Floats) -> Floats:
    """Interpolate rows in the logarithm of labels; beyond the ends they stay as they end."""
    log, to = np.log(labels), np.clip(np.log(wanted), np.log(labels[0]), np.log(labels[-1]))
    upper = np.clip(np.searchsorted(log, to, side="right"), 1, len(log) - 1)
    share = (to - log[upper - 1]) / (log[upper] - log[upper - 1])
    return values[:, upper - 1] * (1 - share) + values[:, upper] * share
