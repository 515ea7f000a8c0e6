from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict

import pytest

from examwise.core.errors import InputError
from examwise.models.config import ModelConfig


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("findings", "any"),
        ("findings", ()),
        ("findings", ("any", "any")),
        ("encoder", "resnet9"),
        ("encoder", ["resnet10"]),
        ("pooling", "median"),
        ("width", 0),
        ("embedding", 1.5),
        ("dropout", 1.0),
        ("window_width_hu", 0.0),
        ("chunk_slices", -1),
    ],
)
def test_values_out_of_range_are_refused_by_name(option, value):
    with pytest.raises(InputError, match=f"model option {option}"):
        ModelConfig(**{option: value})


def test_plain_values_come_back():
    config = ModelConfig(findings=("any", "subdural"), width=8)
    assert ModelConfig.from_dict(asdict(config)) == config
    with pytest.raises(InputError, match="model option colour"):
        ModelConfig.from_dict({**asdict(config), "colour": 1})


def test_options_and_entry_points_do_not_import_torch():
    code = (
        "import sys, examwise.models.config, examwise.training.config, examwise.training.train,"
        " examwise.prediction.predict, examwise.models.encoders, examwise.models.poolings;"
        "sys.exit(any(name in sys.modules for name in ('torch', 'lightning', 'monai')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
