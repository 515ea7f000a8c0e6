from __future__ import annotations

import pytest

from examwise.core.errors import InputError
from examwise.training.config import TrainingConfig, learning_rate_factor


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("steps", 0),
        ("steps", True),
        ("exams_per_step", 1.5),
        ("learning_rate", float("nan")),
        ("learning_rate", 0.0),
        ("weight_decay", -1.0),
        ("warmup_fraction", 1.0),
        ("n_workers", -1),
        ("n_threads", 0),
        ("precision", "16"),
        ("accelerator", "foo"),
        ("accelerator", None),
    ],
)
def test_values_out_of_range_are_refused_by_name(option, value):
    with pytest.raises(InputError, match=f"training option {option}"):
        TrainingConfig(**{option: value})


@pytest.mark.parametrize("steps", [1, 2, 10, 500])
def test_the_learning_rate_rises_once_and_falls_to_almost_nothing(steps):
    factors = [learning_rate_factor(s, steps=steps, warmup_fraction=0.1) for s in range(steps)]
    top = factors.index(max(factors))
    assert max(factors) == 1
    assert factors[: top + 1] == sorted(factors[: top + 1])
    assert factors[top:] == sorted(factors[top:], reverse=True)
    assert min(factors) > 0
    assert learning_rate_factor(steps, steps=steps, warmup_fraction=0.1) == pytest.approx(0)
