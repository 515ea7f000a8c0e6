"""Options that say where work runs."""

import os
import sys

import pytest

from examwise.cli.main import main
from examwise.core.errors import InputError

COMMANDS = {
    "ingest": ["rsna", "source", "store"],
    "verify": ["store"],
    "phantom": ["archive"],
}


TRAINED = {
    "study": ["--out", "study"],
    "crossval": ["store", "--learner", "weak", "--out", "folds"],
}
"""Commands whose runs may want GPUs."""


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def refusal(capsys, *words):
    assert main([*words, "--quiet"]) == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("command", [*COMMANDS, *TRAINED])
def test_workers_and_cluster_together(capsys, command):
    words = (COMMANDS | TRAINED)[command]
    said = refusal(capsys, command, *words, "--workers", "2", "--ray", "local")
    assert "--workers and --ray: expected one of them at most" in said


@pytest.mark.parametrize("command", COMMANDS)
def test_cluster_without_its_package(capsys, monkeypatch, command):
    monkeypatch.setitem(sys.modules, "ray", None)
    said = refusal(capsys, command, *COMMANDS[command], "--ray", "auto")
    assert "pip install 'examwise[ray]'" in said


def test_no_address(capsys):
    assert "expected auto, local or host:port" in refusal(
        capsys, "verify", "store", "--ray", "everywhere"
    )


@pytest.mark.parametrize("command", TRAINED)
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--devices", "0", "--ray", "auto"], "--devices and --ray: expected one of them at most"),
        (["--devices", "first"], "expected numbers of GPUs, as in 0,1, each once, got first"),
        (["--devices", "0,0"], "expected numbers of GPUs, as in 0,1, each once, got 0,0"),
        (["--devices", "0"], "PyTorch finds here (none), got 0; leave it out, to train on the"),
        (["--runs-per-device", "0"], "--runs-per-device: expected 1 or more, got 0"),
        (["--runs-per-device", "2"], "--runs-per-device: expected a GPU that PyTorch finds"),
        (["--workers", "0"], "--workers: expected 1 or more, got 0"),
    ],
)
def test_devices_that_cannot_be_had(capsys, monkeypatch, command, words, said):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    assert said in refusal(capsys, command, *TRAINED[command], *words)


def test_devices_are_counted_among_those_that_are_seen(monkeypatch):
    from examwise.training.visible_devices import devices_to_use

    monkeypatch.setattr("torch.cuda.device_count", lambda: 3)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert devices_to_use(None) == ("0", "1", "2")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,GPU-1a")
    assert devices_to_use(None) == ("4", "5", "GPU-1a")
    with pytest.raises(InputError, match=r"finds here \(0, 1, 2\), got 3"):
        devices_to_use("3")
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "4,5,GPU-1a"
    assert devices_to_use("2, 0") == ("GPU-1a", "4")
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "GPU-1a,4"
    assert devices_to_use(None) == ("GPU-1a", "4")
