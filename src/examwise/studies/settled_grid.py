"""Putting arms in the place of a grid: the published ones, or those that a time limit allows."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from examwise.core.digests import readable_json
from examwise.core.errors import InputError
from examwise.core.progress import Progress
from examwise.core.schemas.study import LABEL_FREE
from examwise.imaging.joined_stores import JoinedStores
from examwise.studies.arm_config import ALL, ArmConfig
from examwise.studies.budgets import OnSale, settle_budgets
from examwise.studies.config import StudyConfig
from examwise.studies.draws import Sales, count_labels
from examwise.studies.grid_config import GridConfig
from examwise.studies.grids import DESIGNS, NEAR, designed_arms, expand_grid, grid_arms
from examwise.studies.one_run import options_of
from examwise.studies.plan import plan_runs
from examwise.studies.run_costs import RunCosts, RunSize
from examwise.studies.sites import TestedStore
from examwise.studies.study_amounts import Engine, PredictedAmount, predicted_amount
from examwise.training.find_learner import label_kind_of

_SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True)
class RecordedGrid:
    """What a study's plan has of its grid.

    Attributes:
        grid: As :func:`describe_grid` told of it; None where the study had none.
        arms: All arms of the study, every budget in numbers.
    """

    grid: Mapping[str, Any] | None
    arms: Sequence[ArmConfig]


def with_grid_arms(config: StudyConfig) -> StudyConfig:
    """Return a study with an arm for each that its grid plans, of all labels for the time being.

    Example:
        >>> config = with_grid_arms(StudyConfig(target_auc=0.8, grid=GridConfig(name="published")))
        >>> [arm.budgets for arm in config.arms]
        [('all',), ('all',)]
    """
    if config.grid is None:
        return config
    whole = (ArmConfig(learner, way, (ALL,)) for learner, way in grid_arms(config.grid))
    return replace(config, arms=(*whole, *config.arms))


def describe_grid(config: StudyConfig) -> dict[str, Any] | None:
    """Return what a study's plan keeps of its grid, so that it is not planned anew."""
    if config.grid is None:
        return None
    described: dict[str, Any] = json.loads(readable_json(asdict(config.grid)))
    return described


def settle_grid(
    config: StudyConfig,
    sales: Sales,
    *,
    stored: JoinedStores,
    sites: Sequence[TestedStore],
    engine: Engine,
    recorded: RecordedGrid | None = None,
    progress: Progress,
) -> StudyConfig:
    """Give the arms of a grid their budgets and repeats.

    What stands in the study's plan stays: the same grid is that one, and another grid adds to it.

    Args:
        config: From :func:`with_grid_arms`.
        sales: What there is to buy, in the ways of all its arms.
        stored: The stores that labels come from.
        sites: Where runs are tested.
        engine: How many runs go on side by side.
        recorded: What the study's plan has, where it is written.
        progress: Where to report to.

    Raises:
        InputError: If the least of designs takes longer than the time limit.
    """
    grid = config.grid
    if grid is None:
        return config
    n_planned = len(grid_arms(grid))
    beside = config.arms[n_planned:]
    known = {
        arm.where: replace(arm, repeats=arm.repeats or config.repeats)
        for arm in (() if recorded is None else recorded.arms)
    }
    asked = [arm.where for arm in config.arms[:n_planned]]
    is_same = recorded is not None and recorded.grid == describe_grid(config)
    if is_same and all(where in known for where in asked):
        return replace(config, arms=(*(known[where] for where in asked), *beside))
    on_sale = count_labels(sales)
    if grid.name is not None:
        arms = expand_grid(config, on_sale)
    else:
        from examwise.studies.run_timing import calibrate

        costs = calibrate(config, stored, sales, progress=progress)
        arms = fitting_arms(
            config,
            grid,
            on_sale,
            costs=costs,
            tested=predicted_amount(sites),
            n_slices=sum(int(store.exams["n_slices"].sum()) for store in stored.stores),
            engine=engine,
            beside=beside,
        )
    joined = (with_recorded(arm, known[arm.where]) if arm.where in known else arm for arm in arms)
    return replace(config, arms=(*joined, *beside))


def fitting_arms(
    config: StudyConfig,
    grid: GridConfig,
    on_sale: Mapping[str, OnSale],
    *,
    costs: RunCosts,
    tested: PredictedAmount,
    n_slices: int,
    engine: Engine,
    beside: Sequence[ArmConfig] = (),
) -> tuple[ArmConfig, ...]:
    """Return the arms of the closest design that a time limit allows.

    All of the study's runs count, those of other arms, of fine-tuning and without labels too.

    Args:
        config: The study.
        grid: With a time limit.
        on_sale: Way of drawing labels to how many there are.
        costs: What runs cost.
        tested: What every run predicts.
        n_slices: Slices of the stores that labels come from, whose features are computed.
        engine: How many runs go on side by side.
        beside: Arms that the study has beside the grid's.

    Raises:
        InputError: If the least of designs takes longer.
    """
    limit = grid.time_limit_hours or 0.0
    shortest = 0.0
    for design in reversed(DESIGNS):
        arms = designed_arms(config, grid, on_sale, design)
        planned = _with_numbers(replace(config, arms=(*arms, *beside)), on_sale)
        shortest = _hours(planned, costs, tested, n_slices, engine)
        if shortest <= limit:
            return arms
    raise InputError(
        where="study.grid.time_limit_hours",
        expected=f"at least {shortest:.2g} hours, which three budgets of each arm take on this "
        "machine",
        got=f"{limit:g}",
        remedy="allow more, use more workers, or leave fine-tuning and other arms out",
    )


def with_recorded(arm: ArmConfig, recorded: ArmConfig) -> ArmConfig:
    """Return an arm with the budgets and repeats that a study's plan has of it.

    New budgets near to those of the plan are left out, but for the largest.

    Args:
        arm: Newly planned, budgets in numbers.
        recorded: As the plan has it.

    Example:
        >>> new = ArmConfig("weak", "exam", (12, 50, 200), repeats=4)
        >>> with_recorded(new, ArmConfig("weak", "exam", (12, 100), repeats=(10, 5)))
        ArmConfig(learner='weak', acquisition='exam', budgets=(12, 50, 100, 200), \
repeats=(10, 5, 5, 4))
    """
    most = dict(zip(recorded.numbers, _repeats_of(recorded), strict=True))
    for budget, repeats in zip(arm.numbers, _repeats_of(arm), strict=True):
        is_near = any(max(budget, m) < NEAR * min(budget, m) for m in recorded.numbers)
        if budget in most or not is_near or budget == arm.numbers[-1]:
            most[budget] = max(repeats, most.get(budget, 0))
    budgets = tuple(sorted(most))
    # Never more for a larger one: the smaller ones are raised.
    falling = itertools.accumulate((most[budget] for budget in reversed(budgets)), max)
    return replace(arm, budgets=budgets, repeats=tuple(falling)[::-1])


def _repeats_of(arm: ArmConfig) -> tuple[int, ...]:
    repeats = arm.repeats or 1
    if isinstance(repeats, int):
        return (repeats,) * len(arm.budgets)
    return repeats if len(repeats) > 1 else repeats * len(arm.budgets)


def _with_numbers(config: StudyConfig, on_sale: Mapping[str, OnSale]) -> StudyConfig:
    return replace(config, arms=tuple(each.arm for each in settle_budgets(config, on_sale)))


def _hours(
    config: StudyConfig,
    costs: RunCosts,
    tested: PredictedAmount,
    n_slices: int,
    engine: Engine,
) -> float:
    """Return how long all runs of a study take, every budget in numbers."""
    seconds = costs.features_s(n_slices + tested.n_slices) / engine.n_cores
    for run in plan_runs(config):
        at_a_time = engine.side_by_side(run, config)
        if run.mode == LABEL_FREE:
            seconds += costs.label_free_s(tested.n_slices) / at_a_time
            continue
        n_validation = config.n_validation(run.budget)
        size = RunSize(run.budget - n_validation, n_validation, tested.n_exams, tested.n_slices)
        _, training, _ = options_of(run, config)
        kind = label_kind_of(run.learner)
        one = costs.run_s(run.learner, run.mode, size, training=training, label_kind=kind)
        seconds += one / at_a_time
    return seconds / _SECONDS_PER_HOUR
