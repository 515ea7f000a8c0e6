"""A sweep's files, as the W&B agent would take them: from its file to the options of a run."""

from __future__ import annotations

import os
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from examwise.cli.parsing import make_parser, parse
from examwise.cli.training_options import add_training_options
from examwise.core.errors import InputError
from examwise.core.tracking import TrackedRun
from examwise.models.config import ModelConfig
from examwise.studies.tuning.config import TuningConfig
from examwise.studies.tuning.space import make_space
from examwise.studies.tuning.sweep import write_sweep
from examwise.studies.tuning.trial_training import TrialTraining
from examwise.training.config import TrainingConfig
from examwise.training.tracking_config import TrackingConfig

pytest.importorskip("wandb")

TRAINING = TrialTraining(
    learner="weak",
    model=ModelConfig(encoder="resnet10", embedding=8),
    training=TrainingConfig(steps=7),
    tracking=TrackingConfig(trackers=("wandb",), wandb_mode="online", project="heads"),
)
SPACE = make_space(
    {
        "model.width": {"choice": [4, 8]},
        "model.frozen": {"choice": [[], ["conv1", "layer1"]]},
        "model.channels_last": {"choice": [True, False]},
        "model.pooling_options.k": {"int": [1, 5]},
        "model.dropout": {"uniform": [0, 0.5]},
        "training.learning_rate": {"log_uniform": [1e-5, 1e-2]},
        "training.schedule.name": {"choice": ["cosine", "constant"]},
    }
)
CHOSEN = {
    "model.width": 8,
    "model.frozen": ["conv1", "layer1"],
    "model.channels_last": False,
    "model.pooling_options.k": 3,
    "model.dropout": 0.25,
    "training.learning_rate": 1.5e-05,
    "training.schedule.name": "constant",
}


def sweep_in(folder, **changes):
    options = {"space": SPACE, "config": TuningConfig(trials=9), "training": TRAINING, **changes}
    return write_sweep(
        folder / "sweep files" / "heads.yaml", stores=["my store"], out="my runs", **options
    )


def agents_command(sweep, values):
    """Return the words that the agent would run."""
    from wandb.sdk.launch.sweeps import utils

    command = utils.create_sweep_command(list(sweep["command"]))
    made = utils.create_sweep_command_args(
        {"args": {name: {"value": value} for name, value in values.items()}}
    )
    words = []
    for word in command:
        words += made[word[2:-1]] if word.startswith("${") else [word]
    return words


def test_the_file_is_a_sweep_and_names_no_path(tmp_path):
    path, script, options = sweep_in(tmp_path)
    sweep = yaml.safe_load(path.read_text())
    assert sweep == {
        "project": "heads",
        "method": "bayes",
        "metric": {"name": "validation_loss", "goal": "minimize"},
        "run_cap": 9,
        "parameters": {
            "model.width": {"values": [4, 8]},
            "model.frozen": {"values": [[], ["conv1", "layer1"]]},
            "model.channels_last": {"values": [True, False]},
            "model.pooling_options.k": {"distribution": "int_uniform", "min": 1, "max": 5},
            "model.dropout": {"distribution": "uniform", "min": 0.0, "max": 0.5},
            "training.learning_rate": {
                "distribution": "log_uniform_values",
                "min": 1e-05,
                "max": 0.01,
            },
            "training.schedule.name": {"values": ["cosine", "constant"]},
        },
        "command": ["sh", "heads.sh", "${args}"],
    }
    assert "/" not in path.read_text()
    assert (script.name, options.name) == ("heads.sh", "heads.options.yaml")
    assert set(sweep["parameters"]) == set(CHOSEN)


def test_what_the_agent_runs_reaches_the_options_of_train(tmp_path, monkeypatch):
    """The script is run, with a program of that name which only tells its words."""
    monkeypatch.chdir(tmp_path)
    path, _, _ = sweep_in(tmp_path)
    program = tmp_path / "bin" / "examwise"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\npwd\nfor word in "$@"; do printf "%s\\n" "$word"; done\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    environment = {
        **os.environ,
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "WANDB_RUN_ID": "abc123",
    }
    done = subprocess.run(
        agents_command(yaml.safe_load(path.read_text()), CHOSEN),
        cwd=path.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    folder, command, *words = done.stdout.splitlines()
    assert (Path(folder), command) == (tmp_path, "train")
    parser = make_parser("train", "As the command has them.")
    parser.add_argument("stores", nargs="+")
    parser.add_argument("--out", type=Path)
    add_training_options(parser)
    found = parse(parser, words)
    made = parser.instantiate(found)
    assert found.stores == ["my store"]
    assert found.out == Path("my runs/abc123")
    assert found.learner == "weak"
    assert made.model == replace(
        TRAINING.model,
        width=8,
        frozen=("conv1", "layer1"),
        channels_last=False,
        pooling_options={"k": 3},
        dropout=0.25,
    )
    schedule = replace(TRAINING.training.schedule, name="constant")
    assert made.training == replace(TRAINING.training, learning_rate=1.5e-5, schedule=schedule)
    assert made.tracking == TRAINING.tracking


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"training": replace(TRAINING, tracking=TrackingConfig())}, "got trackers none, offline"),
        (
            {"training": replace(TRAINING, tracking=TrackingConfig(trackers=("wandb",)))},
            "wandb_mode online",
        ),
        ({"config": TuningConfig(objective="auc")}, "the objective loss"),
        ({"config": TuningConfig(stop_early=True)}, "no early stop"),
        ({"space": make_space({"model.weights": {"choice": ["", "doe/a.pth"]}})}, "without paths"),
        ({"space": make_space({"model.width": {"choice": [4, 0]}})}, r"model\.width: 0"),
    ],
)
def test_what_cannot_be_swept_is_refused(changes, expected, tmp_path):
    with pytest.raises(InputError, match=expected):
        sweep_in(tmp_path, **changes)
    assert list(tmp_path.iterdir()) == []


def test_a_run_of_a_sweep_has_the_name_that_the_server_gave_it(tmp_path, monkeypatch):
    from examwise.training.trackers.wandb_run import WandbTracker

    found = []

    class StoppedError(Exception):
        pass

    def init(settings):
        found.append(settings.run_id)
        raise StoppedError

    monkeypatch.setenv("WANDB_RUN_ID", "abc123")
    for sweep in (None, "s1"):
        if sweep:
            monkeypatch.setenv("WANDB_SWEEP_ID", sweep)
        tracker = WandbTracker(TrackingConfig(), folder=str(tmp_path))
        monkeypatch.setattr(tracker._wandb, "init", init)
        with pytest.raises(StoppedError):
            tracker.begin(TrackedRun("r1", "run"))
    assert found == ["r1", "abc123"]
