"""What a reader does for labels: exams read, slices read, answers entered, hours.

A label is not a unit of work. A negative exam gives all its slice labels in one answer; every run
of positive slices takes two, its first and its last slice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examwise.studies.config import ReaderCosts

_SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True)
class ReaderEffort:
    """What a reader does.

    Attributes:
        exams_read: Exams opened and read from end to end.
        slices_read: Slices looked at alone.
        actions: Answers entered.
    """

    exams_read: int
    slices_read: int
    actions: int

    def __add__(self, other: ReaderEffort) -> ReaderEffort:
        return ReaderEffort(
            self.exams_read + other.exams_read,
            self.slices_read + other.slices_read,
            self.actions + other.actions,
        )

    def hours(self, costs: ReaderCosts) -> float:
        """Return the time it takes.

        Example:
            >>> costs = ReaderCosts(seconds_per_exam=50, seconds_per_slice=5, seconds_per_action=10)
            >>> ReaderEffort(exams_read=60, slices_read=0, actions=60).hours(costs)
            1.0
        """
        seconds = (
            self.exams_read * costs.seconds_per_exam
            + self.slices_read * costs.seconds_per_slice
            + self.actions * costs.seconds_per_action
        )
        return seconds / _SECONDS_PER_HOUR


def run_actions(labels: npt.NDArray[np.integer]) -> int:
    """Return the answers that give all slice labels of one exam read as a whole.

    Args:
        labels: 1 or 0 of each slice in order, shape (slices,).

    Example:
        >>> run_actions(np.array([0, 1, 1, 0, 1])), run_actions(np.zeros(30, int))
        (4, 1)
    """
    starts = np.diff(labels.astype(np.int8), prepend=0) == 1
    return max(1, 2 * int(starts.sum()))
