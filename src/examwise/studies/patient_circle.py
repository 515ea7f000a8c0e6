"""The order in which patients are drawn: a circle, on which every repeat begins elsewhere.

Repeats that draw from one archive share patients. Here all patients of a part stand on a circle in
one random order, the same for all arms; a repeat begins at its own place and goes round, so that
every budget takes an arc. Places are those of van der Corput's sequence (0, 1/2, 1/4, 3/4, 1/8 …):
repeats stay where they are when more are added. With R repeats, places are at least 1/P of the
circle apart, P being the next power of two from R: arcs up to that length share no patient. Of
longer arcs neighbours overlap, all pairs together less than draws at random would.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import polars as pl

from examwise.core.randomness import generator


def start_of(repeat: int) -> float:
    """Return where on the circle a repeat begins, from 0 to below 1 (van der Corput, 1935).

    Example:
        >>> [start_of(repeat) for repeat in range(5)]
        [0.0, 0.5, 0.25, 0.75, 0.125]
    """
    place, scale = 0.0, 0.5
    while repeat:
        place += scale * (repeat % 2)
        repeat //= 2
        scale /= 2
    return place


def circle_order(
    patients: pl.Series,
    *,
    seed: int,
    part: str,
    repeat: int,
    positive: Collection[str] | None = None,
    positive_share: float = 0.5,
) -> pl.DataFrame:
    """Return patients in the order in which a repeat draws them.

    Args:
        patients: Keys of all patients of a part, in any order, each once or more.
        seed: The study's seed.
        part: Name of the part: each has a circle of its own.
        repeat: Number of the repeat.
        positive: Patients to be drawn more often or less than they come; each sort then has a
            circle of its own, from which they are taken in turn until one is used up. None for
            the order at random.
        positive_share: Share of these among the patients drawn.

    Returns:
        ``patient_key`` and ``rank``, from 0.

    Example:
        >>> order = circle_order(pl.Series(["a", "b", "c"]), seed=0, part="train", repeat=0)
        >>> sorted(order["patient_key"]), order["rank"].to_list()
        (['a', 'b', 'c'], [0, 1, 2])
    """
    everyone = patients.unique().sort()
    if positive is None:
        drawn = _arc(everyone.to_list(), seed, "patients", part, repeat)
    else:
        known = set(positive)
        called = [key for key in everyone if key in known]
        others = [key for key in everyone if key not in known]
        drawn = _in_turn(
            _arc(called, seed, "report-positive patients", part, repeat),
            _arc(others, seed, "report-negative patients", part, repeat),
            positive_share,
        )
    return pl.DataFrame(
        {"patient_key": drawn, "rank": range(len(drawn))},
        schema={"patient_key": pl.String, "rank": pl.Int64},
    )


def _arc(patients: list[str], seed: int, what: str, part: str, repeat: int) -> list[str]:
    order = generator(seed, what, part).permutation(len(patients))
    start = int(start_of(repeat) * len(patients))
    return [patients[place] for place in np.roll(order, -start)]


def _in_turn(called: list[str], others: list[str], share: float) -> list[str]:
    drawn: list[str] = []
    n_called = 0
    while n_called < len(called) or len(drawn) - n_called < len(others):
        n_others = len(drawn) - n_called
        wants_called = n_called < share * (len(drawn) + 1) - 0.5
        if n_called < len(called) and (wants_called or n_others == len(others)):
            drawn.append(called[n_called])
            n_called += 1
        else:
            drawn.append(others[n_others])
    return drawn
