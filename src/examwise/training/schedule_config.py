"""How the learning rate changes over a run's steps; imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from examwise.core.errors import InputError

ScheduleName = Literal["cosine", "constant", "stepwise"]


@dataclass(frozen=True)
class ScheduleConfig:
    """Options of the learning rate's course after the warm-up, over steps and never epochs.

    Attributes:
        name: ``"cosine"`` (falls along half a cosine to zero), ``"constant"``, or ``"stepwise"``.
        factor: What a stepwise schedule multiplies the rate by at each seam.
        stretches: Equal stretches that a stepwise schedule cuts the run into; between two of them
            is a seam.

    Raises:
        InputError: On a value out of range.

    Example:
        >>> ScheduleConfig("stepwise").factor
        0.3
    """

    name: ScheduleName = "cosine"
    factor: float = 0.3
    stretches: int = 5

    def __post_init__(self) -> None:
        if self.name not in (known := get_args(ScheduleName)):
            raise _refusal("name", "one of " + ", ".join(known), self.name)
        if not 0 < self.factor <= 1:
            raise _refusal("factor", "a number above 0, at most 1", self.factor)
        if (
            not isinstance(self.stretches, int)
            or isinstance(self.stretches, bool)
            or self.stretches < 1
        ):
            raise _refusal("stretches", "a whole number, at least 1", self.stretches)


def _refusal(name: str, expected: str, got: object) -> InputError:
    return InputError(where=f"training option schedule.{name}", expected=expected, got=got)
