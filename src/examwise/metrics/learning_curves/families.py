"""Families of learning curves: how performance approaches its asymptote as labels grow.

Every family is ``asymptote - drop * decay(labels; shape)``, linear in asymptote and drop, with at
most two shape parameters. These have few places on a grid, so that thousands of curves are fitted
at once, and a prior, so that few budgets are enough.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_PLACES = {0: 1, 1: 97, 2: 21}
"""Places on the grid of each shape parameter, by how many there are."""

_WIDTH = 2.5
"""The grid ends this many standard deviations of the prior from its centre."""

_FAR = 50.0
"""A larger exponent changes nothing that a float64 shows."""


@dataclass(frozen=True)
class Scale:
    """The budgets a family is fitted to, which set the units of its shape parameters.

    Attributes:
        smallest: Labels of the smallest budget, above 0.
        largest: Labels of the largest.
    """

    smallest: float
    largest: float

    @property
    def middle(self) -> float:
        """Logarithm of the geometric middle."""
        return 0.5 * (math.log(self.smallest) + math.log(self.largest))

    @property
    def reach(self) -> float:
        """Prior standard deviation of the logarithm of a number of labels."""
        return 1.0 + 0.5 * (math.log(self.largest) - math.log(self.smallest))


@dataclass(frozen=True)
class Prior:
    """Normal prior of the logarithm of a shape parameter.

    Attributes:
        mean: Its centre.
        deviation: Its standard deviation.
    """

    mean: float
    deviation: float


@dataclass(frozen=True)
class Family:
    """One family of curves.

    Attributes:
        name: Short name.
        priors: Of the logarithms of the shape parameters, given the budgets.
        decay: ``(labels, shape, scale)`` to what falls towards 0 as labels grow; labels (n,), shape
            (places, parameters) in logarithms, result (places, n).
    """

    name: str
    priors: Callable[[Scale], tuple[Prior, ...]]
    decay: Callable[[Floats, Floats, Scale], Floats]

    def places(self, scale: Scale) -> tuple[Floats, Floats]:
        """Return the grid of shapes, in logarithms and in prior standard deviations.

        Returns:
            Both of shape (places, parameters); one row without columns where there is no shape.
        """
        priors = self.priors(scale)
        if not priors:
            return np.zeros((1, 0)), np.zeros((1, 0))
        axis = np.linspace(-_WIDTH, _WIDTH, _PLACES[len(priors)])
        standard = np.stack(np.meshgrid(*[axis] * len(priors), indexing="ij"), axis=-1)
        standard = standard.reshape(-1, len(priors))
        mean = np.array([prior.mean for prior in priors])
        deviation = np.array([prior.deviation for prior in priors])
        return mean + deviation * standard, standard


def _power(labels: Floats, shape: Floats, scale: Scale) -> Floats:
    rate = np.exp(shape[:, :1])
    return np.exp(np.minimum(-rate * np.log(labels / scale.smallest), _FAR))


def _shifted_power(labels: Floats, shape: Floats, scale: Scale) -> Floats:
    rate, offset = np.exp(shape[:, :1]), np.exp(shape[:, 1:])
    return np.exp(-rate * np.log((labels + offset) / (scale.smallest + offset)))


def _exponential(labels: Floats, shape: Floats, scale: Scale) -> Floats:
    return np.exp(np.minimum((scale.smallest - labels) / np.exp(shape[:, :1]), _FAR))


def _stretched(labels: Floats, shape: Floats, scale: Scale) -> Floats:
    size, power = np.exp(shape[:, :1]), np.exp(shape[:, 1:])
    exponent = (scale.smallest / size) ** power - (labels / size) ** power
    return np.exp(np.minimum(exponent, _FAR))


def _logistic(labels: Floats, shape: Floats, _scale: Scale) -> Floats:
    size, power = np.exp(shape[:, :1]), np.exp(shape[:, 1:])
    return 1.0 / (1.0 + (labels / size) ** power)


def _inverse_logarithm(labels: Floats, _shape: Floats, _scale: Scale) -> Floats:
    return 1.0 / np.log2(1.0 + labels)[None, :]


_RATE = Prior(math.log(0.5), 0.7)


def _size(scale: Scale) -> Prior:
    return Prior(scale.middle, scale.reach)


FAMILIES = (
    Family("power", lambda _: (_RATE,), _power),
    Family(
        "shifted_power",
        lambda scale: (_RATE, Prior(math.log(scale.smallest), 1.5)),
        _shifted_power,
    ),
    Family("exponential", lambda scale: (_size(scale),), _exponential),
    Family("weibull", lambda scale: (_size(scale), Prior(math.log(0.5), 0.5)), _stretched),
    Family("log_logistic", lambda scale: (_size(scale), Prior(math.log(0.8), 0.5)), _logistic),
    Family("inverse_logarithm", lambda _: (), _inverse_logarithm),
)
"""Power law with asymptote (pow3), with an offset too (pow4), exponential (exp3), stretched
exponential (wbl4), logistic in the logarithm of labels (mmf4), and inverse logarithm (ilog2); the
names in brackets are those of Viering and Loog (The Shape of Learning Curves: a Review, 2022).
What we add to them are the bounds (no curve falls, none ends above 1) and the priors of shapes."""

LAST_VALUE = "last_value"
"""The null: no more to be won beyond the largest budget."""
