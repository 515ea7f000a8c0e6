from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from examwise.core.errors import InputError, IntegrityError
from examwise.core.schemas.run import CHECKPOINT
from examwise.training.optimizer_config import OptimizerConfig
from examwise.training.schedule_config import ScheduleConfig
from examwise.training.train import train_run
from examwise.training.trainer_config import TrainerConfig

COMPARED = (
    "label_set.parquet",
    "learned_patients.parquet",
    "manifest.json",
    "metrics.parquet",
    "model.json",
    "model.safetensors",
    "position_histogram.json",
    "stage.json",
    "thresholds.json",
)


def tree(folder):
    found = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*")}
    found.pop("provenance.json")
    return found


@pytest.fixture
def train(store, label_sets, small_model, short_training):
    def run(out, *, learner="weak", progress=None, trainer=None, model=None, **changes):
        return train_run(
            stores=[store],
            label_set=label_sets[learner],
            learner=learner,
            model=replace(small_model, **(model or {})),
            training=replace(short_training, **changes),
            trainer=trainer or TrainerConfig(accelerator="cpu"),
            out=str(out),
            progress=progress,
        )

    return run


@pytest.mark.parametrize(
    "options",
    [
        {"learner": "strong", "validation_minimum": 5},
        {"learner": "strong", "validation_minimum": 10_000},
        {"learner": "weak", "validation_minimum": 5},
        {"learner": "weak", "validation_minimum": 10_000, "average": 0.7},
        {"learner": "mixed", "average": 0.7, "accumulate": 2, "slice_subset_minimum": 3},
        {"learner": "weak", "augmentation": "head", "optimizer": OptimizerConfig("sgd")},
        {"learner": "position", "schedule": ScheduleConfig("stepwise"), "patience": 1},
    ],
    ids=lambda options: "-".join(options),
)
def test_an_interrupted_run_ends_in_the_same_bytes(
    train, tmp_path, interrupting, interruption, options
):
    expected = train(tmp_path / "whole", **options)
    out = tmp_path / "interrupted"
    # Checkpoints after steps 4, 8 and 10: stopped before any, between two, at the very step of
    # one before it is written, and just after one.
    for steps in (2, 6, 7, 8):
        if steps < expected.steps:
            with pytest.raises(interruption):
                train(out, progress=interrupting(steps), **options)
    assert train(out, **options) == expected
    whole = tree(tmp_path / "whole")
    assert sorted(whole) == sorted(COMPARED)
    assert tree(out) == whole


def test_a_run_stopped_between_the_last_checkpoint_and_the_end_is_finished(
    train, tmp_path, monkeypatch
):
    expected = train(tmp_path / "whole")

    def stop(*_arguments, **_options):
        raise RuntimeError("stopped")

    out = tmp_path / "stopped"
    with monkeypatch.context() as patch:
        patch.setattr("examwise.training.finished_run.save_model", stop)
        with pytest.raises(RuntimeError, match="stopped"):
            train(out)
    assert (out / CHECKPOINT).is_file()
    assert train(out) == expected
    assert tree(out) == tree(tmp_path / "whole")
    assert not (out / CHECKPOINT).parent.exists()


def test_neither_workers_nor_memory_nor_the_global_generator_change_a_byte(train, tmp_path):
    torch.manual_seed(1)
    state = torch.random.get_rng_state()
    train(tmp_path / "one")
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.manual_seed(2)
    train(tmp_path / "other", n_workers=1, cache_mb=0)
    assert tree(tmp_path / "one") == tree(tmp_path / "other")


def test_another_seed_gives_another_run(train, tmp_path):
    one, other = train(tmp_path / "one"), train(tmp_path / "other", seed=4)
    assert one.run_id != other.run_id
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "other")]
    assert weights[0] != weights[1]


def test_other_options_are_refused(train, tmp_path, interrupting, interruption):
    with pytest.raises(interruption):
        train(tmp_path / "r", progress=interrupting(5))
    with pytest.raises(InputError, match=r"go on with configuration.training.learning_rate"):
        train(tmp_path / "r", learning_rate=1e-4)


def test_a_damaged_checkpoint_is_named(train, tmp_path, interrupting, interruption):
    with pytest.raises(interruption):
        train(tmp_path / "r", progress=interrupting(5))
    checkpoint = Path(tmp_path / "r" / CHECKPOINT)
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(IntegrityError, match=r"last\.ckpt: expected a checkpoint"):
        train(tmp_path / "r")


def test_ctrl_c_stays_ctrl_c(train, tmp_path, interrupting):
    import signal

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "r", progress=interrupting(5, KeyboardInterrupt))
    assert signal.getsignal(signal.SIGINT) is before
    assert train(tmp_path / "r").steps == 10
