import dataclasses
from functools import partial

import pytest
import torch

from examwise.core.errors import InputError
from examwise.models.config import ModelConfig
from examwise.training.devices import (
    arithmetic,
    choose_device,
    fastest_layout,
    resolve_precision,
)
from examwise.training.pretraining.config import EncoderConfig, PretrainingConfig

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"pretext": "jigsaw"}, "pretext: expected one of pasted_shapes, contrastive"),
        ({"steps": 1}, "steps: expected a whole number, at least 2"),
        ({"slices_per_step": 1}, "slices_per_step"),
        ({"keep_every": 0}, "keep_every"),
        ({"seed": -1}, "seed"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"weight_decay": float("nan")}, "weight_decay"),
        ({"precision": "16-mixed"}, "precision: expected one of auto, 32-true, bf16-mixed"),
        ({"accelerator": "tpu"}, "accelerator"),
        ({"n_workers": True}, "n_workers"),
    ],
)
def test_wrong_options_of_pretraining_are_refused(options, part):
    with pytest.raises(InputError, match=f"pretraining option {part}"):
        PretrainingConfig(**options)


@pytest.mark.parametrize(
    "options",
    [{"encoder": "no encoder"}, {"width": 0}, {"extra_windows": ((1, 0),)}, {"input_scale": "x"}],
)
def test_wrong_options_of_the_encoder_are_refused_as_models_do(options):
    with pytest.raises(InputError, match="model option"):
        EncoderConfig(**options)


def test_options_of_the_encoder_are_those_of_a_model():
    """What an encoder was pretrained with can be handed on to training by name."""
    config = EncoderConfig()
    model = ModelConfig(**dataclasses.asdict(config))
    assert model.windows == config.windows
    assert model.n_channels == len(config.windows)


def test_running_options_determine_nothing():
    one = PretrainingConfig(cache_mb=1, n_workers=3, accelerator="cpu", seed=5)
    assert one.determining == PretrainingConfig().determining
    assert "seed" not in one.determining
    assert one.determining["steps"] == 4000


def test_precision_is_what_was_asked_for_or_what_the_hardware_has(monkeypatch):
    assert resolve_precision("bf16-mixed", CPU) == "bf16-mixed"
    for has_it, expected in ((True, "bf16-mixed"), (False, "32-true")):
        found = partial(dict, avx512_bf16=has_it)
        monkeypatch.setattr(torch.cpu, "get_capabilities", found, raising=False)
        assert resolve_precision("auto", CPU) == expected
    assert resolve_precision("auto", torch.device("mps")) == "32-true"


def test_arithmetic_is_that_of_the_precision():
    ones = torch.ones(2, 2)
    with arithmetic("bf16-mixed", CPU):
        assert (ones @ ones).dtype == torch.bfloat16
    with arithmetic("32-true", CPU):
        assert (ones @ ones).dtype == torch.float32


def test_layouts():
    assert fastest_layout("bf16-mixed", CPU) is torch.contiguous_format
    assert fastest_layout("32-true", CPU) is torch.channels_last
    assert fastest_layout("bf16-mixed", torch.device("cuda")) is torch.channels_last


def test_devices(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("auto") == choose_device("cpu") == CPU
    with pytest.raises(InputError, match="accelerator"):
        choose_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto").type == choose_device("gpu").type == "cuda"
    assert choose_device("cpu") == CPU
