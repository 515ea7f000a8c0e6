"""Hours to set aside before a label is bought for training: a test set, double reading, a pilot."""

from __future__ import annotations

import math
from dataclasses import dataclass

from examwise.metrics.auc_power import needed_exams
from examwise.planning.label_prices import LabelPrices, Price

PILOT_SPREAD = 0.6
"""Standard deviation of single reading times as a share of their mean, where none was timed."""

_NORMAL = 1.96


@dataclass(frozen=True)
class TestSet:
    """A test set that can show what is wanted.

    Attributes:
        exams: How many it takes.
        readers: Who read each of them.
        hours: What that takes.
        power: Chance to show non-inferiority by the margin, were both learners equally good.
        margin: AUC by which one may be lower.
        prevalence: Share of positive exams that is expected.
    """

    __test__ = False

    exams: int
    readers: int
    hours: float
    power: float
    margin: float
    prevalence: float


@dataclass(frozen=True)
class Pilot:
    """A timed pilot.

    Attributes:
        exams: Exams to read with a clock.
        slices: Slices shown alone, likewise.
        hours: What that takes; its labels count.
        precision: How well the mean time is known after it, as a share (95%).
    """

    exams: int
    slices: int
    hours: float
    precision: float


def reserve_test_set(
    prices: LabelPrices,
    *,
    auc: float,
    margin: float,
    prevalence: float,
    power: float,
    correlation: float,
    readers: int,
    labelled: int = 0,
) -> TestSet:
    """Return the test set to label first.

    Args:
        prices: What labels cost.
        auc: Expected of both learners.
        margin: AUC by which one may be lower.
        prevalence: Share of positive exams.
        power: Wanted chance.
        correlation: Of both AUCs' errors.
        readers: Who read each exam.
        labelled: Test exams that have labels already: they cost nothing.

    Raises:
        InputError: If no test set can show it.
    """
    exams = needed_exams(
        auc=auc, margin=margin, prevalence=prevalence, correlation=correlation, power=power
    )
    read = max(0, exams - labelled) * readers
    return TestSet(
        exams=exams,
        readers=readers,
        hours=prices.hours(exams=read, slices=0, actions=read),
        power=power,
        margin=margin,
        prevalence=prevalence,
    )


def prescribe_pilot(prices: LabelPrices, *, precision: float) -> Pilot | None:
    """Return a timed pilot; None where both times are known well enough.

    Args:
        prices: What labels cost.
        precision: How well the mean is to be known, as a share (95%).
    """
    exams, slices = (_still_to_time(price, precision) for price in (prices.exam, prices.slice))
    if not exams + slices:
        return None
    hours = prices.hours(exams=exams, slices=slices, actions=exams + slices)
    return Pilot(exams, slices, hours, precision)


def _still_to_time(price: Price, precision: float) -> int:
    spread = PILOT_SPREAD if price.spread is None else price.spread
    wanted = math.ceil((_NORMAL * spread / precision) ** 2)
    return max(0, wanted - price.n_timed)
