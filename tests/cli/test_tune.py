"""Tuning by its command, and training with what it found."""

import json

import pytest
import yaml

from examwise.cli.main import main
from examwise.data.splits import split_store

pytest.importorskip("optuna")

MODEL = ["--model.encoder", "resnet10", "--model.width", "4", "--model.embedding", "8",
         "--training.steps", "2", "--training.exams_per_step", "4",
         "--training.validation_minimum", "4", "--trainer.accelerator", "cpu"]  # fmt: skip


@pytest.fixture(scope="module")
def store(make_store, tmp_path_factory):
    url = make_store(tmp_path_factory.mktemp("tune") / "s", n_exams=24, matrix=16)
    split_store(url, fractions=(0.4, 0.4, 0.2))
    return url


@pytest.fixture
def space(tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text(
        "training.learning_rate: {log_uniform: [1e-4, 1e-2]}\n"
        "model.pooling: {choice: [mean, top_k]}\n"
    )
    return path


def words(store, space, out, *more):
    return ["tune", store, "--learner", "strong", "--space", str(space), "--out", str(out),
            "--trials", "2", *MODEL, *more]  # fmt: skip


def one_by_one(work, next_trial, *, n_workers, on_gpu, advance):
    """Stands in for Ray, which takes its time to start."""
    assert (n_workers, on_gpu) == (1, False)
    while (number := next_trial()) is not None:
        work(number)
        advance()


def test_tune_again_and_train_with_the_best(store, space, tmp_path, capfd, monkeypatch):
    monkeypatch.setattr("examwise.studies.tuning.tune.run_side_by_side", one_by_one)
    out = tmp_path / "t"
    assert main(words(store, space, out, "--json")) == 0
    captured = capfd.readouterr()
    found = json.loads(captured.out)
    assert captured.err == ""
    assert (found["n_done"], found["n_failed"], found["n_done_before"]) == (2, 0, 0)
    assert set(found["best_options"]) == {"training.learning_rate", "model.pooling"}
    assert main(words(store, space, out)) == 0
    said = capfd.readouterr().out
    assert "2 trials done; 2 finished before" in said
    name = f"t{found['best_trial']:04d}"
    assert f"Best: {name}, validation loss {found['best_objective']:.4f}" in said
    best = yaml.safe_load((out / "best.yaml").read_text())
    assert best["model"]["pooling"] == found["best_options"]["model.pooling"]
    run = tmp_path / "run"
    assert main(["train", store, "--config", str(out / "best.yaml"), "--out", str(run)]) == 0
    for file in ("model.safetensors", "model.json", "metrics.parquet"):
        assert (run / file).read_bytes() == (out / "trials" / name / file).read_bytes()


def test_a_sweep_is_written_and_nothing_trained(store, space, tmp_path, capsys):
    more = ["--wandb-sweep", str(tmp_path / "w" / "sweep.yaml"), "--tracking.trackers", "[wandb]",
            "--tracking.wandb_mode", "online"]  # fmt: skip
    assert main(words(store, space, tmp_path / "t", *more)) == 0
    assert "The server sees sweep.yaml" in capsys.readouterr().out
    names = sorted(path.name for path in (tmp_path / "w").iterdir())
    assert names == ["sweep.options.yaml", "sweep.sh", "sweep.yaml"]
    assert not (tmp_path / "t").exists()


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (["--trials", "0"], "tuning, trials: expected a whole number, at least 1"),
        (["--objective", "accuracy"], "--objective"),
        (["--objective", "auc", "--stop-early"], "the objective loss"),
        (["--workers", "0"], "--workers: expected 1 or more"),
        (["--trainer.devices", "2"], "one device a run"),
        (["--learner", "nobody"], "learner: expected one of"),
        (["--space", "none.yaml"], "none.yaml: expected a space file (YAML), got no such file"),
        (["--wandb-sweep", "s.yaml"], "W&B sweep: expected runs that W&B follows"),
    ],
)
def test_wrong_words(store, space, tmp_path, more, expected, capsys):
    assert main(words(store, space, tmp_path / "t", *more)) == 2
    error = capsys.readouterr().err
    assert expected in error
    assert error.count("\n") == 1
    assert not (tmp_path / "t").exists()
