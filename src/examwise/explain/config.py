"""What is to be explained, and how; imports nothing heavy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from examwise.core.errors import InputError
from examwise.explain import BAG_EXPLAINERS, IMAGE_EXPLAINERS

SliceChoice = Literal["annotated", "positive", "called"]
"""With a box or mask of the finding; labelled positive; called positive by the model."""

MEAN = "mean"
Background = Literal["mean"] | float
"""The mean slice of the store, or HU everywhere."""


@dataclass(frozen=True)
class ExplanationConfig:
    """What is explained.

    Attributes:
        method: One of :data:`~examwise.explain.IMAGE_EXPLAINERS` or
            :data:`~examwise.explain.BAG_EXPLAINERS`.
        finding: The finding.
        options: The method's own options; see its class.
        slices: Which slices have maps; of methods that explain images.
        max_slices: The most of them, spread over exams; all if None.
        background: What stands for "nothing here".
        randomise: Whether a model of random weights is explained as well; of methods that explain
            images.

    Raises:
        InputError: If one of these cannot be.

    Example:
        >>> ExplanationConfig("attention").explains_images
        False
    """

    method: str
    finding: str = "any"
    options: Mapping[str, Any] = field(default_factory=dict)
    slices: SliceChoice = "annotated"
    max_slices: int | None = 200
    background: Background = "mean"
    randomise: bool = False

    def __post_init__(self) -> None:
        names = (*IMAGE_EXPLAINERS, *BAG_EXPLAINERS)
        if self.method not in names:
            raise _refusal("method", "one of " + ", ".join(names), self.method)
        if self.slices not in get_args(SliceChoice):
            raise _refusal("slices", "one of " + ", ".join(get_args(SliceChoice)), self.slices)
        if self.max_slices is not None and self.max_slices < 1:
            raise _refusal("max_slices", "at least 1", self.max_slices)
        number = isinstance(self.background, int | float) and not isinstance(self.background, bool)
        if self.background != MEAN and not (number and math.isfinite(float(self.background))):
            raise _refusal("background", "mean, or a number of HU", self.background)
        if self.randomise and not self.explains_images:
            raise _refusal("randomise", "a method that explains images", self.method)

    @property
    def explains_images(self) -> bool:
        """Whether slices are explained by maps; otherwise exams by their slices."""
        return self.method in IMAGE_EXPLAINERS

    def recorded(self) -> dict[str, Any]:
        """Return what determines the result, as manifests have it."""
        common = {"method": self.method, "finding": self.finding, "options": dict(self.options)}
        if not self.explains_images:
            return common
        return {
            **common,
            "slices": self.slices,
            "max_slices": self.max_slices,
            "background": self.background,
            "randomise": self.randomise,
        }


def _refusal(where: str, expected: str, got: object) -> InputError:
    return InputError(where=where, expected=expected, got=got)
