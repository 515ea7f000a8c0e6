"""What runs are called in figures and tables, and their colours."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from examwise.reporting.words import short_learner


@dataclass(frozen=True)
class NamedRun:
    """One run.

    Attributes:
        run_id: The run.
        name: In few words.
        place: Number that picks its colour, its line and its marker.
    """

    run_id: str
    name: str
    place: int


def named_runs(rows: pl.DataFrame) -> list[NamedRun]:
    """Name the runs of any table that goes by run, where no study says what they stand for.

    A run is called by its learner; by its own name as well where others share the learner.

    Args:
        rows: A table with ``run_id`` and ``learner``.

    Example:
        >>> found = named_runs(pl.DataFrame({"run_id": ["a", "b"], "learner": ["weak", "strong"]}))
        >>> [(run.name, run.place) for run in found]
        [('Strong', 0), ('Weak', 1)]
    """
    order = {"strong": 0, "weak": 1}
    pairs = sorted(
        rows.select("run_id", "learner").unique().rows(),
        key=lambda pair: (order.get(pair[1], len(order)), pair[1], pair[0]),
    )
    learners = [learner for _, learner in pairs]
    return [
        NamedRun(
            run_id,
            short_learner(learner) + (f" ({run_id})" if learners.count(learner) > 1 else ""),
            place,
        )
        for place, (run_id, learner) in enumerate(pairs)
    ]
