"""Which loss a learner minimises; imports nothing heavy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from examwise.core.errors import InputError

LossName = Literal["cross_entropy", "focal"]


@dataclass(frozen=True)
class LossConfig:
    """Options of the loss; those of the focal loss count for it alone.

    Attributes:
        name: ``"cross_entropy"``, or ``"focal"`` (Lin et al., 2017), which lets labels that are
            predicted well already count less.
        gamma: Focusing exponent of the focal loss; with 0 it is the cross-entropy.
        gamma_hard: Exponent where the label's probability lies below ``hard_below`` (Mukhoti et
            al., 2020, FLSD-53).
        hard_below: The probability below which a label counts as hard; 0: none does.
        scale: What the focal loss of every label, of either class, is multiplied by.

    Raises:
        InputError: On a value out of range.

    Example:
        >>> LossConfig("focal").gamma_hard
        5.0
    """

    name: LossName = "cross_entropy"
    gamma: float = 3.0
    gamma_hard: float = 5.0
    hard_below: float = 0.2
    scale: float = 1.0

    def __post_init__(self) -> None:
        if self.name not in (known := get_args(LossName)):
            raise _refusal("name", "one of " + ", ".join(known), self.name)
        for name in ("gamma", "gamma_hard"):
            if not (math.isfinite(value := getattr(self, name)) and value >= 0):
                raise _refusal(name, "a number, at least 0", value)
        if not 0 <= self.hard_below <= 1:
            raise _refusal("hard_below", "a probability", self.hard_below)
        if not (math.isfinite(self.scale) and self.scale > 0):
            raise _refusal("scale", "a number above 0", self.scale)


def _refusal(name: str, expected: str, got: object) -> InputError:
    return InputError(where=f"training option loss.{name}", expected=expected, got=got)
