"""What is pretrained, and how; imports nothing heavy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from examwise.core.errors import InputError
from examwise.models.config import ModelConfig
from examwise.training.pretraining.pretexts import PRETEXTS

_Scale = Literal["symmetric", "unit", "imagenet"]
_Precision = Literal["auto", "32-true", "bf16-mixed"]
_Accelerator = Literal["auto", "cpu", "gpu", "cuda", "mps"]


@dataclass(frozen=True)
class EncoderConfig:
    """An encoder and what it sees: a part of a model's options, under the same names.

    Attributes:
        encoder: One of :data:`examwise.models.encoders.ENCODERS`, or the path of a class of your
            own, ``package.module:Class``.
        encoder_options: Further arguments of the encoder.
        width: Channels of the encoder's first stage.
        window_center_hu: Center of the first window that the encoder sees.
        window_width_hu: Width of that window.
        extra_windows: Further windows, (center, width) in HU, each a channel of its own.
        input_scale: What a window's range becomes, as for training.

    Raises:
        InputError: On an unknown name or a value out of range.

    Example:
        >>> EncoderConfig().windows
        ((40.0, 80.0), (80.0, 200.0), (400.0, 1200.0))
    """

    encoder: str = "slim_resnet18"
    encoder_options: dict[str, Any] = field(default_factory=dict)
    width: int = 16
    window_center_hu: float = 40.0
    window_width_hu: float = 80.0
    extra_windows: tuple[tuple[float, float], ...] = ((80.0, 200.0), (400.0, 1200.0))
    input_scale: _Scale = "symmetric"

    def __post_init__(self) -> None:
        checked = ModelConfig(**asdict(self))
        object.__setattr__(self, "extra_windows", checked.extra_windows)

    @property
    def windows(self) -> tuple[tuple[float, float], ...]:
        """Center and width of all windows, HU."""
        return ((self.window_center_hu, self.window_width_hu), *self.extra_windows)


@dataclass(frozen=True)
class PretrainingConfig:
    """Options of self-supervision. Everything counts in optimiser steps.

    Attributes:
        pretext: One of :data:`examwise.training.pretraining.pretexts.PRETEXTS`.
        pretext_options: Options of the pretext.
        steps: Optimiser steps in all.
        slices_per_step: Slices that a step sees.
        learning_rate: Highest learning rate, of AdamW; it rises for three tenths of the steps and
            then falls to nearly zero (one cycle).
        weight_decay: Of AdamW.
        keep_every: Steps between rows of metrics, and between checkpoints.
        half_precision: Whether the finished tensors are kept as float16, in half the room.
        cache_mb: Memory for decoded slices, in MB, in each process that reads.
        n_workers: Processes that read ahead; 0 reads in between steps.
        n_threads: Threads of PyTorch on the CPU. With one, results are the same bytes whatever
            the number of cores.
        accelerator: As Lightning names it: ``"auto"``, ``"cpu"``, ``"gpu"`` (of either kind),
            ``"cuda"`` or ``"mps"``.
        precision: Of the arithmetic; ``"auto"`` takes bfloat16 where the hardware has it.
        seed: Seed of initial weights, order of slices and everything that the pretext draws.

    Raises:
        InputError: On a value out of range.

    Example:
        >>> PretrainingConfig(steps=10).pretext
        'pasted_shapes'
    """

    pretext: str = "pasted_shapes"
    pretext_options: dict[str, Any] = field(default_factory=dict)
    steps: int = 4000
    slices_per_step: int = 48
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    keep_every: int = 100
    half_precision: bool = False
    cache_mb: int = 2048
    n_workers: int = 0
    n_threads: int = 1
    accelerator: _Accelerator = "auto"
    precision: _Precision = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.pretext not in PRETEXTS:
            raise _refusal("pretext", "one of " + ", ".join(PRETEXTS), self.pretext)
        for name in ("steps", "slices_per_step"):
            self._require_whole(name, 2)
        for name in ("keep_every", "n_threads"):
            self._require_whole(name, 1)
        for name in ("cache_mb", "n_workers", "seed"):
            self._require_whole(name, 0)
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise _refusal("learning_rate", "a number above 0", self.learning_rate)
        if not (math.isfinite(self.weight_decay) and self.weight_decay >= 0):
            raise _refusal("weight_decay", "a number, at least 0", self.weight_decay)
        for name, kind in (("accelerator", _Accelerator), ("precision", _Precision)):
            if getattr(self, name) not in (known := get_args(kind)):
                raise _refusal(name, "one of " + ", ".join(known), getattr(self, name))

    @property
    def determining(self) -> Mapping[str, Any]:
        """The options that say what is computed: all but the seed and those of running."""
        left_out = ("seed", *RUNNING_OPTIONS)
        return {name: value for name, value in asdict(self).items() if name not in left_out}

    def _require_whole(self, name: str, minimum: int) -> None:
        value = getattr(self, name)
        if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
            raise _refusal(name, f"a whole number, at least {minimum}", value)


RUNNING_OPTIONS = ("cache_mb", "n_workers", "accelerator")
"""Options that say how, not what, is computed; pretraining may be gone on with by others."""


def _refusal(name: str, expected: str, got: object) -> InputError:
    return InputError(where=f"pretraining option {name}", expected=expected, got=got)
