"""How a study trains the encoder on: its full answer; light."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from examwise.core.errors import InputError
from examwise.training.config import TrainingConfig
from examwise.training.trainer_config import TrainerConfig

EVERY: Literal["every"] = "every"
"""All budgets of an arm."""


@dataclass(frozen=True)
class FineTuningConfig:
    """Runs beside those of a frozen encoder, with the same labels and first weights.

    Each main learner has them for budgets of its first arm.

    Attributes:
        training: Their training.
        frozen: Parts of the encoder that stay as they are, in place of the model's.
        repeats: How many, of the repeats 0, 1 and so on; fewer where the arm has fewer.
        budgets: Of how many budgets: the largest alone (1), so many spread evenly over their list,
            the largest among them, or ``every``.
        trainer: Where and in what arithmetic; the study's if None.
    """

    training: TrainingConfig = field(default_factory=TrainingConfig)
    frozen: tuple[str, ...] = ()
    repeats: int = 1
    budgets: int | Literal["every"] = 1
    trainer: TrainerConfig | None = None

    def __post_init__(self) -> None:
        if self.repeats < 1:
            raise InputError(
                where="study.fine_tuning.repeats", expected="1 or more", got=self.repeats
            )
        if self.budgets != EVERY and self.budgets < 1:
            raise InputError(
                where="study.fine_tuning.budgets",
                expected=f"1 or more, or {EVERY}",
                got=self.budgets,
            )
        if isinstance(self.frozen, str) or "all" in self.frozen:
            raise InputError(
                where="study.fine_tuning.frozen",
                expected="a list of parts of the encoder, not all of it",
                got=self.frozen,
                remedy="leave it out to train the whole encoder",
            )

    def of(self, budgets: Sequence[int]) -> tuple[int, ...]:
        """Return which of an arm's budgets have such runs, rising.

        Example:
            >>> FineTuningConfig(budgets=3).of([10, 30, 100, 300, 1000])
            (10, 100, 1000)
        """
        if self.budgets == EVERY or self.budgets >= len(budgets):
            return tuple(budgets)
        if self.budgets == 1:
            return (budgets[-1],)
        last = len(budgets) - 1
        places = {round(place * last / (self.budgets - 1)) for place in range(self.budgets)}
        return tuple(budgets[place] for place in sorted(places))
