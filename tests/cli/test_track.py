import json

import pytest

from examwise.cli.main import main
from examwise.core.pictures import Picture, write_pictures
from examwise.core.schemas.pictures import PNG_SIGNATURE
from examwise.core.stage import Stage


@pytest.fixture
def directory(tmp_path):
    folder = tmp_path / "saliency"
    stage = Stage.begin(folder, kind="fingerprint", configuration={"a": 1}, inputs={}, seed=None)
    picture = Picture("e0001", PNG_SIGNATURE + b"rest", "Saliency of exam e0001.")
    write_pictures(stage.storage, [picture], run_id="weak-1")
    stage.finish()
    return folder


def test_a_directory_is_sent_beside_itself(directory, capsys):
    assert main(["track", str(directory), "--trackers", "csv", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "status": "done",
        "run_ids": ["weak-1"],
        "trackers": ["csv"],
        "folder": f"{directory}-tracking",
    }
    place = directory.with_name("saliency-tracking") / "csv" / "weak-1"
    assert (place / "pictures/fingerprint/e0001.txt").read_text() == "Saliency of exam e0001.\n"
    words = ["track", str(directory), "--trackers", "csv", "--name", "here"]
    assert main([*words, "--folder", str(directory.parent / "own")]) == 0
    assert "sent to csv as weak-1" in capsys.readouterr().out
    assert (directory.parent / "own/csv/weak-1/pictures/here/e0001.png").is_file()


def test_loggers_are_named_as_json(directory, tmp_path, capsys):
    logger = {
        "logger": "lightning.pytorch.loggers.CSVLogger",
        "options": {"save_dir": str(tmp_path / "logs"), "name": "a", "version": "b"},
    }
    assert main(["track", str(directory), "--loggers", json.dumps([logger]), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["trackers"] == [logger["logger"]]
    assert "run_id: weak-1" in (tmp_path / "logs/a/b/hparams.yaml").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "expected --trackers or --loggers, got neither"),
        (["--trackers", "aim"], "one of csv, wandb, mlflow, tensorboard, got aim"),
        (["--trackers", "csv", "csv"], "each once"),
        (
            ["--trackers", "wandb", "--wandb_mode", "on"],
            "expected one of offline, online, disabled",
        ),
    ],
)
def test_wrong_words_are_refused(directory, words, message, capsys):
    assert main(["track", str(directory), *words]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_tracker_that_fails_is_said(directory, capsys):
    place = directory.with_name("saliency-tracking") / "csv" / "weak-1"
    place.mkdir(parents=True)
    (place / "metrics.csv").write_text("no,steps\n1,2\n")
    assert main(["track", str(directory), "--trackers", "csv"]) == 2
    error = capsys.readouterr().err
    assert "tracker csv: expected it to take what it was sent, got InputError" in error


def test_other_folders_are_refused(tmp_path, capsys):
    assert main(["track", str(tmp_path), "--trackers", "csv"]) == 2
    assert "got another folder" in capsys.readouterr().err
