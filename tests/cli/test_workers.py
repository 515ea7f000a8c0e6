"""Options that say where work runs."""

import sys

import pytest

from examwise.cli.main import main

COMMANDS = {
    "ingest": ["rsna", "source", "store"],
    "verify": ["store"],
    "phantom": ["archive"],
}


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def refusal(capsys, *words):
    assert main([*words, "--quiet"]) == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_workers_and_cluster_together(capsys, command):
    said = refusal(capsys, command, *COMMANDS[command], "--workers", "2", "--ray", "local")
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
