"""ROC and precision-recall curves with bands, by patient bootstrap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from examwise.metrics.auc_variance import checked_level
from examwise.metrics.inputs import Floats, checked_labels, checked_scores, checked_weights
from examwise.metrics.patient_bootstrap import SMALLEST_USABLE_SHARE

GRID = np.linspace(0, 1, 101)
"""Where curves are read off: 1 - specificity, or recall."""

_ROUNDING = 1e-12

Indices = npt.NDArray[np.intp]

Draw = Callable[[int], npt.NDArray[np.integer]]


@dataclass(frozen=True)
class CurveBand:
    """A curve read off on a grid, with limits at each x and a band about the whole.

    Attributes:
        x: 1 - specificity, or recall, shape (101,).
        y: Sensitivity, or precision, of the sample, shape (101,).
        lower: Limit at this x alone, shape (101,).
        upper: Limit at this x alone, shape (101,).
        band_lower: Lower edge of the band, shape (101,).
        band_upper: Upper edge of the band, shape (101,).
    """

    x: Floats
    y: Floats
    lower: Floats
    upper: Floats
    band_lower: Floats
    band_upper: Floats


def roc_band(
    labels: npt.ArrayLike,
    scores: npt.ArrayLike,
    patients: npt.ArrayLike,
    *,
    draw: Draw,
    level: float = 0.95,
) -> CurveBand | None:
    """Return the ROC curve with vertical limits, or None where they are undefined.

    The curve is straight between its points, and takes the highest sensitivity where it rises
    straight up. Limits at one x are 1.96 standard deviations over the bootstrap samples away, on
    the scale of the arcsine of the square root, where a share's spread does not depend on it. The
    band reaches as many of them as hold the wanted share of sampled curves as a whole (their
    largest studentised deviation). A standard deviation is never taken for less than that of as
    many patients' shares: where all samples agree, as at a sensitivity of 1, they don't know how
    far the truth is. At the far left, below some 5 negative exams, no vertical band is to be
    trusted: the empirical curve starts above the true one.

    Args:
        labels: 0 or 1, shape (n_items,).
        scores: Higher means more likely positive, shape (n_items,).
        patients: Each item's patient, shape (n_items,).
        draw: From the number of patients to how often each, in the order of their names, is in
            each sample, shape (replicates, patients).
        level: Coverage aimed at, between 0 and 1.

    Returns:
        The band; None where a class is absent, where more than 5% of the samples lack one, and
        where all sampled curves are the same, which tells nothing of the uncertainty.

    Raises:
        InputError: On a NaN score, a label other than 0 and 1, or unequal lengths.

    Example:
        >>> from functools import partial
        >>> from examwise.metrics.patient_bootstrap import patient_counts
        >>> draw = np.random.default_rng(0)
        >>> labels = np.arange(100) % 2
        >>> samples = partial(patient_counts, n_replicates=200, generator=draw)
        >>> band = roc_band(labels, labels + draw.normal(size=100), np.arange(100), draw=samples)
        >>> bool(band.band_lower[20] <= band.lower[20] < band.y[20] < band.upper[20])
        True
    """
    return _band(labels, scores, patients, draw, level, _sensitivities, of_positives=True)


def precision_recall_band(
    labels: npt.ArrayLike,
    scores: npt.ArrayLike,
    patients: npt.ArrayLike,
    *,
    draw: Draw,
    level: float = 0.95,
) -> CurveBand | None:
    """Return the precision-recall curve with vertical limits, or None where they are undefined.

    The precision at a recall is that of the highest threshold which reaches it, and at recall 0
    that of the highest which finds anything: a straight line between two points would promise
    precision that no threshold has (Davis and Goadrich, 2006). All else is as in
    :func:`roc_band`.

    Example:
        >>> one_each = np.ones((4, 2), int)
        >>> precision_recall_band([0, 1], [1, 2], ["a", "b"], draw=lambda n: one_each) is None
        True
    """
    return _band(labels, scores, patients, draw, level, _precisions, of_positives=False)


def _band(
    labels: npt.ArrayLike,
    scores: npt.ArrayLike,
    patients: npt.ArrayLike,
    draw: Draw,
    level: float,
    read_off: Callable[[Floats, Floats], tuple[Floats, Indices]],
    *,
    of_positives: bool,
) -> CurveBand | None:
    checked_level(level)
    values = checked_scores(scores)
    positive = checked_labels(labels, len(values))
    names, items = np.unique(np.asarray(patients), return_inverse=True)
    if not positive.any() or positive.all():
        return None
    table, column = checked_weights(draw(len(names)), items, len(values))
    order = np.argsort(-values, kind="stable")
    ordered, is_hit = values[order], positive[order].astype(np.float64)
    last_of_ties = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), len(ordered) - 1)

    counted = is_hit > 0 if of_positives else np.ones(len(values), dtype=np.bool_)
    _, first_seen = np.unique(items[order][counted], return_index=True)
    is_new = np.zeros(len(values))
    is_new[np.flatnonzero(counted)[first_seen]] = 1
    n_patients = np.cumsum(is_new)[last_of_ties]

    def curve(weights: Floats) -> tuple[Floats, Indices]:
        hits = np.cumsum(weights * is_hit)[last_of_ties]
        called = np.cumsum(weights)[last_of_ties]
        if not 0 < hits[-1] < called[-1]:
            return np.full(len(GRID), np.nan), np.zeros(len(GRID), dtype=np.intp)
        return read_off(hits, called)

    y, points = curve(np.ones(len(values)))
    place = column[order]
    sampled = np.stack([curve(row[place].astype(np.float64))[0] for row in table])
    usable = sampled[~np.isnan(sampled[:, 0])]
    if len(usable) < max(2, SMALLEST_USABLE_SHARE * len(sampled)):
        return None
    if np.ptp(usable, axis=0).max() <= _ROUNDING:
        return None
    sizes = n_patients[points]
    centre = _stabilised(y, sizes)
    deviations = _stabilised(usable, sizes) - centre
    spread = np.maximum(np.sqrt(np.mean(deviations**2, axis=0)), 0.5 / np.sqrt(sizes))
    whole = float(np.quantile(np.abs(deviations / spread).max(axis=1), level))
    alone = float(-ndtri((1 - level) / 2))

    def limits(reach: float) -> tuple[Floats, Floats]:
        low = np.sin(np.maximum(centre - reach * spread, 0)) ** 2
        high = np.sin(np.minimum(centre + reach * spread, np.pi / 2)) ** 2
        return np.minimum(low, y), np.maximum(high, y)

    return CurveBand(GRID.copy(), y, *limits(alone), *limits(max(whole, alone)))


def _sensitivities(hits: Floats, called: Floats) -> tuple[Floats, Indices]:
    """Return the sensitivities at the grid, and the point whose items they are shares of: all."""
    false_alarms = called - hits
    across = np.append(0.0, false_alarms / false_alarms[-1])
    y = np.interp(GRID, across, np.append(0.0, hits / hits[-1]))
    return y, np.full(len(GRID), len(hits) - 1)


def _precisions(hits: Floats, called: Floats) -> tuple[Floats, Indices]:
    """Return the precisions at the grid, and the points whose items they are shares of."""
    points = np.searchsorted(hits / hits[-1], np.maximum(GRID - _ROUNDING, _ROUNDING))
    return hits[points] / called[points], points


def _stabilised(shares: Floats, sizes: Floats) -> Floats:
    """Return the arcsine of shares' roots, moved off the ends (Anscombe, 1948)."""
    return np.arcsin(np.sqrt((shares * sizes + 0.375) / (sizes + 0.75)))
