"""What a model is made of; imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, fields

from examwise.core.errors import InputError
from examwise.models.encoders import ENCODERS
from examwise.models.poolings import POOLINGS


@dataclass(frozen=True)
class ModelConfig:
    """Architecture of an exam classifier.

    Attributes:
        findings: What it tells of an exam, in this order.
        encoder: One of :data:`examwise.models.encoders.ENCODERS`.
        width: Channels of the encoder's first stage; 64 is the published ResNet.
        embedding: Features of a slice that pooling and classifier work on.
        pooling: One of :data:`examwise.models.poolings.POOLINGS`.
        attention_hidden: Hidden units of the attention network.
        dropout: Probability with which a feature is dropped in training.
        window_center_hu: Center of the window that the encoder sees.
        window_width_hu: Width of that window.
        chunk_slices: Slices encoded at a time; with more in a training step, activations are
            computed again in the backward pass instead of kept.

    Raises:
        InputError: On an unknown name or a value out of range.

    Example:
        >>> ModelConfig(width=8).encoder
        'resnet18'
    """

    findings: tuple[str, ...] = ("any",)
    encoder: str = "resnet18"
    width: int = 64
    embedding: int = 128
    pooling: str = "attention"
    attention_hidden: int = 64
    dropout: float = 0.0
    window_center_hu: float = 40.0
    window_width_hu: float = 80.0
    chunk_slices: int = 256

    def __post_init__(self) -> None:
        if isinstance(self.findings, str):
            raise _refusal("findings", "a list of names", self.findings)
        object.__setattr__(self, "findings", tuple(self.findings))
        if not self.findings or len(set(self.findings)) != len(self.findings):
            raise _refusal("findings", "one or more names, each once", ", ".join(self.findings))
        for name, known in (("encoder", tuple(ENCODERS)), ("pooling", tuple(POOLINGS))):
            if getattr(self, name) not in known:
                raise _refusal(name, "one of " + ", ".join(known), getattr(self, name))
        for name in ("width", "embedding", "attention_hidden", "chunk_slices"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise _refusal(name, "a whole number, at least 1", value)
        if not 0 <= self.dropout < 1:
            raise _refusal("dropout", "a probability below 1", self.dropout)
        if not self.window_width_hu > 0:
            raise _refusal("window_width_hu", "a width above 0 HU", self.window_width_hu)

    @classmethod
    def from_dict(cls, values: dict[str, object]) -> ModelConfig:
        """Build from plain values, such as a JSON object's.

        Raises:
            InputError: On an unknown or missing name, or a value out of range.
        """
        names = {field.name for field in fields(cls)}
        if strange := sorted(names ^ set(values)):
            raise _refusal(strange[0], "exactly the options of this version", "another set")
        return cls(**values)  # type: ignore[arg-type]  # checked by __post_init__


def _refusal(name: str, expected: str, got: object) -> InputError:
    return InputError(where=f"model option {name}", expected=expected, got=got)
