"""The amount of labels, actions or hours at which a learning curve reaches a target."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import isotonic_regression

_ROUNDING = 1e-12
"""Pooling adjacent budgets averages them; that must not push a curve below a target it meets."""


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


def monotone_curve(mean_auc: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return the never-falling curve closest to the means, in least squares.

    More labels don't hurt in expectation; unlike a running maximum this fit does not reward a
    lucky budget (pool adjacent violators: Ayer et al., 1955).

    Args:
        mean_auc: Mean AUC by rising budget, shape (budgets,).

    Example:
        >>> monotone_curve([0.6, 0.8, 0.7]).tolist()
        [0.6, 0.75, 0.75]
    """
    return np.asarray(isotonic_regression(mean_auc).x, dtype=np.float64)


def needed_amount(
    curve: npt.NDArray[np.float64], amounts: npt.NDArray[np.float64], target_auc: float
) -> NeededAmount:
    """Return where a never-falling curve first reaches a target.

    Between two budgets the AUC is taken to rise linearly with the logarithm of the amount; beyond
    the budgets nothing is extrapolated.

    Args:
        curve: From :func:`monotone_curve`, shape (budgets,).
        amounts: What the budgets cost, above 0, shape (budgets,).
        target_auc: The target.

    Example:
        >>> curve, amounts = np.array([0.6, 0.7, 0.8]), np.array([10.0, 100.0, 1000.0])
        >>> round(needed_amount(curve, amounts, 0.75).high, 1)
        316.2
        >>> needed_amount(curve, amounts, 0.5)
        NeededAmount(low=0.0, high=10.0)
        >>> needed_amount(curve, amounts, 0.9)
        NeededAmount(low=1000.0, high=inf)
    """
    # Where repeats are missing, a larger budget may on average have cost less.
    rising = np.maximum.accumulate(amounts)
    above = np.flatnonzero(curve >= target_auc - _ROUNDING)
    if not len(above):
        return NeededAmount(float(rising[-1]), math.inf)
    first = int(above[0])
    if first == 0:
        return NeededAmount(0.0, float(rising[0]))
    before, after = curve[first - 1], curve[first]
    share = min(1.0, max(0.0, (target_auc - before) / (after - before)))
    start, end = math.log(rising[first - 1]), math.log(rising[first])
    amount = math.exp(start + share * (end - start))
    return NeededAmount(amount, amount)
