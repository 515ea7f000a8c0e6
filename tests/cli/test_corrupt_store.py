"""A byte that changed in a store ends whatever reads it with one line that names exam and slice."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest

from examwise.cli.main import main
from examwise.core.schemas.store import shard_key
from examwise.imaging.stored_exams import StoredExams

MODEL = ["--model.encoder", "resnet10", "--model.width", "4", "--model.embedding", "8"]
STEPS = ["--training.steps", "2", "--training.validate_every", "1"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, make_store) -> Path:
    """A store and a run of it; then a byte of the second slice of every exam changes."""
    place = tmp_path_factory.mktemp("corrupt")
    make_store(place / "store", n_exams=24)
    assert main(["split", str(place / "store"), "--quiet"]) == 0
    assert main(train(place / "store", place / "run")) == 0
    slices = StoredExams(place / "store").slices.filter(pl.col("slice_index") == 1)
    for exam_id, offset in slices.select("exam_id", "offset").iter_rows():
        shard = place / "store" / shard_key(exam_id)
        content = bytearray(shard.read_bytes())
        content[offset + 5] ^= 0x10
        shard.write_bytes(content)
    return place


def train(store: Path, out: Path) -> list[str]:
    words = ["train", str(store), "--learner", "strong", "--out", str(out), "--quiet"]
    return [*words, *MODEL, *STEPS]


def said(capsys: pytest.CaptureFixture[str]) -> str:
    (line,) = capsys.readouterr().err.splitlines()
    return line


NAMED = re.compile(r"/e\d{4}/.*slice 1: expected bytes with CRC-32C .* restore it")


def test_training(place: Path, tmp_path: Path, capsys) -> None:
    assert main(train(place / "store", tmp_path / "run")) == 2
    assert NAMED.search(said(capsys))


def test_prediction(place: Path, tmp_path: Path, capsys) -> None:
    words = ["predict", str(place / "run"), str(place / "store"), "--split", "test"]
    assert main([*words, "--out", str(tmp_path / "predictions"), "--quiet"]) == 2
    assert NAMED.search(said(capsys))


def test_verification(place: Path, capsys) -> None:
    assert main(["verify", str(place / "store"), "--workers", "1"]) != 0
    told = capsys.readouterr()
    assert re.search(r"e0000.*slices 1\b", told.out + told.err)
