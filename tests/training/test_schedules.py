from __future__ import annotations

import pytest
import torch

from examwise.core.errors import InputError
from examwise.training.schedule_config import ScheduleConfig
from examwise.training.schedules import learning_rate_factor


def factors(config, steps, warmup_fraction=0.0):
    return [
        learning_rate_factor(step, steps=steps, warmup_fraction=warmup_fraction, config=config)
        for step in range(steps)
    ]


@pytest.mark.parametrize("name", ["cosine", "constant", "stepwise"])
@pytest.mark.parametrize("steps", [1, 2, 10, 503])
def test_the_learning_rate_rises_once_and_then_never_again(name, steps):
    found = factors(ScheduleConfig(name), steps, 0.1)
    top = found.index(max(found))
    assert max(found) == 1
    assert found[: top + 1] == sorted(found[: top + 1])
    assert found[top:] == sorted(found[top:], reverse=True)
    assert min(found) > 0


def test_a_cosine_ends_at_nothing():
    after = learning_rate_factor(10, steps=10, warmup_fraction=0.1, config=ScheduleConfig())
    assert after == pytest.approx(0)


@pytest.mark.parametrize("per_pass", [1, 12, 37])
def test_five_stretches_of_fifteen_passes_are_a_decay_every_third_pass(per_pass):
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    reference = torch.optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.3)
    expected = []
    for _ in range(15):
        expected += [optimizer.param_groups[0]["lr"]] * per_pass
        optimizer.step()
        reference.step()
    found = factors(ScheduleConfig("stepwise"), 15 * per_pass)
    assert found == pytest.approx(expected)


def test_fewer_steps_than_stretches_and_steps_past_the_last():
    config = ScheduleConfig("stepwise", factor=0.5, stretches=5)
    assert factors(config, 2) == [1.0, 0.25]
    after = learning_rate_factor(9, steps=2, warmup_fraction=0, config=config)
    assert after == 0.5**4


def test_the_schedule_begins_after_the_warm_up():
    config = ScheduleConfig("stepwise", factor=0.5, stretches=2)
    assert factors(config, 10, 0.2) == [0.5, 1.0, 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5]


@pytest.mark.parametrize(
    ("option", "value"),
    [("name", "linear"), ("factor", 0.0), ("factor", 1.5), ("stretches", 0), ("stretches", True)],
)
def test_schedule_options_out_of_range_are_refused_by_name(option, value):
    with pytest.raises(InputError, match=f"training option schedule.{option}"):
        ScheduleConfig(**{option: value})
