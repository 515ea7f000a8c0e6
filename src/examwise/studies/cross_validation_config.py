"""How patients are cross-validated; imports nothing heavy."""

from __future__ import annotations

import math
from dataclasses import dataclass

from examwise.core.errors import InputError


@dataclass(frozen=True)
class CrossValidationConfig:
    """Options of a cross-validation, beside those of its runs.

    Attributes:
        folds: Parts, each of which is held out once.
        repeats: How often patients are dealt into folds, and every fold trained.
        validation_fraction: Share of the other folds' patients that chooses weights and
            thresholds; 0 for none.
        seed: Decides who is in which fold, and who validates.

    Raises:
        InputError: On a value out of range.

    Example:
        >>> CrossValidationConfig(folds=10).repeats
        1
    """

    folds: int = 5
    repeats: int = 1
    validation_fraction: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        for name, minimum in (("folds", 2), ("repeats", 1), ("seed", 0)):
            value = getattr(self, name)
            if type(value) is not int or value < minimum:
                raise _refusal(name, f"a whole number, at least {minimum}", value)
        share = self.validation_fraction
        if not (math.isfinite(share) and 0 <= share < 1):
            raise _refusal("validation_fraction", "a share, 0 or more and below 1", share)


def _refusal(name: str, expected: str, got: object) -> InputError:
    return InputError(where=f"cross-validation, {name}", expected=expected, got=got)
