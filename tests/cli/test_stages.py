"""Every command by itself, and studies on a user's own files and stores."""

import csv
import json
import shutil
from pathlib import Path

import polars as pl
import pytest
import yaml

from examwise.cli.main import main

CONFIG = Path(__file__).parent / "tiny_study.yaml"
MODEL = ["--model.encoder", "resnet10", "--model.width", "4", "--model.embedding", "8",
         "--training.steps", "8", "--training.validate_every", "4"]  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("stages")


@pytest.fixture(scope="module")
def identity(place):
    return ["--identity", str(place / "identity")]


@pytest.fixture(scope="module")
def archive(place):
    sizes = ["--phantom.n_exams", "40", "--phantom.matrix", "32",
             "--phantom.min_slices", "6", "--phantom.max_slices", "8"]  # fmt: skip
    assert main(["phantom", str(place / "archive"), *sizes, "--workers", "1", "--quiet"]) == 0
    return place / "archive"


@pytest.fixture(scope="module")
def store(place, archive, identity):
    words = ["ingest", "rsna", str(archive), str(place / "store"), "--ingest.matrix", "32"]
    assert main([*words, *identity, "--workers", "1", "--quiet"]) == 0
    assert main(["split", str(place / "store"), "--fractions", "[0.5, 0.2, 0.3]", "--quiet"]) == 0
    return place / "store"


@pytest.fixture(scope="module", params=["strong", "weak"])
def run(request, place, store):
    out = place / f"run-{request.param}"
    words = ["train", str(store), "--learner", request.param, "--out", str(out), *MODEL]
    assert main([*words, "--quiet"]) == 0
    return out


def result(capsys):
    return json.loads(capsys.readouterr().out)


def test_train_predict_evaluate(run, store, tmp_path, capsys):
    out = tmp_path / "predictions"
    assert (
        main(["predict", str(run), str(store), "--split", "test", "--out", str(out), "--json"]) == 0
    )
    predicted = result(capsys)
    splits = pl.read_parquet(store / "splits.parquet")
    assert predicted["n_exams"] == splits.filter(pl.col("split") == "test").height
    assert len(predicted["exams"]) == predicted["n_exams"]
    assert main(["evaluate", str(out), "--out", str(tmp_path / "evaluation"), "--json"]) == 0
    (row,) = result(capsys)["exam_metrics"]
    assert row["n_exams"] == predicted["n_exams"]
    assert 0 <= row["auc"] <= 1


def test_predict_raw_files_never_seen(run, real_data, identity, tmp_path, capsys):
    out = tmp_path / "out"
    words = ["predict", str(run), str(real_data / "ge_head_series"), "--out", str(out)]
    assert main([*words, *identity, "--workers", "1", "--json"]) == 0
    predicted = result(capsys)
    assert (predicted["n_exams"], predicted["n_slices"]) == (1, 28)
    slices = pl.read_parquet(out / "slices.parquet")
    assert slices["slice_index"].to_list() == list(range(28))
    assert slices["slice_label"].null_count() == 28
    assert pl.read_parquet(out / "exams.parquet")["split"].to_list() == ["unseen"]


def test_predict_goes_on_with_raw_files_on_a_second_call(run, archive, identity, tmp_path, capsys):
    words = ["predict", str(run), str(archive), "--out", str(tmp_path / "out"), *identity]
    assert main([*words, "--workers", "1", "--json"]) == 0
    first = result(capsys)
    assert main([*words, "--workers", "1", "--json"]) == 0
    assert result(capsys) == first
    assert first["n_exams"] == 40


def test_study_on_a_store(store, tmp_path, capsys):
    out = tmp_path / "study"
    config = tmp_path / "study.yaml"
    text = yaml.safe_load(CONFIG.read_text())
    text["study"] = {**text["study"], "repeats": 1, "split": None}
    for arm in text["study"]["arms"]:
        arm["budgets"] = arm["budgets"][:1]
    config.write_text(yaml.safe_dump(text))
    words = ["study", str(config), "--out", str(out), "--workers", "1"]
    assert main([*words, "--store", str(store), "--json"]) == 0
    assert (
        len(result(capsys)["answer"]["archives"][0]["table"]) == 3
    )  # two runs, and the mean of the tissue
    assert not (out / "store").exists()
    page = tmp_path / "again.html"
    assert main(["report", str(out), "--store", str(store), "--out", str(page), "--quiet"]) == 0
    assert page.read_bytes() == (out / "report.html").read_bytes()


def folder_archive(archive, folder):
    """Sort the flat archive into one folder a series, with a label file of our own."""
    truth = pl.read_parquet(archive / "truth.parquet")
    for image, series in truth.select("image_id", "series").iter_rows():
        target = folder / series
        target.mkdir(parents=True, exist_ok=True)
        (target / f"{image}.dcm").hardlink_to(archive / "stage_2_train" / f"{image}.dcm")
    exams = truth.group_by("series").agg(pl.col("any").max().cast(pl.Int8)).sort("series")
    slices = truth.select("series", "image_id", pl.col("any").cast(pl.Int8))
    with (folder / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "any"])
        writer.writerows(exams.iter_rows())
        writer.writerows([f"{series}/{image}.dcm", value] for series, image, value in slices.rows())


def test_study_on_a_users_own_folder(archive, identity, tmp_path, capsys):
    folder = tmp_path / "folder"
    folder_archive(archive, folder)
    text = yaml.safe_load(CONFIG.read_text())
    text["source"] = {"layout": "folder", "labels": "labels.csv", "ingest": {"matrix": 32}}
    text["study"]["repeats"] = 1
    for arm in text["study"]["arms"]:
        arm["budgets"] = arm["budgets"][:1]
    config = tmp_path / "study.yaml"
    config.write_text(yaml.safe_dump(text))
    out = tmp_path / "study"
    words = ["study", str(config), "--out", str(out), "--source", str(folder), "--workers", "1"]
    assert main([*words, *identity, "--json"]) == 0
    assert result(capsys)["status"] == "done"
    truth = pl.read_parquet(archive / "truth.parquet")
    exams = pl.read_parquet(out / "store/exams.parquet")
    assert exams.height == truth["series"].n_unique()
    assert not (out / "archive").exists()


def test_study_on_a_store_that_is_not_split_leaves_it_alone(place, archive, identity, tmp_path):
    words = ["ingest", "rsna", str(archive), str(tmp_path / "store"), "--ingest.matrix", "32"]
    assert main([*words, *identity, "--workers", "1", "--quiet"]) == 0
    before = sorted(path.name for path in (tmp_path / "store").iterdir())
    words = ["study", str(CONFIG), "--store", str(tmp_path / "store"), "--out", str(tmp_path / "x")]
    assert main(words) == 2
    assert sorted(path.name for path in (tmp_path / "store").iterdir()) == before
    assert not (tmp_path / "x").exists()


def test_refused_ingest_leaves_no_key_behind(archive, tmp_path):
    inside = archive / "stage_2_train" / "id"
    words = ["ingest", "rsna", str(archive), str(tmp_path / "store"), "--identity", str(inside)]
    assert main(words) == 2
    assert not inside.exists()


def test_raw_files_have_no_parts(run, archive, identity, tmp_path, capsys):
    words = ["predict", str(run), str(archive), "--split", "test", "--out", str(tmp_path / "x")]
    assert main([*words, *identity]) == 2
    assert "--split: expected an exam store" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_finished_study_that_lost_a_run_says_so(store, tmp_path, capsys):
    out = tmp_path / "study"
    text = yaml.safe_load(CONFIG.read_text())
    text["study"] = {**text["study"], "repeats": 1, "split": None}
    for arm in text["study"]["arms"]:
        arm["budgets"] = arm["budgets"][:1]
    config = tmp_path / "study.yaml"
    config.write_text(yaml.safe_dump(text))
    words = ["study", str(config), "--out", str(out), "--store", str(store), "--workers", "1"]
    assert main([*words, "--quiet"]) == 0
    shutil.rmtree(next((out / "predictions").iterdir()))
    assert main([*words, "--quiet"]) == 2
    assert "1 missing" in capsys.readouterr().err


def test_study_can_be_corrected_until_its_first_run(archive, identity, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    out = tmp_path / "study"
    config = tmp_path / "study.yaml"
    text = yaml.safe_load(CONFIG.read_text())
    text["study"] = {**text["study"], "repeats": 1}
    text["study"]["arms"][1]["budgets"] = [10, 30]
    config.write_text(yaml.safe_dump(text))
    words = ["study", str(config), "--out", str(out), "--workers", "1", "--quiet"]
    assert main([*words, *identity, "--source", str(tmp_path / "empty")]) == 2
    inside = archive / "stage_2_train" / "id"
    assert main([*words, "--identity", str(inside), "--source", str(archive)]) == 2
    assert not inside.exists()
    capsys.readouterr()
    words += [*identity, "--source", str(archive)]
    assert main(words) == 2  # the archive is too small for the budgets, as is known once it is read
    assert "expected at most" in capsys.readouterr().err
    for arm in text["study"]["arms"]:
        arm["budgets"] = arm["budgets"][:1]
    text["study"]["split"] = {"train": 0.4, "validation": 0.2, "test": 0.4}
    config.write_text(yaml.safe_dump(text))
    assert main(words) == 0
    config.write_text(yaml.safe_dump({**text, "study": {**text["study"], "target_auc": 0.9}}))
    assert main(words) == 2
    assert "configuration.study.target_auc = 0.7, got 0.9" in capsys.readouterr().err
