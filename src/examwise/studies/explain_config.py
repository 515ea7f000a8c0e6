"""What a study explains of its main runs; light."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from examwise.core.errors import InputError
from examwise.explain import BAG_EXPLAINERS, IMAGE_EXPLAINERS


@dataclass(frozen=True)
class CurveExplainConfig:
    """Maps of runs at every budget, so that what they are worth can be followed over budgets.

    Attributes:
        method: How, a name of :data:`~examwise.explain.IMAGE_EXPLAINERS`; its options are those
            of :attr:`ExplainConfig.options`.
        max_slices: Most slices of an archive.
        repeats: Of how many repeats.
    """

    method: str
    max_slices: int = 20
    repeats: int = 1

    def __post_init__(self) -> None:
        if self.method not in IMAGE_EXPLAINERS:
            raise InputError(
                where="study.explain.curve.method",
                expected="one of " + ", ".join(IMAGE_EXPLAINERS),
                got=self.method,
            )
        for name in ("max_slices", "repeats"):
            if getattr(self, name) < 1:
                raise InputError(
                    where=f"study.explain.curve.{name}",
                    expected="1 or more",
                    got=getattr(self, name),
                )


@dataclass(frozen=True)
class ExplainConfig:
    """Explanations of the main runs, in every archive that is tested on.

    Attributes:
        methods: How: names of :data:`~examwise.explain.IMAGE_EXPLAINERS`, for slices with boxes or
            masks, and of :data:`~examwise.explain.BAG_EXPLAINERS`, for all exams.
        max_slices: Most slices of an archive that images are explained of.
        options: Name of a method to its options, where not the method's own.
        randomise: Whether maps of the same model with random weights stand beside them.
        curve: Maps of the runs of the main learners at every budget; none if None.
    """

    methods: tuple[str, ...]
    max_slices: int = 100
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    randomise: bool = True
    curve: CurveExplainConfig | None = None

    def __post_init__(self) -> None:
        known = (*IMAGE_EXPLAINERS, *BAG_EXPLAINERS)
        for name in (*self.methods, *self.options):
            if name not in known:
                raise InputError(
                    where="study.explain.methods", expected="one of " + ", ".join(known), got=name
                )
        if isinstance(self.methods, str) or len(set(self.methods)) < len(self.methods):
            raise InputError(
                where="study.explain.methods", expected="names, each once", got=self.methods
            )
        if self.max_slices < 1:
            raise InputError(
                where="study.explain.max_slices", expected="1 or more", got=self.max_slices
            )
