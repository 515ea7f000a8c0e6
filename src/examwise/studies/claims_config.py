"""The claim that exam labels do as well as N times as many slice labels; light."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

from examwise.core.analysis_protocol import require_margin
from examwise.core.errors import InputError
from examwise.studies.arm_config import ALL


@dataclass(frozen=True)
class ClaimsConfig:
    """Ratios that are tested in fixed order, set before any run.

    Attributes:
        margin: AUC by which exam labels may be worse and still count as no worse.
        ratios: N in the order of testing.
        weak_budget: Number of exam labels m; ``all`` for the largest budget.
    """

    margin: float
    ratios: tuple[float, ...] = (2.0, 5.0, 10.0, 20.0, 35.0)
    weak_budget: int | Literal["all"] = ALL

    def __post_init__(self) -> None:
        require_margin(self.margin, where="study.claims.margin")
        rising = all(low < high for low, high in itertools.pairwise(self.ratios))
        if not self.ratios or not rising or self.ratios[0] < 1:
            raise InputError(
                where="study.claims.ratios",
                expected="rising numbers from 1",
                got=", ".join(f"{ratio:g}" for ratio in self.ratios) or "none",
            )
        if self.weak_budget != ALL and self.weak_budget < 1:
            raise InputError(
                where="study.claims.weak_budget", expected="1 or more, or all", got=self.weak_budget
            )
