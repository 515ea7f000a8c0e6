"""Which optimiser takes the steps; imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from examwise.core.errors import InputError

OptimizerName = Literal["adamw", "adam", "sgd"]


@dataclass(frozen=True)
class OptimizerConfig:
    """Options of the optimiser; learning rate and weight decay are options of training.

    Attributes:
        name: ``"adamw"`` (decay apart from the gradient; Loshchilov and Hutter, 2019), ``"adam"``
            or ``"sgd"`` (in both, decay is added to the gradient, as PyTorch does).
        momentum: Of SGD; others have none.
        decay_all: Whether weight decay is for biases and normalisation layers too, and not for
            weight matrices only.

    Raises:
        InputError: On a value out of range.

    Example:
        >>> OptimizerConfig("sgd").momentum
        0.9
    """

    name: OptimizerName = "adamw"
    momentum: float = 0.9
    decay_all: bool = False

    def __post_init__(self) -> None:
        if self.name not in (known := get_args(OptimizerName)):
            raise _refusal("name", "one of " + ", ".join(known), self.name)
        if not 0 <= self.momentum < 1:
            raise _refusal("momentum", "a number from 0 to below 1", self.momentum)


def _refusal(name: str, expected: str, got: object) -> InputError:
    return InputError(where=f"training option optimizer.{name}", expected=expected, got=got)
