"""Families of learning curves compared on budgets larger than those they were fitted to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from examwise.metrics.learning_curves.families import FAMILIES, LAST_VALUE
from examwise.metrics.learning_curves.fitting import fit_family
from examwise.metrics.learning_curves.isotonic import rising_means

Floats = npt.NDArray[np.float64]

_FEWEST = 2
"""Budgets from which others are predicted."""

_MISFIT = 0.003
"""AUC by which no family is taken to be exact, however small the chance."""

RESIDUAL_PRIOR = 0.05
"""Expected residual after one doubling, on the probit scale (0.012 at an AUC of 0.85) …"""

RESIDUAL_WEIGHT = 4.0
"""… worth so many held-out splits."""

_EDGE = 1e-4


@dataclass(frozen=True)
class FamilyScores:
    """How families compare on one curve.

    Attributes:
        weights: Family to weight in their average; with the null ``last_value``; they sum to 1.
        asymptotes: Family to AUC with labels without end; without the null.
        fit_errors: Family to root mean square on the budgets fitted.
        held_out_errors: Family to root mean square on held-out larger budgets; empty with fewer
            than three budgets.
        misfits: Family to variance by which the curve departs from its fit beyond chance.
        form_variance: Of each budget's value once a replicate's own level is taken out, which is
            what blurs a curve's form, shape (budgets,).
        residual: Root mean square of the average's held-out errors on the probit scale, after one
            doubling of labels.
        residual_degrees: Degrees of freedom behind it.
    """

    weights: Mapping[str, float]
    asymptotes: Mapping[str, float]
    fit_errors: Mapping[str, float]
    held_out_errors: Mapping[str, float]
    misfits: Mapping[str, float]
    form_variance: Floats
    residual: float
    residual_degrees: float


def compare_families(
    labels: npt.ArrayLike, values: npt.ArrayLike, replicates: npt.ArrayLike
) -> FamilyScores:
    """Fit each family to the smaller budgets and score it on all larger ones, for every split.

    The weight of a family is the inverse of its mean squared error (Bates and Granger, 1969,
    leaving correlations out), to which the chance in the values is added, so that differences
    within chance count for little. The null takes part: where nothing predicts better than the
    last value, it weighs most. Of two budgets none can be held out, and all weigh the same.

    Args:
        labels: Labels of each budget, rising, above 0, shape (budgets,), two or more.
        values: AUC of the study itself, shape (budgets,).
        replicates: AUC of its replicates, NaN where missing, shape (replicates, budgets).

    Example:
        >>> m = np.array([10.0, 30.0, 100.0, 300.0, 1000.0])
        >>> curve = 0.9 - 0.3 * (m / 10) ** -0.5
        >>> scores = compare_families(m, curve, np.tile(curve, (3, 1)))
        >>> scores.held_out_errors["power"] < scores.held_out_errors["last_value"]
        True
    """
    x = np.asarray(labels, dtype=np.float64)
    y = np.asarray(values, dtype=np.float64)
    variance = form_variance(np.asarray(replicates, dtype=np.float64), len(x))
    precision = 1.0 / variance
    names = [*(family.name for family in FAMILIES), LAST_VALUE]
    # Every split predicts all that is larger.
    errors: dict[str, list[Floats]] = {name: [] for name in names}
    truths, chances, doublings, splits = [], [], [], []
    for n_used in range(_FEWEST, len(x)):
        used, larger = slice(0, n_used), slice(n_used, None)
        last = rising_means(y[None, used], precision[used])[0, -1]
        for family in FAMILIES:
            fit = fit_family(family, x[used], y[None, used], precision[used])
            errors[family.name].append(fit.at(x[larger])[0] - y[larger])
        errors[LAST_VALUE].append(last - y[larger])
        truths.append(y[larger])
        chances.append(variance[larger] + variance[used].mean())
        doublings.append(np.log2(x[larger] / x[n_used - 1]))
        splits.append(np.full(len(x) - n_used, n_used))
    fits = {family.name: fit_family(family, x, y[None], precision) for family in FAMILIES}
    fitted = {name: fit.at(x)[0] for name, fit in fits.items()}
    fitted[LAST_VALUE] = rising_means(y[None], precision)[0]
    misfits = {
        name: max(0.0, float(np.mean((at - y) ** 2 - variance))) for name, at in fitted.items()
    }
    fit_errors = {name: _root_mean_square(at - y) for name, at in fitted.items()}
    if truths:
        held_out = {name: np.concatenate(parts) for name, parts in errors.items()}
        chance = np.concatenate(chances)
        inverse = {
            name: 1.0 / float(np.mean(error**2 + chance)) for name, error in held_out.items()
        }
    else:
        held_out, inverse = {}, dict.fromkeys(names, 1.0)
    total = sum(inverse.values())
    weights = {name: value / total for name, value in inverse.items()}
    residual, degrees = RESIDUAL_PRIOR, RESIDUAL_WEIGHT
    if truths:
        truth = np.concatenate(truths)
        mean = truth + sum(weights[name] * held_out[name] for name in names)
        residual, degrees = _residual(
            mean, truth, chance, np.concatenate(doublings), np.concatenate(splits)
        )
    return FamilyScores(
        weights=weights,
        asymptotes={name: float(np.clip(fit.asymptote[0], 0, 1)) for name, fit in fits.items()},
        fit_errors=fit_errors,
        held_out_errors={name: _root_mean_square(error) for name, error in held_out.items()},
        misfits=misfits,
        form_variance=variance,
        residual=residual,
        residual_degrees=degrees,
    )


def form_variance(replicates: Floats, n_budgets: int) -> Floats:
    """Return the variance of each budget's value about its replicate's own level.

    A replicate whose patients are easy is higher at all budgets; that moves a curve and leaves its
    form. Never less than a small share that stands for what no family describes.

    Args:
        replicates: NaN where missing, shape (replicates, budgets).
        n_budgets: Budgets.
    """
    complete = replicates[np.isfinite(replicates).all(axis=1)]
    least = np.full(n_budgets, _MISFIT**2)
    if len(complete) < 2:
        return least
    return least + np.var(complete - complete.mean(axis=1, keepdims=True), axis=0)


def probit(values: Floats) -> Floats:
    """Return AUCs on the scale of a normal deviate, kept from its ends."""
    return np.asarray(special.ndtri(np.clip(values, _EDGE, 1 - _EDGE)))


def _residual(
    predicted: Floats, truth: Floats, chance: Floats, doublings: Floats, split: npt.NDArray
) -> tuple[float, float]:
    """Return the residual after one doubling, and its degrees of freedom.

    The variance of a residual grows in proportion to the doublings of labels. Errors of one split
    come of one fit and count as one.
    """
    slope = np.exp(-0.5 * probit(truth) ** 2) / np.sqrt(2 * np.pi)
    chance_of = chance / slope**2
    squared = ((probit(predicted) - probit(truth)) ** 2 - chance_of) / doublings
    by_split = [float(squared[split == one].mean()) for one in np.unique(split)]
    degrees = RESIDUAL_WEIGHT + len(by_split)
    variance = (RESIDUAL_WEIGHT * RESIDUAL_PRIOR**2 + sum(by_split)) / degrees
    # Chance alone makes errors: less than it is no reason to trust a curve more than the prior.
    least = RESIDUAL_WEIGHT * RESIDUAL_PRIOR**2 / degrees
    return float(np.sqrt(max(variance, least))), degrees


def _root_mean_square(values: Floats) -> float:
    return float(np.sqrt(np.mean(values**2)))
