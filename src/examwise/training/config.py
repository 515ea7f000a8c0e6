"""How a model is trained; imports nothing heavy."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from examwise.core.errors import InputError
from examwise.data.label_kind import LabelKind
from examwise.models.encoders import is_class_path
from examwise.training.augmentations import AUGMENTATIONS, ON_HOST
from examwise.training.loss_config import LossConfig
from examwise.training.optimizer_config import OptimizerConfig
from examwise.training.schedule_config import ScheduleConfig


@dataclass(frozen=True)
class TrainingConfig:
    """Options of training. Everything counts in optimiser steps, never in epochs.

    Attributes:
        steps: Optimiser steps in all; with ``passes``, the fewest.
        passes: Passes through the training labels; with 0, ``steps`` says all.
        exams_per_step: Exams that a step sees where labels are of exams, or mixed.
        slices_per_step: Slices that a step sees where labels are of slices.
        accumulate: Parts that a step is computed in, one after the other, to save memory; the
            result is the same but for rounding.
        slice_subset_minimum: Where labels are of exams, a step sees a random part of an exam's
            slices, at least so many and at most all but one; with 0, it sees all of them.
        loss: The loss.
        optimizer: The optimiser.
        learning_rate: Highest learning rate.
        weight_decay: Weight decay.
        schedule: How the learning rate changes after the warm-up.
        warmup_fraction: Share of the steps in which the learning rate rises linearly.
        gradient_clip: Largest norm of a step's gradient; 0 leaves it as it is.
        average: Decay of an exponential average of the weights, which is what is validated and
            kept; with 0 there is none.
        validate_every: Steps between validations, and between checkpoints.
        validation_minimum: With fewer validation labels the last weights are kept and the
            threshold is 0.5: too few to choose by.
        patience: Validations in a row without a better one after which training ends; 0: it never
            ends early.
        balanced: Whether a step takes as many positive as negative labels, as far as there are
            so many: a class with fewer than half a step's labels brings each of them once.
        weigh_positives: Whether a positive label's loss counts as often as negatives outnumber
            positives among the training labels.
        augmentation: How images are changed at random; a name of
            :data:`examwise.training.augmentations.AUGMENTATIONS`, the path of a class of your own
            like theirs, ``package.module:Class``, ``torchio:teneggi2023``, or
            ``torchio:FILE.yaml`` for a pipeline of your own.
        batch_slices: Slices at a time outside of training.
        cache_mb: Memory for decoded slices, in MB.
        n_workers: Processes that read ahead; 0 reads in between steps.
        n_threads: Threads of PyTorch on the CPU. With one, results are the same bytes whatever
            the number of cores; more pay off for wide encoders and large matrices.
        deterministic: Whether only algorithms are used that give the same bytes every time, on a
            GPU too, where they are slower.
        seed: Seed of initial weights, order of labels, augmentation and dropout.

    Raises:
        InputError: On a value out of range.

    Example:
        >>> TrainingConfig(steps=10).validate_every
        100
    """

    steps: int = 600
    passes: float = 0.0
    exams_per_step: int = 8
    slices_per_step: int = 64
    accumulate: int = 1
    slice_subset_minimum: int = 0
    loss: LossConfig = field(default_factory=LossConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    warmup_fraction: float = 0.1
    gradient_clip: float = 1.0
    average: float = 0.0
    validate_every: int = 100
    validation_minimum: int = 20
    patience: int = 0
    balanced: bool = False
    weigh_positives: bool = False
    augmentation: str = "flip_and_shift"
    batch_slices: int = 512
    cache_mb: int = 2048
    n_workers: int = 0
    n_threads: int = 1
    deterministic: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "exams_per_step", "slices_per_step", "validate_every", "accumulate"):
            self._require_whole(name, 1)
        for name in ("validation_minimum", "batch_slices", "n_threads"):
            self._require_whole(name, 1)
        for name in ("cache_mb", "n_workers", "seed", "patience", "slice_subset_minimum"):
            self._require_whole(name, 0)
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise _refusal("learning_rate", "a number above 0", self.learning_rate)
        for name in ("weight_decay", "gradient_clip", "passes"):
            if not (math.isfinite(value := getattr(self, name)) and value >= 0):
                raise _refusal(name, "a number, at least 0", value)
        for name in ("warmup_fraction", "average"):
            if not 0 <= getattr(self, name) < 1:
                raise _refusal(name, "a share below 1", getattr(self, name))
        is_known = self.augmentation in AUGMENTATIONS or self.augmentation.startswith(ON_HOST)
        if not (is_known or is_class_path(self.augmentation)):
            known = ", ".join((*AUGMENTATIONS, f"{ON_HOST}teneggi2023", f"{ON_HOST}FILE.yaml"))
            expected = f"one of {known}, or package.module:Class"
            raise _refusal("augmentation", expected, self.augmentation)

    def _require_whole(self, name: str, minimum: int) -> None:
        value = getattr(self, name)
        if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
            raise _refusal(name, f"a whole number, at least {minimum}", value)

    def labels_per_step(self, kind: LabelKind) -> int:
        """Return how many rows of targets a step sees."""
        return self.slices_per_step if kind == "slice" else self.exams_per_step

    def for_labels(self, n_labels: int, kind: LabelKind) -> TrainingConfig:
        """Return these options with ``passes`` said in steps.

        Example:
            >>> TrainingConfig(passes=3, steps=1, exams_per_step=8).for_labels(20, "exam").steps
            9
        """
        per_step = min(self.labels_per_step(kind), n_labels)
        steps = math.ceil(self.passes * math.ceil(n_labels / max(per_step, 1)))
        return replace(self, passes=0.0, steps=max(self.steps, steps))


RUNNING_OPTIONS = ("cache_mb", "n_workers")
"""Options that say how, not what, is computed; a run may be resumed with others."""


def _refusal(name: str, expected: str, got: object) -> InputError:
    return InputError(where=f"training option {name}", expected=expected, got=got)
