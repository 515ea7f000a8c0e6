"""Adding to a store, withdrawing from it and migrating it, through the command line."""

import contextlib
import json
import shutil
import zipfile
from pathlib import Path

import polars as pl
import pytest

from examwise.cli.main import main

GOLDEN = Path(__file__).parents[1] / "data" / "golden" / "store_v1.zip"


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """A synthetic archive of eight exams."""
    out = tmp_path_factory.mktemp("phantom") / "archive"
    words = ["phantom", str(out), "--layout", "ct-ich", "--exams", "8", "--matrix", "32"]
    assert main([*words, "--quiet", "--workers", "1"]) == 0
    return out


@pytest.fixture(scope="module")
def split_store(archive, tmp_path_factory):
    """A split store of all exams but the last two."""
    folder = tmp_path_factory.mktemp("store")
    first = Path(shutil.copytree(archive, folder / "first"))
    for name in ("ct_scans", "masks"):
        for path in sorted((first / name).iterdir())[-2:]:
            path.unlink()
    assert run("ingest", "ct-ich", first, folder / "store", *options(folder), *UNMATCHED) == 0
    words = ("--fractions", "[0.4,0.2,0.4]")
    assert run("split", folder / "store", *words, "--seed", "3") == 0
    return folder


UNMATCHED = ("--ingest.allow_unmatched_labels", "true")


def options(folder):
    return ("--identity", folder / "identity", "--ingest.matrix", "32", "--workers", "1")


def run(*words):
    return main([str(word) for word in words])


@pytest.fixture
def folder(split_store, tmp_path):
    return Path(shutil.copytree(split_store, tmp_path / "copy"))


def forget_first(archive):
    for name in ("ct_scans", "masks"):
        sorted((archive / name).iterdir())[0].unlink()


def said(capsys):
    captured = capsys.readouterr()
    return captured.out + captured.err


def test_add_withdraw_and_go_on(archive, folder, capsys):
    store = folder / "store"
    words = ("ingest", "ct-ich", archive, store, *options(folder), "--append")
    assert run(*words) == 0
    text = said(capsys)
    assert "Added to" in text
    assert "The store now holds 8 exams" in text
    assert "2 exams have no part yet: examwise split STORE" in text
    record = json.loads((store / "commits" / "labels" / "000001.json").read_text())
    assert record["payload"]["counts"] == {"exams_in_store": 6}
    assert not record["payload"]["labels"]["exam_id"]
    assert run(*words) == 0
    text = said(capsys)
    assert "nothing new; this very delivery had come in before" in text
    assert "2 exams have no part yet: examwise split STORE" in text

    assert run("verify", store) == 0
    assert "examwise split STORE" in said(capsys)
    assert run("train", store, "--learner", "weak", "--out", folder / "run") == 2
    assert "2 of 8 exams without one; run: examwise split STORE" in said(capsys)
    assert run("split", store, "--seed", "4") == 2
    assert "no other split" in said(capsys)
    parts = pl.read_parquet(store / "splits.parquet")
    assert run("split", store) == 0
    now = pl.read_parquet(store / "splits.parquet")
    assert now.height == 8
    assert parts.join(now, on=parts.columns, how="anti").is_empty()
    assert json.loads((store / "splits.json").read_text())["seed"] == 3
    said(capsys)

    exams = now["exam_id"].to_list()
    words = ("remove", store, "--identity", folder / "identity")
    assert run(*words, "--exam", exams[0], "--exam", exams[1], exams[2]) == 0
    text = said(capsys)
    assert "3 exams taken out" in text
    assert "No runs, encoders, predictions, evaluations or studies were looked through" in text
    assert "may still hold traces" in text
    assert run(*words, "--exam", exams[0], "--runs", folder) == 0
    assert "reports kept outside of their study are not looked through" in said(capsys)
    assert run(*words, "--exam", exams[0], "--runs", folder, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["n_removed"], result["looked_through"], result["seen_by"]) == (0, 0, [])
    assert run(*words, "--exam", "e-unknown") == 2
    assert run(*words, "--exam", exams[3], "--runs", folder / "nowhere") == 2
    assert run(*words) == 2
    assert run("verify", store) == 0
    assert run("ingest", "ct-ich", archive, store, *options(folder), "--append") == 0
    assert pl.read_parquet(store / "exams.parquet").height == 5


def test_options_of_a_draw_beside_a_given_split(folder, capsys):
    store = folder / "store"
    table = pl.read_parquet(store / "splits.parquet").select("exam_id", "split")
    table.write_csv(folder / "given.csv")
    words = ("split", store, "--given", folder / "given.csv")
    assert run(*words, "--seed", "1") == 2
    assert "got --seed; leave one of the two out" in said(capsys)
    assert run(*words, "--fractions", "[0.5, 0.2, 0.3]") == 2
    assert run(*words) == 0


def test_a_store_of_version_1(tmp_path, capsys):
    store = tmp_path / "store"
    with zipfile.ZipFile(GOLDEN) as archive:
        archive.extractall(store)
    assert run("verify", store, "--quick") == 2
    assert "examwise migrate STORE" in said(capsys)
    assert run("migrate", store) == 0
    assert "from schema version 1 to 2" in said(capsys)
    assert run("verify", store, "--quick") == 0
    assert run("migrate", store) == 0
    assert "has schema version 2 already" in said(capsys)
    assert run("migrate", tmp_path / "nowhere") == 2


def test_a_migrated_store_trains_and_predicts(tmp_path):
    store = tmp_path / "store"
    with zipfile.ZipFile(GOLDEN) as archive:
        archive.extractall(store)
    assert run("migrate", store, "--quiet") == 0
    words = ("--training.steps", "2", "--quiet")
    assert run("train", store, "--learner", "strong", "--out", tmp_path / "run", *words) == 0
    assert run("predict", tmp_path / "run", store, "--out", tmp_path / "p", "--quiet") == 0


def test_an_addition_of_nothing_still_tells_of_exams_without_a_part(archive, folder, capsys):
    words = ("ingest", "ct-ich", archive, folder / "store", *options(folder), "--append")
    assert run(*words) == 0
    other = Path(shutil.copytree(archive, folder / "other"))
    forget_first(other)
    said(capsys)
    words = ("ingest", "ct-ich", other, folder / "store", *options(folder), *UNMATCHED)
    assert run(*words, "--append") == 0
    text = said(capsys)
    assert "Added to" in text
    assert "Passed over: 7 exams that are in the store already" in text
    assert "2 exams have no part yet: examwise split STORE" in text
    assert run("split", folder / "store") == 0
    forget_first(other)
    said(capsys)
    assert run(*words, "--append") == 0
    assert "no part yet" not in said(capsys)


def every_file(store):
    return {
        path: path.read_bytes()
        for path in store.rglob("*")
        if path.is_file() and path.name != "provenance.json"
    }


@pytest.mark.parametrize("has_masks", [True, False])
def test_an_unfinished_addition_is_taken_back(archive, folder, capsys, monkeypatch, has_masks):
    store = folder / "store"
    if not has_masks:  # the addition then brings the first ones
        shutil.rmtree(store)
        shutil.rmtree(folder / "first" / "masks")
        words = ("ingest", "ct-ich", folder / "first", store, *options(folder), *UNMATCHED)
        assert run(*words) == 0
    before = every_file(store)
    words = ("ingest", "ct-ich", archive, store, *options(folder), "--append")
    with monkeypatch.context() as patch:
        patch.setattr("examwise.imaging.store_writer.latest_series", None)
        with contextlib.suppress(TypeError):
            run(*words)
    assert not (store / "manifest.json").exists()
    back = ("remove", store, "--identity", folder / "identity", "--unfinished-addition")
    said(capsys)
    assert run("remove", store, "--exam", "e1") == 2
    assert "unfinished addition" in said(capsys)
    assert run(*back, "--exam", "e1") == 2
    assert "no exams, patients or runs beside it, got --exam" in said(capsys)
    assert run(*back) == 0
    text = said(capsys)
    assert "the unfinished addition was taken back, 2 exams of it" in text
    assert "The store holds 6 exams" in text
    assert every_file(store) == before
    assert run(*back) == 2
    assert "expected a store with an unfinished addition" in said(capsys)


def test_a_store_without_an_exam_left_cannot_be_split(folder, capsys):
    store = folder / "store"
    exams = pl.read_parquet(store / "exams.parquet")["exam_id"].to_list()
    words = ("remove", store, "--identity", folder / "identity")
    assert run(*words, "--exam", *exams) == 0
    (folder / "given.csv").write_text("exam_id,split\n")
    for more in ((), ("--replace",), ("--given", folder / "given.csv")):
        said(capsys)
        assert run("split", store, *more) == 2
        text = said(capsys)
        assert "expected exams to divide, got no exams" in text
        assert text.count("\n") == 1
