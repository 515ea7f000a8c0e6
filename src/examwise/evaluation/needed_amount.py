"""The amount of labels, actions or hours at which a learning curve reaches a target."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_ROUNDING = 1e-12
"""Pooling adjacent budgets averages them; that must not push a curve below a target it meets."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class NeededAmount:
    """The range in which a needed amount lies; both ends are equal where it is known.

    Attributes:
        low: At least this; 0 where the smallest budget reached the target already.
        high: At most this; infinite where the largest budget did not reach it.
    """

    low: float
    high: float

    @property
    def reached(self) -> bool:
        """Whether the target was reached within the budgets."""
        return math.isfinite(self.high)

    @property
    def at_most(self) -> bool:
        """Whether the smallest budget reached it already."""
        return self.low == 0


def monotone_curve(mean_auc: npt.ArrayLike) -> Floats:
    """Return the never-falling curve closest to the means, in least squares.

    More labels don't hurt in expectation; unlike a running maximum this fit does not reward a
    lucky budget (pool adjacent violators: Ayer et al., 1955). It is worked out for many curves at
    once, as the largest over starts of the smallest over ends of means between them.

    Args:
        mean_auc: Mean AUC by rising budget, shape (budgets,) or (curves, budgets).

    Returns:
        The same shape; a curve with a NaN is NaN throughout.

    Example:
        >>> monotone_curve([0.6, 0.8, 0.7]).round(6).tolist()
        [0.6, 0.75, 0.75]
    """
    values = np.asarray(mean_auc, dtype=np.float64)
    n = values.shape[-1]
    sums = np.concatenate([np.zeros((*values.shape[:-1], 1)), np.cumsum(values, axis=-1)], axis=-1)
    fitted = np.full(values.shape, -np.inf)
    for start in range(n):
        means = (sums[..., start + 1 :] - sums[..., start, None]) / np.arange(1, n - start + 1)
        # From each place on: the smallest mean of those that end there or later.
        smallest = np.minimum.accumulate(means[..., ::-1], axis=-1)[..., ::-1]
        np.maximum(fitted[..., start:], smallest, out=fitted[..., start:])
    return fitted


def auc_at(curves: Floats, amounts: Floats, wanted: Floats) -> Floats:
    """Return AUCs between budgets, taken to rise linearly with the logarithm of the amount.

    Beyond its budgets a curve keeps its value at the nearest one.

    Args:
        curves: AUC by rising budget, shape (curves, budgets).
        amounts: What the budgets cost, above 0, shape (curves, budgets).
        wanted: The amounts asked for, shape (curves,).

    Example:
        >>> amounts = np.array([[10.0, 1000.0]])
        >>> auc_at(np.array([[0.6, 0.8]]), amounts, np.array([100.0])).round(6).tolist()
        [0.7]
    """
    if curves.shape[1] == 1:
        return np.asarray(curves[:, 0])
    # Where repeats are missing, a larger budget may on average have cost less.
    logs = np.log(np.maximum.accumulate(amounts, axis=1))
    places = np.log(wanted)
    after = np.clip((logs <= places[:, None]).sum(axis=1), 1, curves.shape[1] - 1)
    row = np.arange(len(curves))
    start, end = logs[row, after - 1], logs[row, after]
    width = end - start
    share = np.divide(places - start, width, out=np.ones_like(width), where=width > 0)
    share = np.clip(share, 0.0, 1.0)
    return np.asarray(curves[row, after - 1] * (1 - share) + curves[row, after] * share)


def needed_amounts(curves: Floats, amounts: Floats, target_auc: float) -> Floats:
    """Return where never-falling curves first reach a target, as ranges.

    Between two budgets the AUC is taken to rise linearly with the logarithm of the amount; beyond
    the budgets nothing is extrapolated.

    Args:
        curves: From :func:`monotone_curve`, shape (curves, budgets).
        amounts: What the budgets cost, above 0, shape (curves, budgets).
        target_auc: The target.

    Returns:
        Low and high ends as in :class:`NeededAmount`, shape (curves, 2); NaN for NaN curves.

    Example:
        >>> curves, amounts = np.array([[0.6, 0.7, 0.8]]), np.array([[10.0, 100.0, 1000.0]])
        >>> needed_amounts(curves, amounts, 0.75).round(1).tolist()
        [[316.2, 316.2]]
        >>> needed_amounts(curves, amounts, 0.5).tolist()
        [[0.0, 10.0]]
        >>> needed_amounts(curves, amounts, 0.9).tolist()
        [[1000.0, inf]]
    """
    # Where repeats are missing, a larger budget may on average have cost less.
    rising = np.maximum.accumulate(amounts, axis=1)
    above = curves >= target_auc - _ROUNDING
    first = np.argmax(above, axis=1)
    row = np.arange(len(curves))
    is_reached, at_once = above.any(axis=1), above[:, 0]
    before = np.maximum(first - 1, 0)
    low, high = curves[row, before], curves[row, first]
    rise = high - low
    share = np.divide(target_auc - low, rise, out=np.ones_like(rise), where=rise > 0)
    share = np.clip(share, 0.0, 1.0)
    start, end = np.log(rising[row, before]), np.log(rising[row, first])
    amount = np.exp(start + share * (end - start))
    found = np.stack(
        [
            np.where(at_once, 0.0, np.where(is_reached, amount, rising[:, -1])),
            np.where(at_once, rising[:, 0], np.where(is_reached, amount, np.inf)),
        ],
        axis=1,
    )
    found[np.isnan(curves).any(axis=1)] = np.nan
    return found


def needed_amount(curve: Floats, amounts: Floats, target_auc: float) -> NeededAmount:
    """Return where one never-falling curve first reaches a target; see :func:`needed_amounts`.

    Args:
        curve: From :func:`monotone_curve`, shape (budgets,).
        amounts: What the budgets cost, above 0, shape (budgets,).
        target_auc: The target.

    Example:
        >>> curve, amounts = np.array([0.6, 0.7, 0.8]), np.array([10.0, 100.0, 1000.0])
        >>> round(needed_amount(curve, amounts, 0.75).high, 1)
        316.2
    """
    low, high = needed_amounts(curve[None], amounts[None], target_auc)[0].tolist()
    return NeededAmount(low, high)
