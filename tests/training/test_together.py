"""Several processes, and several parts of a step, against one process that takes it whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

from examwise.core.schemas.run import METRICS
from examwise.core.storage import Storage

OPTIONS = [
    "--model.encoder", "resnet10", "--model.width", "4", "--model.embedding", "16",
    "--model.attention_hidden", "8", "--model.dropout", "0.3", "--model.attention_dropout", "0.2",
    "--training.steps", "6", "--training.exams_per_step", "6", "--training.slices_per_step", "24",
    "--training.validate_every", "3", "--training.validation_minimum", "5",
    "--training.learning_rate", "0.003", "--trainer.accelerator", "cpu", "--json", "--quiet",
]  # fmt: skip
TOLERANCE = 1e-5


def train(store, out, *words, learner="weak", environment=None):
    command = [sys.executable, "-m", "examwise", "train", str(store), "--learner", learner]
    done = subprocess.run(
        [*command, "--out", str(out), *OPTIONS, *words],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})},
    )
    assert done.returncode == 0, done.stderr
    # One process speaks, whatever their number.
    assert len(done.stdout.strip().splitlines()) == 1, done.stdout
    return json.loads(done.stdout)


def assert_alike(one, other):
    weights = [load_file(folder / "model.safetensors") for folder in (one, other)]
    assert weights[0].keys() == weights[1].keys()
    for name, value in weights[0].items():
        assert torch.allclose(value, weights[1][name], atol=TOLERANCE), name
    metrics = [METRICS.read(Storage(folder)) for folder in (one, other)]
    for column in ("training_loss", "validation_loss", "learning_rate"):
        values = [frame[column].to_list() for frame in metrics]
        assert values[0] == pytest.approx(values[1], abs=TOLERANCE)


@pytest.mark.slow
@pytest.mark.parametrize("learner", ["weak", "strong"])
def test_two_processes_equal_one(store, tmp_path, learner):
    one = train(store, tmp_path / "one", learner=learner)
    words = ["--trainer.devices", "2", "--trainer.strategy", "ddp"]
    both = train(store, tmp_path / "both", *words, learner=learner)
    assert_alike(tmp_path / "one", tmp_path / "both")
    assert (both["run_id"], both["best_step"]) == (one["run_id"], one["best_step"])


@pytest.mark.parametrize("learner", ["weak", "mixed"])
def test_parts_of_a_step_add_up_to_it(store, tmp_path, learner):
    train(store, tmp_path / "one", learner=learner)
    train(store, tmp_path / "parts", "--training.accumulate", "3", learner=learner)
    assert_alike(tmp_path / "one", tmp_path / "parts")


def test_more_parts_than_labels_are_refused(store, tmp_path):
    command = [sys.executable, "-m", "examwise", "train", str(store), "--learner", "weak"]
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "r"), *OPTIONS, "--training.accumulate", "7"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2
    assert "a training step: expected at least a label for each of 1 processes times 7" in (
        done.stderr
    )
