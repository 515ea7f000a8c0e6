"""How a model is trained; imports nothing heavy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from examwise.core.errors import InputError

_Precision = Literal["32-true", "bf16-mixed", "16-mixed"]
_Accelerator = Literal["auto", "cpu", "gpu", "cuda", "mps"]


@dataclass(frozen=True)
class TrainingConfig:
    """Options of training. Everything counts in optimiser steps, never in epochs.

    Attributes:
        steps: Optimiser steps in all.
        exams_per_step: Exams that a step sees where labels are of exams.
        slices_per_step: Slices that a step sees where labels are of slices.
        learning_rate: Highest learning rate, of AdamW.
        weight_decay: Of AdamW, on weight matrices only.
        warmup_fraction: Share of the steps in which the learning rate rises linearly; it then
            falls along a cosine to zero.
        gradient_clip: Largest norm of a step's gradient.
        validate_every: Steps between validations, and between checkpoints.
        validation_minimum: With fewer validation labels the last weights are kept and the
            threshold is 0.5: too few to choose by.
        balanced: Whether a step takes as many positive as negative labels, as far as there are
            so many: a class with fewer than half a step's labels brings each of them once.
        weigh_positives: Whether a positive label's loss counts as often as negatives outnumber
            positives among the training labels.
        augment: Whether images are flipped left to right and shifted at random.
        batch_slices: Slices at a time outside of training.
        cache_mb: Memory for decoded slices, in MB.
        n_workers: Processes that read ahead; 0 reads in between steps.
        n_threads: Threads of PyTorch on the CPU. With one, results are the same bytes whatever
            the number of cores; more pay off for wide encoders and large matrices.
        accelerator: As Lightning names it: ``"auto"``, ``"cpu"``, ``"gpu"`` (of either kind),
            ``"cuda"`` or ``"mps"``.
        precision: Of the arithmetic, as Lightning names it.
        seed: Seed of initial weights, order of labels, augmentation and dropout.

    Raises:
        InputError: On a value out of range.

    Example:
        >>> TrainingConfig(steps=10).validate_every
        100
    """

    steps: int = 600
    exams_per_step: int = 8
    slices_per_step: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    warmup_fraction: float = 0.1
    gradient_clip: float = 1.0
    validate_every: int = 100
    validation_minimum: int = 20
    balanced: bool = False
    weigh_positives: bool = False
    augment: bool = True
    batch_slices: int = 512
    cache_mb: int = 2048
    n_workers: int = 0
    n_threads: int = 1
    accelerator: _Accelerator = "auto"
    precision: _Precision = "32-true"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "exams_per_step", "slices_per_step", "validate_every"):
            self._require_whole(name, 1)
        for name in ("validation_minimum", "batch_slices", "n_threads"):
            self._require_whole(name, 1)
        for name in ("cache_mb", "n_workers", "seed"):
            self._require_whole(name, 0)
        for name in ("learning_rate", "gradient_clip"):
            if not (math.isfinite(value := getattr(self, name)) and value > 0):
                raise _refusal(name, "a number above 0", value)
        if not (math.isfinite(self.weight_decay) and self.weight_decay >= 0):
            raise _refusal("weight_decay", "a number, at least 0", self.weight_decay)
        if not 0 <= self.warmup_fraction < 1:
            raise _refusal("warmup_fraction", "a share below 1", self.warmup_fraction)
        for name, kind in (("accelerator", _Accelerator), ("precision", _Precision)):
            if getattr(self, name) not in (known := get_args(kind)):
                raise _refusal(name, "one of " + ", ".join(known), getattr(self, name))

    def _require_whole(self, name: str, minimum: int) -> None:
        value = getattr(self, name)
        if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
            raise _refusal(name, f"a whole number, at least {minimum}", value)


RUNNING_OPTIONS = ("cache_mb", "n_workers", "accelerator")
"""Options that say how, not what, is computed; a run may be resumed with others."""


def learning_rate_factor(step: int, *, steps: int, warmup_fraction: float) -> float:
    """Return the share of the highest learning rate that a step has.

    Rises linearly over the warm-up, then falls along half a cosine to zero.

    Example:
        >>> [round(learning_rate_factor(s, steps=4, warmup_fraction=0.25), 3) for s in range(4)]
        [1.0, 1.0, 0.75, 0.25]
    """
    warmup = round(warmup_fraction * steps)
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1, steps - warmup))))


def _refusal(name: str, expected: str, got: object) -> InputError:
    return InputError(where=f"training option {name}", expected=expected, got=got)
