"""What labels cost a reader in time: as asked for, or as label events measured it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import polars as pl

from examwise.core.errors import InputError

FEWEST_TIMED = 5
"""With fewer timed labels of a kind, their mean says nothing."""

_SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True)
class Price:
    """Seconds for one of a kind.

    Attributes:
        seconds: The mean.
        error: Its standard error, as a share; None where it was asked for.
        spread: Standard deviation of single times, as a share of the mean; None likewise.
        n_timed: Timed labels behind it; 0 where it was asked for.
    """

    seconds: float
    error: float | None = None
    spread: float | None = None
    n_timed: int = 0


@dataclass(frozen=True)
class LabelPrices:
    """What each kind of work costs.

    Attributes:
        exam: To open an exam and read all of it, its answer included where it was timed.
        slice: To look at one slice shown alone, likewise.
        action: To enter one answer more.
    """

    exam: Price
    slice: Price
    action: Price

    def hours(self, *, exams: float, slices: float, actions: float) -> float:
        """Return reader hours.

        Args:
            exams: Exams read from end to end.
            slices: Slices looked at alone.
            actions: Answers entered.

        Example:
            >>> prices = LabelPrices(Price(50.0), Price(5.0), Price(10.0))
            >>> prices.hours(exams=60, slices=0, actions=60)
            1.0
        """
        seconds = (
            exams * self.exam.seconds + slices * self.slice.seconds + actions * self.action.seconds
        )
        return seconds / _SECONDS_PER_HOUR


def find_prices(
    asked: dict[str, float | None], events: pl.DataFrame | None, *, finding: str
) -> LabelPrices:
    """Return prices: those asked for, and for the others what label events measured.

    A timed answer holds the looking and the entering together, so that entering costs nothing
    more where it was not asked for.

    Args:
        asked: ``exam``, ``slice`` and ``action`` to seconds, or None.
        events: ``LABELS`` of a store; None without one.
        finding: What is labelled.

    Raises:
        InputError: If a price is neither asked for nor measured, or is below 0.
    """
    found: dict[str, Price] = {}
    for kind in ("exam", "slice"):
        given = asked.get(kind)
        price = Price(given) if given is not None else _measured(events, kind, finding)
        if price is None:
            raise InputError(
                where=f"--seconds-per-{kind}",
                expected=f"seconds for one {kind}, or {FEWEST_TIMED} timed labels of {kind}s",
                got="neither",
                remedy="time a pilot of some twenty, and give its mean; no value is assumed",
            )
        found[kind] = price
    action = asked.get("action")
    found["action"] = Price(0.0 if action is None else action)
    for kind, price in found.items():
        if not price.seconds >= 0 or not math.isfinite(price.seconds):
            raise InputError(
                where=f"--seconds-per-{kind}", expected="0 or more", got=f"{price.seconds:g}"
            )
    return LabelPrices(**found)


def _measured(events: pl.DataFrame | None, kind: str, finding: str) -> Price | None:
    if events is None:
        return None
    is_kind = (
        pl.col("slice_start").is_null()
        if kind == "exam"
        else pl.col("slice_stop") - pl.col("slice_start") == 1
    )
    times = events.filter(is_kind, pl.col("finding") == finding)["seconds"].drop_nulls().to_numpy()
    if len(times) < FEWEST_TIMED or not times.mean() > 0:
        return None
    spread = float(times.std(ddof=1) / times.mean())
    return Price(float(times.mean()), spread / math.sqrt(len(times)), spread, len(times))
