"""Whose labels are bought: those of patients at random, or more of the report-positive; light."""

from __future__ import annotations

from dataclasses import dataclass

from examwise.core.errors import InputError


@dataclass(frozen=True)
class SamplingConfig:
    """Stratified sampling by report label.

    Attributes:
        positive_share: Share of the patients drawn who have an exam whose report says that the
            finding is there.
    """

    positive_share: float

    def __post_init__(self) -> None:
        if not 0 < self.positive_share < 1:
            raise InputError(
                where="study.sampling.positive_share",
                expected="between 0 and 1",
                got=f"{self.positive_share:g}",
            )
