"""A grid of budgets by name, or planned from a time limit; light."""

from __future__ import annotations

from dataclasses import dataclass

from examwise.core.errors import InputError

PUBLISHED = "published"
GRIDS = (PUBLISHED,)


@dataclass(frozen=True)
class GridConfig:
    """Budgets and repeats that a study plans itself, in place of written-out arms.

    Attributes:
        name: ``published``: the budgets and repeats of Teneggi, Yi and Sulam (2023), as far as an
            archive reaches.
        time_limit_hours: Budgets and repeats that this machine can run in so many hours.
        slice_acquisition: How the strong learner's labels are drawn, one arm each.
        repeats: Drawings of a budget at the most.
    """

    name: str | None = None
    time_limit_hours: float | None = None
    slice_acquisition: tuple[str, ...] = ("spread",)
    repeats: int = 20

    def __post_init__(self) -> None:
        if (self.name is None) == (self.time_limit_hours is None):
            raise InputError(
                where="study.grid",
                expected="a name or time_limit_hours, one of them",
                got="both" if self.name is not None else "neither",
            )
        if self.name is not None and self.name not in GRIDS:
            raise InputError(
                where="study.grid.name", expected="one of " + ", ".join(GRIDS), got=self.name
            )
        if self.time_limit_hours is not None and not self.time_limit_hours > 0:
            raise InputError(
                where="study.grid.time_limit_hours",
                expected="more than 0 hours",
                got=f"{self.time_limit_hours:g}",
            )
        if self.repeats < 1:
            raise InputError(where="study.grid.repeats", expected="1 or more", got=self.repeats)
