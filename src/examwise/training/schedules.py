"""The learning rate's course over a run's steps."""

from __future__ import annotations

import math

from examwise.training.schedule_config import ScheduleConfig


def learning_rate_factor(
    step: int, *, steps: int, warmup_fraction: float, config: ScheduleConfig
) -> float:
    """Return the share of the highest learning rate that a step has.

    It rises linearly over the warm-up; the schedule is for the steps after it.

    Args:
        step: From 0; steps past the last have what the last is followed by.
        steps: Steps of the whole run.
        warmup_fraction: Share of the steps in which the rate rises, below 1.
        config: The schedule.

    Example:
        >>> def factors(name):
        ...     config = ScheduleConfig(name, factor=0.5, stretches=2)
        ...     options = {"steps": 5, "warmup_fraction": 0.2, "config": config}
        ...     return [round(learning_rate_factor(step, **options), 3) for step in range(5)]
        >>> factors("cosine")
        [1.0, 1.0, 0.854, 0.5, 0.146]
        >>> factors("stepwise")
        [1.0, 1.0, 1.0, 0.5, 0.5]
    """
    warmup = round(warmup_fraction * steps)
    if step < warmup:
        return (step + 1) / warmup
    done, whole = step - warmup, max(1, steps - warmup)
    if config.name == "constant":
        return 1.0
    if config.name == "stepwise":
        seams = min(done * config.stretches // whole, config.stretches - 1)
        return config.factor**seams
    return 0.5 * (1 + math.cos(math.pi * min(1.0, done / whole)))
