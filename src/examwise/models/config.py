"""What a model is made of; imports nothing heavy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

from examwise.core.errors import InputError
from examwise.models.encoders import ENCODERS, is_known_encoder
from examwise.models.poolings import POOLINGS

_Norm = Literal["group", "frozen_batch"]
_Scale = Literal["symmetric", "unit", "imagenet"]
_Activation = Literal["leaky_relu", "relu", "none"]
_Normalizer = Literal["softmax", "sparsemax", "entmax15"]


@dataclass(frozen=True)
class ModelConfig:
    """Architecture of an exam classifier.

    Attributes:
        findings: What it tells of an exam, in this order.
        encoder: One of :data:`examwise.models.encoders.ENCODERS`, or the path of a class of your
            own, ``package.module:Class``.
        encoder_options: Further arguments of the encoder.
        width: Channels of the encoder's first stage; 64 is the published ResNet.
        norm: What the encoder normalises over: ``"group"``s of channels, or a batch's statistics
            as they were when its weights were trained, ``"frozen_batch"``.
        weights: Where the encoder's first weights come from: ``"imagenet"``, ``"shipped:NAME"``
            (an encoder that comes with the package), a file, the directory of a pretrained
            encoder or of a finished run; random ones if empty.
        frozen: Parts of the encoder that are not trained, by the beginnings of their names;
            ``all`` is the whole encoder.
        window_center_hu: Center of the window that the encoder sees.
        window_width_hu: Width of that window.
        extra_windows: Further windows, (center, width) in HU, each a channel of its own.
        input_channels: Channels that one window fills, all alike.
        input_scale: What a window's range becomes: ``"symmetric"`` is -1 … 1, ``"unit"`` 0 … 1,
            and ``"imagenet"`` takes ImageNet's mean and deviation of each of three channels from
            the latter.
        embedding: Features of a slice that pooling and classifier work on.
        activation: After the embedding's linear layer.
        dropout: Probability with which a feature is dropped in training.
        pooling: One of :data:`examwise.models.poolings.POOLINGS`.
        normalizer: What makes attention weights of attention logits.
        attention_hidden: Hidden units of the attention network.
        attention_dropout: Probability with which one of them is dropped in training.
        pooling_options: Further arguments of the pooling.
        chunk_slices: Slices encoded at a time; with more in a training step, activations are
            computed again in the backward pass instead of kept. 0: as many as have eight million
            pixels, 32 at 512².
        channels_last: Whether images lie in memory pixel by pixel, which is faster for half
            precision on most devices.

    Raises:
        InputError: On an unknown name or a value out of range.

    Example:
        >>> ModelConfig(width=8).encoder
        'resnet18'
    """

    findings: tuple[str, ...] = ("any",)
    encoder: str = "resnet18"
    encoder_options: dict[str, Any] = field(default_factory=dict)
    width: int = 64
    norm: _Norm = "group"
    weights: str = ""
    frozen: tuple[str, ...] = ()
    window_center_hu: float = 40.0
    window_width_hu: float = 80.0
    extra_windows: tuple[tuple[float, float], ...] = ()
    input_channels: int = 1
    input_scale: _Scale = "symmetric"
    embedding: int = 128
    activation: _Activation = "leaky_relu"
    dropout: float = 0.0
    pooling: str = "attention"
    normalizer: _Normalizer = "softmax"
    attention_hidden: int = 64
    attention_dropout: float = 0.0
    pooling_options: dict[str, Any] = field(default_factory=dict)
    chunk_slices: int = 0
    channels_last: bool = False

    def __post_init__(self) -> None:
        for name in ("findings", "frozen"):
            if isinstance(getattr(self, name), str):
                raise _refusal(name, "a list of names", getattr(self, name))
            object.__setattr__(self, name, tuple(getattr(self, name)))
        windows = tuple((float(center), float(width)) for center, width in self.extra_windows)
        object.__setattr__(self, "extra_windows", windows)
        if not self.findings or len(set(self.findings)) != len(self.findings):
            raise _refusal("findings", "one or more names, each once", ", ".join(self.findings))
        if not is_known_encoder(self.encoder):
            known = ", ".join(ENCODERS)
            raise _refusal("encoder", f"one of {known}, or package.module:Class", self.encoder)
        if self.pooling not in POOLINGS:
            raise _refusal("pooling", "one of " + ", ".join(POOLINGS), self.pooling)
        for name, kind in _CHOICES:
            if getattr(self, name) not in (known_names := get_args(kind)):
                raise _refusal(name, "one of " + ", ".join(known_names), getattr(self, name))
        for name in ("width", "embedding", "attention_hidden", "input_channels", "chunk_slices"):
            value, least = getattr(self, name), 0 if name == "chunk_slices" else 1
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise _refusal(name, f"a whole number, at least {least}", value)
        for name in ("dropout", "attention_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise _refusal(name, "a probability below 1", getattr(self, name))
        for _, width in self.windows:
            if not (math.isfinite(width) and width > 0):
                raise _refusal("window_width_hu", "a width above 0 HU", width)
        if self.extra_windows and self.input_channels > 1:
            raise _refusal("input_channels", "1 beside extra windows", self.input_channels)
        if self.input_scale == "imagenet" and self.n_channels != 3:
            raise _refusal("input_scale", "imagenet for three channels only", self.n_channels)

    @property
    def windows(self) -> tuple[tuple[float, float], ...]:
        """Center and width of all windows, HU."""
        return ((self.window_center_hu, self.window_width_hu), *self.extra_windows)

    @property
    def n_channels(self) -> int:
        """Channels of the images that the encoder sees."""
        return self.input_channels if not self.extra_windows else len(self.windows)

    @property
    def is_frozen(self) -> bool:
        """Whether the encoder is not trained at all."""
        return "all" in self.frozen

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ModelConfig:
        """Build from plain values, such as a JSON object's.

        Options that were not there yet when the values were written have their defaults.

        Raises:
            InputError: On an unknown name, or a value out of range.
        """
        names = {each.name for each in fields(cls)}
        if strange := sorted(set(values) - names):
            raise _refusal(strange[0], "options of this version", "another")
        return cls(**values)


_CHOICES = (
    ("norm", _Norm),
    ("input_scale", _Scale),
    ("activation", _Activation),
    ("normalizer", _Normalizer),
)


def _refusal(name: str, expected: str, got: object) -> InputError:
    return InputError(where=f"model option {name}", expected=expected, got=got)
