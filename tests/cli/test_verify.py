"""``examwise verify`` and ``examwise split --given`` by the command line."""

import json

import polars as pl
import pytest

from examwise.cli.main import main
from examwise.core.schemas.store import shard_key


@pytest.fixture
def store(make_store, tmp_path):
    make_store(tmp_path / "s", n_exams=6, matrix=16)
    return tmp_path / "s"


def test_a_whole_store(store, tmp_path, capsys):
    words = ["verify", str(store), "--workers", "1"]
    assert main([*words, "--out", str(tmp_path / "out")]) == 0
    captured = capsys.readouterr()
    assert "whole, 6 doubts" in captured.out
    assert "6 exams of 6 patients" in captured.out
    assert captured.err.count("examwise: doubt: ") == 6
    assert (tmp_path / "out" / "fingerprint.html").exists()
    assert main([*words, "--out", str(tmp_path / "out"), "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    assert main([*words, "--strict"]) == 2
    assert main([*words, "--quick", "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["status"] == "done"
    assert found["fingerprint"]["hu"] is None
    assert found["fingerprint"]["exams"] == 6


def test_a_damaged_store(store, tmp_path, capsys):
    words = ["verify", str(store), "--workers", "1"]
    assert main([*words, "--out", str(tmp_path / "out"), "--quiet"]) == 0
    capsys.readouterr()
    for exam in ("e0001", "e0003"):
        path = store / shard_key(exam)
        data = bytearray(path.read_bytes())
        data[20] ^= 1
        path.write_bytes(bytes(data))
    assert main([*words, "--out", str(tmp_path / "out"), "--json"]) == 2
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert found["status"] == "wrong_input"
    assert {fault["exam_id"] for fault in found["faults"]} == {"e0001", "e0003"}
    for exam in ("e0001", "e0003"):
        assert f"{exam}/c/0/0/0: expected slices with the checksum" in captured.err
    assert "write this one into another directory" in captured.err
    pl.read_parquet(store / "exams.parquet")[1:].write_parquet(store / "exams.parquet")
    assert main(words) == 2
    assert "No fingerprint" in capsys.readouterr().out


def test_what_is_no_store(tmp_path, capsys):
    folder = tmp_path / "folder"
    folder.mkdir()
    assert main(["verify", str(folder), "--out", str(tmp_path / "out")]) == 2
    assert "expected a finished exam-store directory" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_given_split(store, tmp_path, capsys):
    exams = pl.read_parquet(store / "exams.parquet").select("exam_id")
    path = tmp_path / "split.csv"
    exams[1:].with_columns(split=pl.lit("train")).write_csv(path)
    assert main(["split", str(store), "--given", str(path)]) == 2
    assert "1 of 6 exams without one" in capsys.readouterr().err
    exams.with_columns(split=pl.lit("train")).write_csv(path)
    assert main(["split", str(store), "--given", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n_exams"]["train"] == 6
    assert main(["split", str(store), "--finding", "[any, subdural]"]) == 2
    assert "--replace" in capsys.readouterr().err
    assert main(["split", str(store), "--finding", "[any, subdural]", "--replace"]) == 0
    assert main(["verify", str(store), "--workers", "1", "--quiet"]) == 0


def test_a_fingerprint_is_not_written_into_its_store(store, capsys):
    before = sorted(store.rglob("*"))
    assert main(["verify", str(store), "--out", str(store / "out"), "--workers", "1"]) == 2
    assert "expected a folder outside of the store" in capsys.readouterr().err
    assert sorted(store.rglob("*")) == before


def test_a_key_in_a_store_is_a_fault(store, capsys):
    (store / "identity").mkdir()
    (store / "identity" / "key").write_text("00")
    assert main(["verify", str(store), "--workers", "1", "--quick", "--json"]) == 2
    captured = capsys.readouterr()
    assert [fault["code"] for fault in json.loads(captured.out)["faults"]] == ["identity"]
    assert "got 1 file named key; move it out" in captured.err
