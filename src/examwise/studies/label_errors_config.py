"""Exam labels with errors, as reports have them; light."""

from __future__ import annotations

from dataclasses import dataclass

from examwise.core.errors import InputError


@dataclass(frozen=True)
class LabelErrorsConfig:
    """How often exam labels that are bought are wrong; those that judge never are.

    Attributes:
        sensitivity: Share of positive exams that are called positive, those whose finding shows
            on few slices less often than others.
        specificity: Share of negative exams that are called negative.
        concentration: How much more small findings are missed than large ones: 0 all alike, 1 as
            strongly as the sensitivity allows.
    """

    sensitivity: float
    specificity: float
    concentration: float = 0.8

    def __post_init__(self) -> None:
        for name, lowest in (("sensitivity", 0.5), ("specificity", 0.5), ("concentration", 0.0)):
            value = getattr(self, name)
            if not lowest <= value <= 1:
                raise InputError(
                    where=f"study.label_errors.{name}",
                    expected=f"between {lowest:g} and 1",
                    got=f"{value:g}",
                )
