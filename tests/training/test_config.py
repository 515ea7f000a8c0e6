from __future__ import annotations

import pytest

from examwise.core.errors import InputError
from examwise.training.config import TrainingConfig


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
    ],
)
def test_values_out_of_range_are_refused_by_name(option, value):
    with pytest.raises(InputError, match=f"training option {option}"):
        TrainingConfig(**{option: value})
