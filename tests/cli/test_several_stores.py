"""Several stores, and stores of another task, from training to the report."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import polars as pl
import pytest
import yaml

from examwise.cli.main import main
from examwise.core.task import SeriesRule, Task
from examwise.data.splits import read_splits, split_store

KEY = {"key_id": "k1"}
FRACTURE = Task("head_fracture", ("fracture",), 500, 2500, series=SeriesRule(kernel="bone"))
TERMS = {"one": "RSNA 2019: non-commercial research", "other": "CQ500: CC BY-NC-SA 4.0"}
MODEL = ["--model.encoder", "resnet10", "--model.width", "4", "--model.embedding", "8",
         "--training.steps", "4", "--training.validate_every", "2"]  # fmt: skip
STUDY = Path(__file__).parent / "tiny_study.yaml"


@pytest.fixture(scope="module")
def stores(make_store, tmp_path_factory):
    """Two archives' stores, of different patients and terms."""
    folder = tmp_path_factory.mktemp("stores")
    urls = []
    for name, only in (("one", range(30)), ("other", range(30, 60))):
        options = {"n_exams": 60, "matrix": 32, "n_slices": 5, "configuration": KEY}
        url = make_store(folder / name, only=only, archive=name, data_terms=TERMS[name], **options)
        split_store(url, fractions=(0.5, 0.2, 0.3))
        urls.append(url)
    return urls


def result(capsys):
    return json.loads(capsys.readouterr().out)


@pytest.fixture(scope="module")
def run(stores, tmp_path_factory):
    out = str(tmp_path_factory.mktemp("run") / "run")
    assert main(["train", *stores, "--learner", "weak", "--out", out, *MODEL, "--quiet"]) == 0
    return out


def test_training_prints_the_terms_of_all_stores(stores, run, capsys):
    assert main(["train", *stores, "--learner", "weak", "--out", run, *MODEL]) == 0
    assert f"Data: {TERMS['other']}; {TERMS['one']}" in capsys.readouterr().out
    model = json.loads(Path(run, "model.json").read_text())
    assert model["data_terms"] == sorted(TERMS.values())
    assert (model["config"]["window_center_hu"], model["config"]["window_width_hu"]) == (40, 80)


def test_several_archives_are_predicted_and_evaluated_together(stores, run, tmp_path, capsys):
    folders = []
    for place, store in enumerate(stores):
        folders.append(str(tmp_path / f"p{place}"))
        assert main(["predict", run, store, "--split", "test", "--out", folders[-1]]) == 0
        said = capsys.readouterr().out
        assert f"Data that the model learned from: {TERMS['other']}; {TERMS['one']}" in said
        assert f"Data: {TERMS['one' if place == 0 else 'other']}" in said
    words = ["evaluate", *folders, "--out", str(tmp_path / "e"), "--replicates", "60"]
    assert main([*words, "--store", *stores, "--json"]) == 0
    found = result(capsys)
    counts = {row["archive"]: row["n_patients"] for row in found["exam_metrics"]}
    assert counts == {"one": 9, "other": 9, "one + other": 18}
    both = sorted(TERMS.values())
    assert found["data_terms"] == {"learned_from": both, "predicted": both}
    again = ["--store", stores[1], "--store", stores[0], "--json"]
    assert main([*words, *again]) == 0
    assert result(capsys)["exam_metrics"] == found["exam_metrics"]
    only_one = ["evaluate", *folders, "--out", str(tmp_path / "x"), "--store", stores[0]]
    assert main(only_one) == 2
    assert "9 of them in none of them" in capsys.readouterr().err


def test_stores_that_do_not_go_together_are_refused(stores, make_store, tmp_path, capsys):
    other = make_store(tmp_path / "s", n_exams=9, matrix=32, configuration={"key_id": "k2"})
    words = ["--learner", "weak", "--out", str(tmp_path / "run"), *MODEL]
    assert main(["train", stores[0], other, *words]) == 2
    assert "stores made with one key" in capsys.readouterr().err
    assert main(["train", stores[0], stores[0], *words]) == 2
    assert "30 exams in several" in capsys.readouterr().err
    options = {"n_exams": 99, "only": range(90, 99), "matrix": 32}
    task = {**KEY, "task": asdict(FRACTURE)}
    third = make_store(tmp_path / "t", configuration=task, findings=["fracture"], **options)
    assert main(["train", stores[0], third, *words]) == 2
    assert "expected stores of one task" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.fixture(scope="module")
def study_file(tmp_path_factory):
    text = yaml.safe_load(STUDY.read_text())
    text["study"] = {**text["study"], "repeats": 1, "split": None, "label_free": []}
    for arm in text["study"]["arms"]:
        arm["budgets"] = arm["budgets"][:1]
    text["study"]["training"] |= {"steps": 2, "validate_every": 2}
    path = tmp_path_factory.mktemp("study") / "study.yaml"
    path.write_text(yaml.safe_dump(text))
    return path


def test_study_over_several_stores(stores, study_file, tmp_path, capsys):
    out = tmp_path / "study"
    words = ["study", str(study_file), "--out", str(out), "--workers", "1"]
    assert main([*words, "--store", stores[0], "--store", stores[1], "--json"]) == 0
    answer = result(capsys)["answer"]
    (inside,) = answer["archives"]
    assert len(inside["table"]) == 2
    assert any("'one + other' together" in caution for caution in inside["cautions"])
    metrics = pl.read_parquet(out / "evaluation/exam_metrics.parquet")
    assert set(metrics["archive"]) == {"one", "other", "one + other"}
    runs = pl.read_parquet(out / "runs.parquet")
    labels = pl.concat(
        pl.read_parquet(out / "runs" / run / "label_set.parquet").select("exam_id")
        for run in runs["run_id"]
    )["exam_id"]
    for url in stores:
        trained = read_splits(url).filter(pl.col("split") != "test")["exam_id"]
        assert labels.is_in(trained.implode()).any()
    page = (out / "report.html").read_text()
    assert all(terms in page for terms in TERMS.values())
    assert "Models trained on these data carry the same terms" in page
    # Stores in another order are the same study.
    turned = [*words, "--store", stores[1], stores[0], "--json"]
    assert main(turned) == 0
    assert result(capsys)["answer"] == answer
    page = tmp_path / "again.html"
    assert main(["report", str(out), "--store", *stores, "--out", str(page), "--quiet"]) == 0
    assert page.read_bytes() == (out / "report.html").read_bytes()


def test_study_over_several_stores_takes_their_own_splits(stores, tmp_path, capsys):
    words = ["study", str(STUDY), "--store", *stores, "--out", str(tmp_path / "study")]
    assert main([*words, "--workers", "1"]) == 0
    # The file has their fractions: there is nothing to say.
    assert "Splits:" not in capsys.readouterr().err


@pytest.fixture(scope="module")
def fractures(make_store, tmp_path_factory):
    url = make_store(
        tmp_path_factory.mktemp("fractures") / "s",
        n_exams=30,
        matrix=32,
        n_slices=5,
        findings=["fracture"],
        configuration={**KEY, "task": asdict(FRACTURE)},
    )
    split_store(url, fractions=(0.5, 0.2, 0.3), finding="fracture")
    return url


@pytest.mark.parametrize("learner", ["strong", "weak"])
def test_another_task_is_trained_predicted_and_evaluated(fractures, learner, tmp_path, capsys):
    run, predicted = str(tmp_path / "run"), str(tmp_path / "p")
    assert main(["train", fractures, "--learner", learner, "--out", run, *MODEL, "--quiet"]) == 0
    config = json.loads(Path(run, "model.json").read_text())["config"]
    assert config["findings"] == ["fracture"]
    assert (config["window_center_hu"], config["window_width_hu"]) == (500, 2500)
    words = ["predict", run, fractures, "--split", "test", "--out", predicted, "--json"]
    assert main(words) == 0
    assert {exam["finding"] for exam in result(capsys)["exams"]} == {"fracture"}
    words = ["evaluate", predicted, "--store", fractures, "--out", str(tmp_path / "e")]
    assert main([*words, "--replicates", "60", "--json"]) == 0
    (row,) = result(capsys)["exam_metrics"]
    assert (row["finding"], row["n_exams"]) == ("fracture", 9)
    assert row["auc"] is not None


def test_a_window_that_is_named_stays(fractures, tmp_path):
    config = tmp_path / "model.yaml"
    config.write_text("model: {window_width_hu: 3000}\n")
    words = ["train", fractures, "--learner", "weak", "--out", str(tmp_path / "run")]
    named = ["--config", str(config), "--model.window_center_hu", "40"]
    assert main([*words, *named, *MODEL, "--quiet"]) == 0
    found = json.loads((tmp_path / "run/model.json").read_text())["config"]
    assert (found["window_center_hu"], found["window_width_hu"]) == (40, 3000)


def test_study_of_another_task(fractures, study_file, tmp_path, capsys):
    text = yaml.safe_load(study_file.read_text())
    config = tmp_path / "study.yaml"
    config.write_text(yaml.safe_dump(text))
    words = ["study", str(config), "--workers", "1", "--store", fractures]
    assert main([*words, "--out", str(tmp_path / "x")]) == 2
    assert "labels of the finding any, got findings fracture" in capsys.readouterr().err
    text["study"]["finding"] = "fracture"
    text["study"]["model"]["findings"] = ["fracture"]
    text["study"]["arms"][0]["budgets"] = [20]
    config.write_text(yaml.safe_dump(text))
    assert main([*words, "--out", str(tmp_path / "study"), "--json"]) == 0
    assert len(result(capsys)["answer"]["archives"][0]["table"]) == 2
    (run, *_) = sorted((tmp_path / "study/runs").iterdir())
    assert json.loads((run / "model.json").read_text())["config"]["window_width_hu"] == 2500
