from dataclasses import replace

import pytest

from examwise.core.errors import InputError
from examwise.models.config import ModelConfig
from examwise.studies.arm_config import ArmConfig
from examwise.studies.budgets import OnSale
from examwise.studies.config import StudyConfig
from examwise.studies.fine_tuning_config import FineTuningConfig
from examwise.studies.grid_config import GridConfig
from examwise.studies.run_costs import KindCost, RunCosts
from examwise.studies.settled_grid import (
    describe_grid,
    fitting_arms,
    with_grid_arms,
    with_recorded,
)
from examwise.studies.study_amounts import Engine, PredictedAmount
from examwise.training.config import TrainingConfig

SHOP = {"spread": OnSale(24_000, 6_000), "exam": OnSale(1_000, 250)}
TRAINING = TrainingConfig(steps=100, augmentation="none")
HEAD = KindCost(1.0, 0.05, 0.001, 1000, reads_pixels=False)
WHOLE = KindCost(5.0, 2.0, 0.1, 1000, reads_pixels=True)
COSTS = RunCosts(
    {
        (learner, mode): cost
        for learner in ("strong", "weak", "pooled")
        for mode, cost in (("budgeted", HEAD), ("fine_tuned", WHOLE))
    },
    slice_s=0.001,
    n_features=64,
)


def fitted(hours, *, costs=COSTS, cores=1, beside=(), **options):
    grid = GridConfig(time_limit_hours=hours)
    config = StudyConfig(
        target_auc=0.8, grid=grid, training=TRAINING, arms=tuple(beside), **options
    )
    return fitting_arms(
        config,
        grid,
        SHOP,
        costs=costs,
        tested=PredictedAmount(400, 9_600),
        n_slices=40_000,
        engine=Engine(cores, 1),
        beside=beside,
    )


def n_runs(arms):
    return sum(len(arm.budgets) * arm.repeats for arm in arms)


def test_more_time_and_more_workers_give_more_runs():
    sizes = [n_runs(fitted(hours)) for hours in (0.05, 0.1, 0.3, 1.0, 100.0)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[2] < sizes[-1]
    assert n_runs(fitted(0.1, cores=4)) > n_runs(fitted(0.1))


def test_no_budget_is_drawn_once_where_more_can_be_paid_and_ten_times_with_time():
    assert all(arm.repeats > 1 for arm in fitted(0.05))
    assert all(arm.repeats >= 10 for arm in fitted(1.0))


def test_runs_fit_the_limit_by_what_they_cost():
    hours = 0.2
    arms = fitted(hours)
    # A head takes 100 steps of .05 s, 1 s around them, and .4 s for 400 exams, and a second at
    # the most for each of its two validations.
    least = n_runs(arms) * (1.0 + 100 * 0.05 + 0.4) / 3600
    assert 0.5 * hours < least <= hours


def test_what_stands_beside_the_grid_counts():
    beside = (ArmConfig("pooled", "exam", ("all",), repeats=40),)
    assert n_runs(fitted(0.2, beside=beside)) < n_runs(fitted(0.2))
    tuned = {
        "model": ModelConfig(weights="encoder"),
        "fine_tuning": FineTuningConfig(training=TRAINING, budgets="every"),
    }
    assert n_runs(fitted(1.0, **tuned)) < n_runs(fitted(1.0))


def test_too_little_time_is_refused_with_what_it_takes():
    with pytest.raises(InputError, match=r"time_limit_hours: expected at least 0\.0\d+ hours"):
        fitted(0.0001)


def test_arms_on_record_keep_their_budgets_and_repeats():
    recorded = ArmConfig("weak", "exam", (12, 100, 300), repeats=(10, 10, 5))
    new = ArmConfig("weak", "exam", (12, 48, 110, 320), repeats=12)
    joined = with_recorded(new, recorded)
    # 110 is as good as 100, and 320 is now all that there is.
    assert joined.budgets == (12, 48, 100, 300, 320)
    assert joined.repeats == (12, 12, 12, 12, 12)
    fewer = with_recorded(replace(new, repeats=1), recorded)
    assert fewer.repeats == (10, 10, 10, 5, 1)


def test_a_study_without_a_grid_stays_as_it_is():
    config = StudyConfig(target_auc=0.8, arms=(ArmConfig("weak", "exam", (9,)),))
    assert with_grid_arms(config) == config
    assert describe_grid(config) is None


def test_arms_that_a_grid_plans_cannot_be_named_as_well():
    config = StudyConfig(
        target_auc=0.8,
        grid=GridConfig(name="published"),
        arms=(ArmConfig("weak", "exam", (9,)),),
    )
    with pytest.raises(InputError, match="weak by exam: expected each learner once"):
        with_grid_arms(config)
