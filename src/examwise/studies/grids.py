"""Budgets and repeats that a study plans itself: the published ones, and ladders of designs.

The published study (Teneggi, Yi and Sulam, 2023) trained the weak learner on m = 12 to 17,000
exams and the strong one on m = 12 to 600,000 images, twenty times at the small budgets and once at
the largest. Its numbers in between are not taken over: here budgets grow by the factor that leads
from 12 to both ends (in eight steps and in twelve), the same numbers for both learners, and
repeats fall in equal steps of log m.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from examwise.studies.acquisition_names import ACQUISITION_KINDS
from examwise.studies.arm_config import ArmConfig
from examwise.studies.budgets import OnSale, largest_budget
from examwise.studies.config import STRONG, WEAK, StudyConfig
from examwise.studies.grid_config import GridConfig

_SMALLEST = 12
_PUBLISHED = {
    "exam": (12, 30, 70, 180, 440, 1_100, 2_700, 6_600, 17_000),
    "slice": (
        *(12, 30, 70, 180, 440, 1_100, 2_700, 6_600, 17_000),
        *(41_000, 100_000, 250_000, 600_000),
    ),
}
_MANY_REPEATS_UP_TO = 180
NEAR = 1.3
"""A budget this near below the largest one says nothing that this does not say."""

_APART = 1.5
"""Budgets of a design are at least by this factor apart, however many are asked for."""


@dataclass(frozen=True)
class Design:
    """How closely a curve is sampled.

    Attributes:
        n_budgets: Budgets of an arm, evenly spread in log m; fewer where they would come too near
            each other.
        repeats: Drawings of each.
    """

    n_budgets: int
    repeats: int


DESIGNS = tuple(
    Design(*each)
    for each in (
        *((3, 1), (3, 2), (4, 2), (4, 3), (5, 3), (5, 4), (5, 5), (5, 7), (5, 10), (6, 10)),
        *((7, 10), (8, 10), (8, 12), (9, 12), (9, 15), (10, 15), (10, 20), (12, 20)),
    )
)
"""From the least that makes a curve upwards: repeats come before budgets until there are ten."""


def grid_arms(grid: GridConfig) -> tuple[tuple[str, str], ...]:
    """Return learner and way to draw of each arm that a grid plans, strong ones first.

    Example:
        >>> grid_arms(GridConfig(name="published"))
        (('strong', 'spread'), ('weak', 'exam'))
    """
    return (*((STRONG, way) for way in grid.slice_acquisition), (WEAK, "exam"))


def expand_grid(config: StudyConfig, on_sale: Mapping[str, OnSale]) -> tuple[ArmConfig, ...]:
    """Return the arms of a study's published grid, as far as its archive reaches.

    The largest budget of each arm is all that there is to buy, unless the published one is
    smaller. Repeats go by m itself: a smaller archive has more of them at its largest budget.

    Args:
        config: The study, with a grid by name.
        on_sale: Way of drawing labels to how many there are.

    Raises:
        InputError: If there are no labels of one kind.
        ValueError: If the study has no grid by name.

    Example:
        >>> config = StudyConfig(target_auc=0.8, grid=GridConfig(name="published"))
        >>> shop = {"spread": OnSale(10_000, 2_500), "exam": OnSale(400, 100)}
        >>> for arm in expand_grid(config, shop):
        ...     print(arm.learner, arm.budgets, arm.repeats)
        strong (12, 30, 70, 180, 440, 1100, 2700, 6600, 12500) (20, 20, 20, 20, 18, 16, 14, 12, 10)
        weak (12, 30, 70, 180, 500) (20, 20, 20, 20, 16)
    """
    grid = config.grid
    if grid is None or grid.name is None:
        raise ValueError("expected a study with a grid by name")
    arms = []
    for learner, way in grid_arms(grid):
        published = _PUBLISHED[ACQUISITION_KINDS[way]]
        budgets = _within(config, way, on_sale[way], published, most=published[-1])
        repeats = tuple(_repeats(m, published[-1], grid.repeats) for m in budgets)
        arms.append(ArmConfig(learner, way, budgets, repeats=repeats))
    return tuple(arms)


def designed_arms(
    config: StudyConfig, grid: GridConfig, on_sale: Mapping[str, OnSale], design: Design
) -> tuple[ArmConfig, ...]:
    """Return the arms of one design, from the smallest budget to all that there is to buy.

    Args:
        config: The study.
        grid: Its grid.
        on_sale: Way of drawing labels to how many there are.
        design: How closely curves are sampled.

    Raises:
        InputError: If there are no labels of one kind.

    Example:
        >>> grid = GridConfig(time_limit_hours=1.0)
        >>> config = StudyConfig(target_auc=0.8, grid=grid)
        >>> shop = {"spread": OnSale(10_000, 2_500), "exam": OnSale(400, 100)}
        >>> [arm.budgets for arm in designed_arms(config, grid, shop, Design(4, 2))]
        [(12, 120, 1200, 12500), (12, 42, 140, 500)]
    """
    arms = []
    for learner, way in grid_arms(grid):
        most = largest_budget(config, f"study.grid, {learner} by {way}", on_sale[way])
        least = max(_SMALLEST, on_sale[way].dearest)
        wanted = _geometric(least, most, design.n_budgets)
        budgets = _within(config, way, on_sale[way], wanted, most=most)
        arms.append(ArmConfig(learner, way, budgets, repeats=min(design.repeats, grid.repeats)))
    return tuple(arms)


def _within(
    config: StudyConfig, way: str, on_sale: OnSale, wanted: Sequence[int], *, most: int
) -> tuple[int, ...]:
    """Return those of the budgets that buy something, with the largest that can be bought."""
    largest = min(most, largest_budget(config, f"study.grid, labels by {way}", on_sale))
    kept = [m for m in wanted if on_sale.dearest <= m - config.n_validation(m) and m < largest]
    far = [m for m in kept if m * NEAR <= largest]
    return tuple(_rising(config, [*far, largest]))


def _rising(config: StudyConfig, budgets: Sequence[int]) -> list[int]:
    """Leave out budgets that train on more labels than a larger one."""
    trained = [m - config.n_validation(m) for m in budgets]
    fewest_above = list(itertools.accumulate(reversed(trained), min))[::-1]
    return [
        m for m, here, above in zip(budgets, trained, fewest_above, strict=True) if here <= above
    ]


def _repeats(m: int, largest: int, most: int) -> int:
    """Return the most up to a moderate m, and fewer by equal steps of log m down to 1."""
    if m <= _MANY_REPEATS_UP_TO:
        return most
    share = math.log(m / _MANY_REPEATS_UP_TO) / math.log(largest / _MANY_REPEATS_UP_TO)
    return max(1, round(most + (1 - most) * min(share, 1.0)))


def _geometric(least: int, most: int, number: int) -> list[int]:
    if most <= least:
        return [most]
    number = max(2, min(number, 1 + math.floor(math.log(most / least) / math.log(_APART))))
    steps = (least * (most / least) ** (k / (number - 1)) for k in range(number - 1))
    return sorted({max(least, _rounded(step)) for step in steps} | {most})


def _rounded(value: float) -> int:
    """Return a value of 10 or more to two digits."""
    unit = int(10 ** (math.floor(math.log10(value)) - 1))
    return round(value / unit) * unit
