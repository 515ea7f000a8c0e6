"""One arm of a study: who learns, how labels are drawn, and how many; light."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

from examwise.core.errors import InputError
from examwise.studies.acquisition_names import ACQUISITION_KINDS

ALL: Literal["all"] = "all"
"""The budget that buys as many labels as an archive has to sell."""

Budget = int | Literal["all"]


@dataclass(frozen=True)
class ArmConfig:
    """One arm: a learner, how its labels are drawn, and how many are bought.

    Attributes:
        learner: A name of the learners' registry.
        acquisition: ``exam``, ``spread`` (single slices over all exams), ``whole_exam`` or
            ``exam_first``.
        budgets: Numbers of labels m, ascending, validation included. ``all``, at the end, stands
            for as many as the archive has, with the same part of them for validation; listed
            numbers that it does not have are left out then.
        repeats: Drawings of this arm, or of each of its budgets, never more for a larger one; the
            study's if None.

    Example:
        >>> ArmConfig("weak", "exam", (10, 100, "all")).numbers
        (10, 100)
    """

    learner: str
    acquisition: str
    budgets: tuple[Budget, ...]
    repeats: int | tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.acquisition not in ACQUISITION_KINDS:
            raise InputError(
                where=f"study.arms, {self.learner}, acquisition",
                expected="one of " + ", ".join(ACQUISITION_KINDS),
                got=self.acquisition,
            )
        numbers = self.budgets[:-1] if self.takes_all else self.budgets
        whole = all(isinstance(each, int) and not isinstance(each, bool) for each in numbers)
        if (
            not self.budgets
            or not whole
            or min(self.numbers, default=1) < 1
            or any(low >= high for low, high in itertools.pairwise(self.numbers))
        ):
            raise InputError(
                where=f"{self.where}, budgets",
                expected="ascending numbers of labels, or 'all' as the last of them",
                got=", ".join(map(str, self.budgets)) or "none",
            )
        repeats = (self.repeats,) if isinstance(self.repeats, int) else self.repeats
        if repeats is not None and (
            min(repeats, default=0) < 1
            or len(repeats) not in (1, len(self.budgets))
            or any(fewer < more for fewer, more in itertools.pairwise(repeats))
        ):
            raise InputError(
                where=f"{self.where}, repeats",
                expected="1 or more, or a number for each budget, never rising",
                got=", ".join(map(str, repeats)) or "none",
            )

    @property
    def where(self) -> str:
        """How messages name the arm.

        Example:
            >>> ArmConfig("weak", "exam", (10,)).where
            'study.arms, weak by exam'
        """
        return f"study.arms, {self.learner} by {self.acquisition}"

    @property
    def takes_all(self) -> bool:
        """Whether the largest budget is all that an archive has."""
        return bool(self.budgets) and self.budgets[-1] == ALL

    @property
    def numbers(self) -> tuple[int, ...]:
        """The budgets that are said in numbers."""
        return tuple(budget for budget in self.budgets if isinstance(budget, int))


def n_validation_labels(budget: int, *, fraction: float, smallest: int) -> int:
    """Return how many labels of a budget are for validation: none below ``smallest``.

    Example:
        >>> [n_validation_labels(m, fraction=0.2, smallest=100) for m in (50, 100, 900)]
        [0, 20, 180]
    """
    return round(fraction * budget) if budget >= smallest else 0
