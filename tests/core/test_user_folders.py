from __future__ import annotations

from pathlib import Path

import pytest

from examwise.core.errors import InputError
from examwise.core.user_folders import user_folder


def place():
    return user_folder("weights", variable="EXAMWISE_WEIGHTS", remedy="name one")


def test_the_environment_comes_first_then_the_data_folder_then_the_home(monkeypatch, tmp_path):
    monkeypatch.setenv("EXAMWISE_WEIGHTS", str(tmp_path / "mine"))
    assert place() == tmp_path / "mine"
    monkeypatch.delenv("EXAMWISE_WEIGHTS")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert place() == tmp_path / "data" / "examwise" / "weights"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert place() == tmp_path / ".local" / "share" / "examwise" / "weights"


def test_a_user_without_a_home_is_told_so(monkeypatch):
    def no_home():
        raise RuntimeError

    monkeypatch.delenv("EXAMWISE_WEIGHTS", raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    with pytest.raises(InputError, match=r"weights folder: .*name one"):
        place()
