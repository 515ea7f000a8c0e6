"""``examwise pretrain`` from the command line."""

import json

import polars as pl
import pytest

from examwise.cli.main import main
from examwise.data.splits import write_splits

BRIEF = ["--model.width", "4", "--pretraining.steps", "2", "--pretraining.slices_per_step", "4",
         "--pretraining.accelerator", "cpu"]  # fmt: skip


@pytest.fixture(scope="module")
def store(make_store, tmp_path_factory):
    url = make_store(tmp_path_factory.mktemp("pretrain") / "store", n_exams=4)
    numbers = range(4)
    frame = pl.DataFrame(
        {
            "exam_id": [f"e{number:04d}" for number in numbers],
            "patient_key": [f"p{number:04d}" for number in numbers],
            "split": ["train", "train", "validation", "test"],
        }
    )
    write_splits(url, frame, options={})
    return url


def test_pretrain_and_again(store, tmp_path, capsys):
    words = ["pretrain", store, "--out", str(tmp_path / "encoder"), *BRIEF]
    assert main([*words, "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert first["status"] == "done"
    assert (first["n_exams"], first["n_exams_left_out"], first["steps"]) == (3, 1, 2)
    assert main(words) == 0
    captured = capsys.readouterr()
    assert "no label read; 1 exams left out for testing" in captured.out
    assert "Data: synthetic" in captured.out


def test_progress_is_said(store, tmp_path, capsys):
    assert main(["pretrain", store, "--out", str(tmp_path / "encoder"), *BRIEF]) == 0
    assert "Pretraining on pasted_shapes: 2/2" in capsys.readouterr().err


def test_a_store_without_splits(make_store, tmp_path, capsys):
    store = make_store(tmp_path / "store", n_exams=2)
    words = ["pretrain", store, "--out", str(tmp_path / "encoder"), *BRIEF, "--quiet"]
    assert main(words) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "--allow-unsplit" in error
    assert not (tmp_path / "encoder").exists()
    assert main([*words[:-1], "--allow-unsplit"]) == 0
    assert "must not be tested on any of their patients" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--pretraining.pretext", "jigsaw"], "pretext: expected one of pasted_shapes"),
        (["--pretraining.pretext_options", '{"share": 2}'], "share: expected a share, 0 to 1"),
        (
            ["--model.encoder", "torch.nn:AvgPool2d", "--model.encoder_options.kernel_size", "4"],
            "gives maps of its stages",
        ),
        (["--pretraining.steps", "many"], "--pretraining.steps: expected a whole number"),
    ],
)
def test_wrong_words(words, part, store, tmp_path, capsys):
    out = tmp_path / "encoder"
    assert main(["pretrain", store, "--out", str(out), *BRIEF[2:], *words, "--quiet"]) == 2
    error = capsys.readouterr().err
    assert part in error
    assert error.count("\n") == 1
    assert not out.exists()


def test_training_begins_from_it_unless_it_has_seen_test_patients(make_store, tmp_path, capsys):
    store = make_store(tmp_path / "store")
    words = ["pretrain", store, *BRIEF, "--quiet"]
    assert main([*words, "--allow-unsplit", "--out", str(tmp_path / "all")]) == 0
    assert main(["split", store, "--fractions", "[0.5, 0.25, 0.25]", "--quiet"]) == 0
    assert main([*words, "--out", str(tmp_path / "fair")]) == 0
    model = ["--model.encoder", "slim_resnet18", *BRIEF[:2], "--model.embedding", "8",
             "--model.extra_windows", "[[80, 200], [400, 1200]]"]  # fmt: skip
    brief = ["--training.steps", "2", "--training.validate_every", "2", "--quiet"]
    train = ["train", store, "--learner", "weak", *model, *brief]
    for name, status in (("fair", 0), ("all", 2)):
        weights = ["--model.weights", str(tmp_path / name), "--out", str(tmp_path / f"run-{name}")]
        assert main([*train, *weights]) == status
    assert "have not learned from test patients" in capsys.readouterr().err
    learned = pl.read_parquet(tmp_path / "run-fair" / "learned_patients.parquet")
    pretrained = pl.read_parquet(tmp_path / "fair" / "learned_patients.parquet")
    assert set(pretrained["patient_key"]) <= set(learned["patient_key"])
