"""How options are searched; imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from examwise.core.errors import InputError

Objective = Literal["loss", "auc"]


@dataclass(frozen=True)
class TuningConfig:
    """Options of a search.

    Attributes:
        trials: Runs in all.
        seed: Decides what is tried; every run has the seed of its own options.
        objective: What is best on the validation labels: the lowest ``"loss"`` of the weights that
            are kept, or the highest ``"auc"`` of exams, the mean over findings.
        stop_early: Whether a run ends as soon as its lowest loss so far is above the median of
            those that finished runs had at the same step.

    Raises:
        InputError: On a value out of range, or an early stop where no loss is the objective.

    Example:
        >>> TuningConfig(trials=3).objective
        'loss'
    """

    trials: int = 20
    seed: int = 0
    objective: Objective = "loss"
    stop_early: bool = False

    def __post_init__(self) -> None:
        for name, minimum in (("trials", 1), ("seed", 0)):
            value = getattr(self, name)
            if type(value) is not int or value < minimum:
                raise _refusal(name, f"a whole number, at least {minimum}", value)
        if self.objective not in (known := get_args(Objective)):
            raise _refusal("objective", "one of " + ", ".join(known), self.objective)
        if self.stop_early and self.objective != "loss":
            raise _refusal("stop_early", "the objective loss, which runs tell on their way", "auc")


def _refusal(name: str, expected: str, got: object) -> InputError:
    return InputError(where=f"tuning, {name}", expected=expected, got=got)
