"""How a study trains the encoder on, at its largest budgets; light."""

from __future__ import annotations

from dataclasses import dataclass, field

from examwise.core.errors import InputError
from examwise.training.config import TrainingConfig
from examwise.training.trainer_config import TrainerConfig


@dataclass(frozen=True)
class FineTuningConfig:
    """Runs beside those of a frozen encoder, with the same labels and first weights.

    Each main learner has them for the largest budget of its first arm.

    Attributes:
        training: Their training.
        frozen: Parts of the encoder that stay as they are, in place of the model's.
        repeats: How many, of the repeats 0, 1 and so on.
        trainer: Where and in what arithmetic; the study's if None.
    """

    training: TrainingConfig = field(default_factory=TrainingConfig)
    frozen: tuple[str, ...] = ()
    repeats: int = 1
    trainer: TrainerConfig | None = None

    def __post_init__(self) -> None:
        if self.repeats < 1:
            raise InputError(
                where="study.fine_tuning.repeats", expected="1 or more", got=self.repeats
            )
        if isinstance(self.frozen, str) or "all" in self.frozen:
            raise InputError(
                where="study.fine_tuning.frozen",
                expected="a list of parts of the encoder, not all of it",
                got=self.frozen,
                remedy="leave it out to train the whole encoder",
            )
