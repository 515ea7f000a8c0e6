"""Budgets in numbers: what ``all`` comes to, and which budgets an archive is too small for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from examwise.core.errors import InputError
from examwise.studies.arm_config import ArmConfig
from examwise.studies.config import StudyConfig


@dataclass(frozen=True)
class OnSale:
    """How many labels an archive has to sell in one way.

    Attributes:
        train: From training patients.
        validation: From validation patients.
        dearest: What a training exam, or a single slice, costs at the most; no smaller budget is
            sure to buy anything.
    """

    train: int
    validation: int
    dearest: int = 1


@dataclass(frozen=True)
class SettledArm:
    """An arm whose budgets are numbers.

    Attributes:
        arm: The arm.
        left_out: Budgets that were listed, and are not below what ``all`` comes to.
    """

    arm: ArmConfig
    left_out: tuple[int, ...] = ()

    @property
    def said(self) -> str:
        """What to tell of budgets that were left out.

        Example:
            >>> SettledArm(ArmConfig("weak", "exam", (10, 64)), (100, 200)).said
            'weak, drawn by exam: 64 labels are all there are; 100, 200 left out'
        """
        names = ", ".join(map(str, self.left_out))
        return (
            f"{self.arm.learner}, drawn by {self.arm.acquisition}: {self.arm.numbers[-1]} labels "
            f"are all there are; {names} left out"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "learner": self.arm.learner,
            "acquisition": self.arm.acquisition,
            "budgets": list(self.arm.numbers),
            "repeats": _listed(self.arm.repeats),
            "left_out": list(self.left_out),
        }


def _listed(repeats: int | tuple[int, ...] | None) -> list[int] | None:
    if repeats is None:
        return None
    return [repeats] if isinstance(repeats, int) else list(repeats)


def settle_budgets(config: StudyConfig, on_sale: Mapping[str, OnSale]) -> list[SettledArm]:
    """Put numbers in the place of ``all``.

    It is the largest m whose validation part and whose training part can both be bought. A listed
    budget is left out unless it is smaller, and trains on no more labels.

    Args:
        config: The study.
        on_sale: Way of drawing labels to how many there are.

    Raises:
        InputError: If there is no label at all.

    Example:
        >>> arm = ArmConfig("weak", "exam", (50, 120, 500, "all"))
        >>> config = StudyConfig(arms=(arm,), target_auc=0.8)
        >>> (settled,) = settle_budgets(config, {"exam": OnSale(train=300, validation=40)})
        >>> settled.arm.budgets, settled.left_out
        ((50, 120, 202), (500,))
    """
    settled = []
    for arm in config.arms:
        if not arm.takes_all:
            settled.append(SettledArm(arm))
            continue
        most = largest_budget(config, arm.where, on_sale[arm.acquisition])
        trained = most - config.n_validation(most)
        kept = tuple(
            budget
            for budget in arm.numbers
            if budget < most and budget - config.n_validation(budget) <= trained
        )
        left_out = tuple(budget for budget in arm.numbers if budget not in (*kept, most))
        budgets = (*kept, most)
        arm_kept = replace(arm, budgets=budgets, repeats=_repeats_of(arm, budgets))
        settled.append(SettledArm(arm_kept, left_out))
    return settled


def _repeats_of(arm: ArmConfig, budgets: Sequence[int]) -> int | tuple[int, ...] | None:
    """Return the repeats of those budgets that were kept; the last is what ``all`` came to."""
    if not isinstance(arm.repeats, tuple) or len(arm.repeats) == 1:
        return arm.repeats
    of_budget = dict(zip(arm.budgets, arm.repeats, strict=True))
    return (*(of_budget[budget] for budget in budgets[:-1]), arm.repeats[-1])


def largest_budget(config: StudyConfig, where: str, on_sale: OnSale) -> int:
    """Return the largest m whose training and validation part can both be bought.

    Args:
        config: The study.
        where: How a refusal names the arm.
        on_sale: How many labels there are.

    Raises:
        InputError: If there is no label at all.
    """
    for budget in range(on_sale.train + on_sale.validation, 0, -1):
        n_validation = config.n_validation(budget)
        if n_validation <= on_sale.validation and budget - n_validation <= on_sale.train:
            return budget
    raise InputError(
        where=f"{where}, budgets",
        expected="labels of training patients, drawn in this way",
        got=f"{on_sale.train}",
        remedy="use a larger training part, or label more exams",
    )
