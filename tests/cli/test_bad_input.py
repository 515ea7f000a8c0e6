"""Wrong input from the command line: one line, status 2, and nothing touched."""

import csv
import hashlib
import json
import shutil
from pathlib import Path

import pytest

from examwise.cli.main import main

PHANTOM = ["--phantom.n_exams", "6", "--phantom.matrix", "32", "--phantom.max_slices", "8",
           "--phantom.min_slices", "6", "--workers", "1", "--quiet"]  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("phantom") / "archive"
    assert main(["phantom", str(out), *PHANTOM]) == 0
    return out


@pytest.fixture
def archive(made, tmp_path):
    return Path(shutil.copytree(made, tmp_path / "archive"))


def state(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def refuse(capsys, *words):
    """Run, expect a refusal, and return its only line."""
    assert main([str(word) for word in words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err


def ingest(layout, source, store, tmp_path):
    return [
        "ingest", layout, str(source), str(store),
        "--ingest.matrix", "32", "--identity", str(tmp_path / "identity"),
        "--workers", "1", "--quiet",
    ]  # fmt: skip


@pytest.mark.parametrize("layout", ["rsna", "folder"])
def test_empty_folder(layout, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    line = refuse(capsys, *ingest(layout, tmp_path / "empty", tmp_path / "store", tmp_path))
    assert "empty" in line
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("layout", ["rsna", "folder"])
def test_no_folder(layout, tmp_path, capsys):
    line = refuse(capsys, *ingest(layout, tmp_path / "nowhere", tmp_path / "store", tmp_path))
    assert "nowhere" in line
    assert not (tmp_path / "store").exists()


def test_files_that_are_no_dicom(tmp_path, capsys):
    source = tmp_path / "texts"
    source.mkdir()
    for name in ("a.dcm", "b.txt", "c"):
        (source / name).write_text("not a picture")
    line = refuse(capsys, *ingest("folder", source, tmp_path / "store", tmp_path))
    assert "3" in line
    assert not (tmp_path / "store").exists()


def test_unknown_layout(archive, tmp_path, capsys):
    line = refuse(capsys, *ingest("nifty", archive, tmp_path / "store", tmp_path))
    assert "expected one of rsna, cq500, ct-ich, folder, got nifty" in line


def rewrite_labels(archive, change):
    path = archive / "stage_2_train.csv"
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(change(rows))


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: [*rows, *[["ID_fffffffff_" + kind, "0"] for kind in _kinds(rows)]],
        lambda rows: [row for row in rows if not row[0].startswith(rows[1][0][:12])],
    ],
    ids=["unknown image", "image without label"],
)
def test_label_file_that_does_not_match(change, archive, tmp_path, capsys):
    rewrite_labels(archive, change)
    before = state(archive)
    line = refuse(capsys, *ingest("rsna", archive, tmp_path / "store", tmp_path))
    assert "allow_unmatched_labels" in line
    assert not (tmp_path / "store").exists()
    assert state(archive) == before
    words = ingest("rsna", archive, tmp_path / "store", tmp_path)
    assert main([*words, "--ingest.allow_unmatched_labels", "true"]) == 0


def _kinds(rows):
    return sorted({row[0].rpartition("_")[2] for row in rows[1:]})


def test_label_that_is_neither_0_nor_1(archive, tmp_path, capsys):
    rewrite_labels(archive, lambda rows: [*rows[:4], [rows[4][0], "2"], *rows[5:]])
    line = refuse(capsys, *ingest("rsna", archive, tmp_path / "store", tmp_path))
    assert "row" in line
    assert not (tmp_path / "store").exists()


def test_truncated_image_is_set_aside_and_counted(archive, tmp_path, capsys):
    victim = sorted((archive / "stage_2_train").iterdir())[3]
    victim.write_bytes(victim.read_bytes()[:-700])
    words = ingest("rsna", archive, tmp_path / "store", tmp_path)
    words.remove("--quiet")
    assert main([*words, "--json"]) == 3
    result = json.loads(capsys.readouterr().out)
    assert result["status"] == "done_with_items_set_aside"
    assert sum(result["set_aside"].values()) == 1
    assert result["n_exams"] == 6


def test_store_of_another_schema_version(archive, tmp_path, capsys):
    store = tmp_path / "store"
    assert main(ingest("rsna", archive, store, tmp_path)) == 0
    manifest = json.loads((store / "manifest.json").read_text())
    (store / "manifest.json").write_text(json.dumps({**manifest, "schema_version": 99}))
    before = state(store)
    assert "expected schema version 2, got 99" in refuse(capsys, "split", store)
    assert state(store) == before


def test_directory_that_is_no_store(tmp_path, capsys):
    (tmp_path / "x").mkdir()
    line = refuse(capsys, "split", tmp_path / "x")
    assert "expected a finished exam-store directory" in line


def test_foreign_directory_is_left_alone(archive, tmp_path, capsys):
    thesis = tmp_path / "thesis"
    thesis.mkdir()
    (thesis / "chapter1.tex").write_text("precious")
    before = state(thesis)
    assert "choose another" in refuse(capsys, *ingest("rsna", archive, thesis, tmp_path))
    assert "choose another" in refuse(capsys, "phantom", thesis, *PHANTOM)
    assert "choose another" in refuse(capsys, "study", "--out", thesis)
    assert state(thesis) == before


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["study", "nofile.yaml", "--out", "x"], "nofile.yaml: expected a study file"),
        (["study"], "required: out"),
        (["phantom", "x", "--phantom.n_exams", "0"], "n_exams"),
        (["phantom", "x", "--phantom.n_exams", "many"], "n_exams"),
        (["phantom", "x", "--layout", "dicomdir"], "layout: expected one of rsna"),
        (["phantom", "x", "--workers", "0"], "--workers: expected 1 or more"),
        (["train", "x", "--out", "y", "--learner", "medium"], "expected one of strong, weak"),
        (["predict", "norun", "x", "--out", "y"], "norun"),
        (["evaluate", "nopredictions", "--out", "y"], "nopredictions"),
        (["report", "nostudy"], "nostudy"),
    ],
)
def test_wrong_words(words, part, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert part in refuse(capsys, *words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "study file"),
        ("study: &a\n  x: *a\n", "contains itself"),
        ("study: [1, 2", "study file"),
        ("study: {target_auc: 0.8}", "arms"),
        ("study:\n  target_auc: 0.8\n  arms: []\n", "at least one arm"),
        ("study:\n  target_acu: 0.8\n  arms: []\n", "target_acu"),
    ],
)
def test_wrong_study_file(text, part, tmp_path, capsys):
    path = tmp_path / "study.yaml"
    path.write_text(text)
    line = refuse(capsys, "study", path, "--out", tmp_path / "out")
    assert part in line
    assert not (tmp_path / "out").exists()


def test_full_disk(archive, tmp_path, capsys, monkeypatch):
    import errno

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    line = refuse(capsys, *ingest("rsna", archive, tmp_path / "store", tmp_path))
    assert "full disk" in line
    monkeypatch.undo()
    assert main(ingest("rsna", archive, tmp_path / "store", tmp_path)) == 0


def test_a_full_disk_beside_the_key_names_its_folder(archive, tmp_path, capsys, monkeypatch):
    import errno
    import os

    real, identity = os.fsync, tmp_path / "identity"

    def full(handle):
        if Path(f"/proc/self/fd/{handle}").readlink().is_relative_to(identity):
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    if not Path("/proc/self/fd").exists():
        pytest.skip("tells files apart by /proc")
    monkeypatch.setattr("os.fsync", full)
    line = refuse(capsys, *ingest("rsna", archive, tmp_path / "store", tmp_path))
    assert f"{identity}: expected room to write, got a full disk" in line


@pytest.mark.parametrize("name", ["task.yaml", "colours.yaml"])
def test_a_key_that_stands_twice(name, archive, tmp_path, capsys):
    path = tmp_path / name
    path.write_text("name: one\nfindings: [a]\nname: two\n")
    options = ["--task", path]
    if name == "colours.yaml":
        path.write_text('colours:\n  "#ff0000": any\n  "#ff0000": subdural\n')
        options = ["--masks", tmp_path / "masks", "--mask-colours", path]
        (tmp_path / "masks").mkdir()
    line = refuse(capsys, *ingest("folder", archive, tmp_path / "store", tmp_path), *options)
    assert f"{path}, line 3: expected YAML" in line
    assert "twice" in line
