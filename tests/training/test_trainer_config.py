from __future__ import annotations

import pytest

from examwise.core.errors import InputError
from examwise.training.trainer_config import TrainerConfig


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("precision", "16"),
        ("accelerator", "foo"),
        ("accelerator", None),
        ("devices", 0),
        ("num_nodes", True),
        ("options", {"max_steps": 3}),
        ("options", {"devices": 2}),
        ("options", {"max_time": "00:01:00:00"}),
        ("options", {"limit_train_batches": 3}),
        ("options", {"fast_dev_run": True}),
        ("options", {"min_steps": 3}),
    ],
)
def test_values_out_of_range_are_refused_by_name(option, value):
    with pytest.raises(InputError, match=f"trainer option {option}"):
        TrainerConfig(**{option: value})
