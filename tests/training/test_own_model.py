"""The examples of a model of one's own, from a folder outside the package."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from examwise.cli.main import main
from examwise.core.schemas.predictions import PREDICTED_EXAMS, PREDICTED_SLICES
from examwise.core.storage import Storage
from examwise.data.label_set import all_labels
from examwise.data.splits import read_splits
from examwise.imaging.stored_exams import StoredExams
from examwise.models.config import ModelConfig
from examwise.training.config import TrainingConfig
from examwise.training.train import train_run
from examwise.training.trainer_config import TrainerConfig

EXAMPLES = Path(__file__).parents[2] / "examples" / "own_model"
WORDS = ["--learner", "my_model:MyModel", "--learner-options", "{width: 4}",
         "--trainer.accelerator", "cpu", "--training.steps", "6",
         "--training.validate_every", "2", "--training.exams_per_step", "4", "--quiet"]  # fmt: skip


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    folder = tmp_path_factory.mktemp("elsewhere")
    for name in ("my_model.py", "plain_model.py"):
        shutil.copy(EXAMPLES / name, folder)
    return folder


@pytest.fixture(scope="module")
def run(store, elsewhere, tmp_path_factory):
    out = tmp_path_factory.mktemp("own") / "run"
    words = [sys.executable, "-m", "examwise", "train", store, *WORDS, "--out", str(out)]
    environment = {**os.environ, "PYTHONPATH": str(elsewhere), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        words,
        env=environment,
        cwd=elsewhere.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(autouse=True)
def _importable(elsewhere, monkeypatch):
    monkeypatch.syspath_prepend(str(elsewhere))


def tree(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
    found.pop("provenance.json")
    return found


def test_it_is_predicted_with_and_evaluated(run, store, tmp_path, capsys):
    predictions = tmp_path / "predictions"
    words = ["predict", str(run), store, "--split", "test", "--out", str(predictions)]
    assert main([*words, "--quiet"]) == 0
    exams = PREDICTED_EXAMS.read(Storage(predictions))
    slices = PREDICTED_SLICES.read(Storage(predictions))
    assert exams.height == read_splits(store).filter(pl.col("split") == "test").height
    assert exams["learner"].unique().to_list() == ["my_model:MyModel"]
    sums = slices.group_by("exam_id").agg(pl.col("attention_weight").sum())
    assert sums["attention_weight"].to_list() == pytest.approx([1] * exams.height, abs=1e-5)
    words = ["evaluate", str(predictions), "--replicates", "40", "--out", str(tmp_path / "tables")]
    assert main([*words, "--json"]) == 0
    row = json.loads(capsys.readouterr().out)["exam_metrics"][0]
    assert row["n_exams"] == exams.height
    assert 0 <= row["auc"] <= 1


def test_stopped_and_begun_again_it_ends_in_the_same_bytes(
    run, store, tmp_path, interrupting, interruption
):
    out = tmp_path / "stopped"
    for steps in (1, 3):
        with pytest.raises(interruption):
            train_run(
                stores=[store],
                label_set=all_labels(StoredExams(store), read_splits(store), "any", "exam"),
                learner="my_model:MyModel",
                learner_options={"width": 4},
                model=ModelConfig(),
                training=TrainingConfig(steps=6, validate_every=2, exams_per_step=4),
                trainer=TrainerConfig(accelerator="cpu"),
                out=str(out),
                progress=interrupting(steps),
            )
    assert main(["train", store, *WORDS, "--out", str(out)]) == 0
    assert tree(out) == tree(run)


def test_one_without_the_protocol_is_trained(store, tmp_path, capsys):
    words = ["train", store, "--learner", "plain_model:PlainModel", *WORDS[4:]]
    assert main([*words, "--out", str(tmp_path / "run")]) == 0
    assert (tmp_path / "run" / "manifest.json").is_file()
    words = ["predict", str(tmp_path / "run"), store, "--out", str(tmp_path / "predictions")]
    capsys.readouterr()
    assert main([*words, "--quiet"]) == 2
    assert "exam_output" in capsys.readouterr().err


def test_an_option_that_it_does_not_take_is_refused(store, tmp_path, capsys):
    words = ["train", store, *WORDS, "--learner-options", "{widht: 4}"]
    assert main([*words, "--out", str(tmp_path / "run")]) == 2
    assert "widht" in capsys.readouterr().err


def test_the_documentation_shows_the_example_itself():
    source = (EXAMPLES / "my_model.py").read_text()
    shown = (EXAMPLES.parents[1] / "docs" / "own-models.md").read_text()
    assert source[source.index("class MyModel") :] in shown
    assert len([line for line in source.splitlines() if line.strip()]) <= 40
